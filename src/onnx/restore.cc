// What PyTorch's exporter took out since it changes no output: biases of 0, which train.

#include <algorithm>

#include "onnx/patterns.h"

namespace undying::onnx {
namespace {

bool names_bias(const Operation& operation) {
  return operation.origin.folded_norm || std::ranges::any_of(operation.origin.parameters, [](const std::string& name) {
           return name == "bias" || name.ends_with(".bias");
         });
}

// How many elements the bias of a layer without one has; 0: it has one, or is no such layer.
std::int64_t missing_bias(const Net& net, const Operation& operation) {
  const std::string& op = operation.op;
  if (has_input(operation, 2) || !has_input(operation, 1) || net.value(operation.inputs[1]).constant == nullptr) return 0;
  const Shape& dims = net.value(operation.inputs[1]).constant->dims;
  if (op == "Gemm" && dims.size() == 2) return integer(operation, "transB", 0) != 0 ? dims[0] : dims[1];
  if (op == "MatMul" && dims.size() == 2) return dims[1];
  if (op == "Conv" && !dims.empty()) return dims[0];
  if (op == "ConvTranspose" && dims.size() > 1) return dims[1] * integer(operation, "group", 1);
  return op == "LayerNormalization" && dims.size() == 1 ? dims[0] : 0;
}

// Whether the bias is an Add of its own behind the layer.
bool is_added(const Net& net, const std::vector<std::vector<int>>& readers, const Operation& operation) {
  return std::ranges::any_of(readers[static_cast<std::size_t>(operation.outputs[0])], [&](int reader) {
    return reader >= 0 && net.operations[static_cast<std::size_t>(reader)].op == "Add" &&
           net.operations[static_cast<std::size_t>(reader)].origin.parameters == operation.origin.parameters;
  });
}

}  // namespace

void restore_biases(Net& net) {
  const auto readers = net.readers();
  int restored = 0;
  int folded = 0;
  for (Operation& operation : net.operations) {
    folded += operation.origin.folded_norm ? 1 : 0;
    if (!operation.problem.empty() || operation.outputs.empty() || operation.outputs[0] < 0 || !names_bias(operation)) continue;
    const std::int64_t count = missing_bias(net, operation);
    if (count < 1 || count > kMostIntegers || is_added(net, readers, operation)) continue;
    operation.inputs.resize(3, -1);
    operation.inputs[2] = net.add_constant(make_floats({count}, std::vector<float>(static_cast<std::size_t>(count), 0.0f)));
    if (operation.op == "MatMul") operation.op = ".linear";
    ++restored;
  }
  note(net, restored, "bias of 0 that the exporter left out is there again, and trains");
  note(net, folded, "batch norm was folded into the layer before it by the exporter; torch.onnx.export(..., optimize=False) keeps them");
}

}  // namespace undying::onnx
