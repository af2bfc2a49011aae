// Scales and biases that stand behind the operation they belong to.

#include <algorithm>

#include "onnx/normalise/fold.h"
#include "onnx/normalise/patterns.h"

namespace undying::onnx {
namespace {

// Dimensions [first, last) of an example.
struct Dimensions {
  std::size_t first = 0;
  std::size_t last = 0;
};

// Whether a constant that meets an example of this shape has an element for each index of these
// dimensions, and one for all others.
bool spans(const Constant& constant, const Shape& shape, Dimensions dimensions) {
  if (constant.integer || constant.dims.empty() || constant.dims.size() > shape.size() + 1)
    return false;
  for (std::size_t i = 0; i < constant.dims.size(); ++i) {
    const std::size_t from_last = constant.dims.size() - i;
    const bool inside = from_last <= shape.size() && shape.size() - from_last >= dimensions.first &&
                        shape.size() - from_last < dimensions.last;
    const std::int64_t expected = inside ? shape[shape.size() - from_last] : 1;
    if (constant.dims[i] != expected) return false;
  }
  return constant.dims.size() >= shape.size() - dimensions.first;
}

// What an operation may take as a scale or bias: one element an output, a channel, a normalised
// position.
Dimensions affine_dimensions(const Net& net, const Operation& operation, std::size_t rank) {
  if (operation.op == "MatMul" || operation.op == "Gemm") return {rank - 1, rank};
  if (operation.op == "LayerNormalization") {
    const std::int64_t axis = integer(operation, "axis", -1);
    return {axis < 0 ? rank - static_cast<std::size_t>(-axis)
                     : static_cast<std::size_t>(axis - net.batch_axes_of(operation.inputs[0])),
            rank};
  }
  return {0, 1};
}

// A normalisation without scale and bias of its own: 1, and 0 once it has its scale.
constexpr char kPlain[] = ".plain";

bool takes_scale(const Operation& operation) { return integer(operation, kPlain, 0) != 0; }

bool takes_bias(const Net& net, const Operation& operation) {
  if (operation.op == "MatMul") {
    const int weight = input(operation, 1);
    return weight >= 0 && net.value(weight).constant != nullptr &&
           net.value(weight).constant->dims.size() == 2;
  }
  if (operation.op == "Gemm" || operation.op == "Conv" || operation.op == "ConvTranspose")
    return !has_input(operation, 2);
  return operation.settings.contains(kPlain);
}

struct Affine {
  const Operation* before = nullptr;  // what the product or sum stands behind
  int constant = -1;                  // the other operand
};

Affine affine_of(const Net& net, const std::vector<std::vector<int>>& readers,
                 const Operation& operation) {
  if (operation.inputs.size() != 2) return {};
  for (std::size_t i = 0; i < 2; ++i) {
    const int constant = operation.inputs[1 - i];
    if (constant < 0 || net.value(constant).constant == nullptr) continue;
    const Operation* before = sole_producer(net, readers, operation.inputs[i]);
    if (before == nullptr || !before->problem.empty()) continue;
    const Shape& shape = net.value(operation.outputs[0]).shape;
    if (!is_shaped(net, operation.inputs[i]) || net.value(operation.inputs[i]).shape != shape)
      continue;
    if (spans(*net.value(constant).constant, shape, affine_dimensions(net, *before, shape.size())))
      return {before, constant};
  }
  return {};
}

// `operation` becomes the one before it, with the constant as its scale or bias.
void merge(Operation& operation, const Affine& affine, bool is_bias) {
  Operation merged = *affine.before;
  merged.outputs = operation.outputs;
  merged.inputs.resize(std::max<std::size_t>(merged.inputs.size(), is_bias ? 3 : 2), -1);
  merged.inputs[is_bias ? 2 : 1] = affine.constant;
  if (merged.op == "MatMul") merged.op = ".linear";
  if (is_bias) merged.settings.erase(kPlain);
  if (is_bias) merged.settings.erase("beta");  // of a Gemm that had nothing for it to scale
  if (!is_bias) merged.settings[kPlain] = std::int64_t{0};
  operation = std::move(merged);
}

bool merge_into(Net& net, const std::vector<std::vector<int>>& readers, Operation& operation) {
  const bool is_bias = operation.op == "Add";
  if (!is_bias && operation.op != "Mul") return false;
  if (operation.outputs.size() != 1 || !is_shaped(net, operation.outputs[0])) return false;
  const Affine affine = affine_of(net, readers, operation);
  if (affine.before == nullptr ||
      !(is_bias ? takes_bias(net, *affine.before) : takes_scale(*affine.before)))
    return false;
  merge(operation, affine, is_bias);
  shape_outputs(net, operation);
  return true;
}

}  // namespace

void merge_affine(Net& net) {
  const auto readers = net.readers();
  int biases = 0;
  for (Operation& operation : net.operations) {
    const bool is_bias = operation.op == "Add";
    if (merge_into(net, readers, operation) && is_bias) ++biases;
  }
  net.drop_unread();
  note(net, biases, "Add merged into the layer before it as its bias");
}

}  // namespace undying::onnx
