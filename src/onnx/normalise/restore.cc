// What PyTorch's exporter took out since it changes no output: biases of 0, which train.

#include <algorithm>

#include "onnx/normalise/fold.h"
#include "onnx/normalise/patterns.h"

namespace undying::onnx {
namespace {

bool names_bias(const Operation& operation) {
  return operation.origin.folded_norm ||
         std::ranges::any_of(operation.origin.parameters, [](const std::string& name) {
           return name == "bias" || name.ends_with(".bias");
         });
}

// How many units a layer with a known weight makes; 0: it is no such layer.
std::int64_t units_of(const Net& net, const Operation& operation) {
  const std::string& op = operation.op;
  if (!has_input(operation, 1) || net.value(operation.inputs[1]).constant == nullptr) return 0;
  const Shape& dims = net.value(operation.inputs[1]).constant->dims;
  if (op == "Gemm" && dims.size() == 2)
    return integer(operation, "transB", 0) != 0 ? dims[0] : dims[1];
  if (op == "MatMul" && dims.size() == 2) return dims[1];
  if (op == "Conv" && !dims.empty()) return dims[0];
  if (op == "ConvTranspose" && dims.size() > 1) return dims[1] * integer(operation, "group", 1);
  return op == "LayerNormalization" && dims.size() == 1 ? dims[0] : 0;
}

// How many elements the bias of a layer without one has; 0: it has one, or is no such layer.
std::int64_t missing_bias(const Net& net, const Operation& operation) {
  return has_input(operation, 2) ? 0 : units_of(net, operation);
}

// Whether the bias is an Add of its own behind the layer.
bool is_added(const Net& net, const std::vector<std::vector<int>>& readers,
              const Operation& operation) {
  return std::ranges::any_of(readers[operation.outputs[0]], [&](int reader) {
    return reader >= 0 && net.operations[reader].op == "Add" &&
           net.operations[reader].origin.parameters == operation.origin.parameters;
  });
}

int add_vector(Net& net, std::int64_t count, float value, const std::string& name) {
  Constant constant{.dims = {count},
                    .floats = std::vector<float>(static_cast<std::size_t>(count), value),
                    .origin = name};
  return net.add_constant(std::make_shared<Constant>(std::move(constant)), name);
}

// The norm that went into a layer, as it begins. The bias of the layer is the norm's shift.
Operation norm_behind(Net& net, Operation& layer, std::int64_t channels) {
  const int result = layer.outputs[0];
  Value between = net.value(result);
  between.name += ".unnormalised";
  layer.outputs[0] = net.add_value(std::move(between));
  layer.inputs.resize(2);
  Operation norm{.name = layer.name + ".norm",
                 .op = "BatchNormalization",
                 .inputs = {layer.outputs[0]},
                 .outputs = {result}};
  norm.origin = {.parameters = layer.origin.norm, .module = layer.origin.module, .known = true};
  const std::string module = layer.origin.norm.empty()
                                 ? norm.name
                                 : layer.origin.norm[0].substr(0, layer.origin.norm[0].rfind('.'));
  norm.inputs.push_back(add_vector(net, channels, 1.0f, module + ".weight"));
  norm.inputs.push_back(add_vector(net, channels, 0.0f, module + ".bias"));
  norm.inputs.push_back(add_vector(net, channels, 0.0f, module + ".running_mean"));
  norm.inputs.push_back(add_vector(net, channels, 1.0f, module + ".running_var"));
  layer.origin.folded_norm = false;
  layer.origin.module.clear();  // it is the norm's
  return norm;
}

// For weights that are drawn anew: the layers that a norm was folded into, with the norm behind
// them again.
void restore_norms(Net& net) {
  std::vector<Operation> operations;
  int restored = 0;
  for (Operation& operation : net.operations) {
    const std::int64_t channels =
        operation.origin.folded_norm && operation.problem.empty() ? units_of(net, operation) : 0;
    operations.push_back(std::move(operation));
    if (channels < 1) continue;
    Operation norm = norm_behind(net, operations.back(), channels);
    operations.push_back(std::move(norm));
    ++restored;
  }
  net.operations = std::move(operations);
  for (Operation& operation : net.operations)
    if (operation.op == "BatchNormalization" && operation.problem.empty() &&
        is_shaped(net, operation.inputs[0]))
      shape_outputs(net, operation);
  net.drop_unread();
  note(net, restored,
       "batch norm that the exporter folded into the layer before it is there again");
}

}  // namespace

void restore_biases(Net& net) {
  if (net.fresh) restore_norms(net);
  const auto readers = net.readers();
  int restored = 0;
  int folded = 0;
  for (Operation& operation : net.operations) {
    folded += operation.origin.folded_norm ? 1 : 0;
    if (!operation.problem.empty() || operation.outputs.empty() || operation.outputs[0] < 0 ||
        !names_bias(operation))
      continue;
    const std::int64_t count = missing_bias(net, operation);
    if (count < 1 || count > kMostIntegers || is_added(net, readers, operation)) continue;
    operation.inputs.resize(3, -1);
    operation.inputs[2] = net.add_constant(
        make_floats({count}, std::vector<float>(static_cast<std::size_t>(count), 0.0f)));
    if (operation.op == "MatMul") operation.op = ".linear";
    ++restored;
  }
  note(net, restored,
       restored == 1 ? "bias of 0 that the exporter left out is there again, and trains"
                     : "biases of 0 that the exporter left out are there again, and train");
  note(net, folded,
       std::string(folded == 1 ? "batch norm was folded into the layer before it"
                               : "batch norms were folded into the layers before them") +
           " by the exporter; torch.onnx.export(..., optimize=False) keeps them");
}

}  // namespace undying::onnx
