#include "onnx/normalise/upconvert.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "ops/operator.h"

namespace undying::onnx {
namespace {

// Input number `index` becomes this constant.
void set_input(Net& net, Operation& operation, std::size_t index, ConstantPtr constant) {
  if (operation.inputs.size() <= index) operation.inputs.resize(index + 1, -1);
  operation.inputs[index] = net.add_constant(std::move(constant));
}

ConstantPtr scalar(double value) { return make_floats({}, {static_cast<float>(value)}); }

// A list of integers moves from an attribute to an input.
void list_to_input(Net& net, Operation& operation, const std::string& name, std::size_t index) {
  if (operation.settings.contains(name))
    set_input(net, operation, index, make_list(integers(operation, name)));
  operation.settings.erase(name);
}

// Before 7, the second operand was broadcast only where `broadcast` said so, and stood at `axis` of
// the first.
void align_second_operand(Net& net, Operation& operation) {
  const std::int64_t axis = integer(operation, "axis", -1);
  const bool placed =
      operation.settings.contains("axis") && integer(operation, "broadcast", 0) != 0;
  operation.settings.erase("axis");
  operation.settings.erase("broadcast");
  if (!placed || !has_input(operation, 0) || !has_input(operation, 1)) return;
  const ConstantPtr& second = net.value(operation.inputs[1]).constant;
  const std::int64_t rank = net.rank(operation.inputs[0]);
  if (second == nullptr)
    refuse("broadcasts a computed operand at axis " + std::to_string(axis) + ", as before opset 7");
  const std::int64_t behind =
      rank - (axis < 0 ? axis + rank : axis) - static_cast<std::int64_t>(second->dims.size());
  if (behind < 0 || behind > rank)
    malformed(operation, "its axis " + std::to_string(axis) + " does not fit its operands");
  Constant wider = *second;
  wider.dims.insert(wider.dims.end(), static_cast<std::size_t>(behind), 1);
  wider.origin.clear();
  operation.inputs[1] = net.add_constant(std::make_shared<Constant>(std::move(wider)));
}

void gemm_6(Net&, Operation& operation) {
  operation.settings.erase("broadcast");
}  // numpy's rules since 7 include it

// Before 7, a slope of one value a channel stood at the channels whatever came behind them.
void prelu_6(Net& net, Operation& operation) {
  if (!has_input(operation, 0) || !has_input(operation, 1)) return;
  const ConstantPtr& slope = net.value(operation.inputs[1]).constant;
  const std::int64_t rank = net.rank(operation.inputs[0]);
  if (slope == nullptr || slope->dims.size() != 1 || slope->count() == 1 || rank < 3) return;
  Constant wider = *slope;
  wider.dims.insert(wider.dims.end(), static_cast<std::size_t>(rank - 2), 1);
  operation.inputs[1] = net.add_constant(std::make_shared<Constant>(std::move(wider)));
}

// Statistics per position went out with opset 9; running statistics as outputs 2 and 3 meant
// training before 14.
void batch_norm_13(Net& net, Operation& operation) {
  const bool vector = has_input(operation, 0) && net.value(operation.inputs[0]).shape.size() == 1;
  if (integer(operation, "spatial", 1) == 0 && !vector)
    refuse("has statistics for each position (spatial = 0)");
  for (const char* gone : {"spatial", "is_test"}) operation.settings.erase(gone);
  if (operation.outputs.size() > 1) operation.settings["training_mode"] = std::int64_t{1};
}

void dropout_11(Net& net, Operation& operation) {
  set_input(net, operation, 1, scalar(number(operation, "ratio", 0.5)));
  for (const char* gone : {"ratio", "is_test"}) operation.settings.erase(gone);
}

void clip_10(Net& net, Operation& operation) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  const double lowest = number(operation, "min", -kLargest);
  const double highest = number(operation, "max", kLargest);
  if (lowest > -kLargest) set_input(net, operation, 1, scalar(lowest));
  if (highest < kLargest) set_input(net, operation, 2, scalar(highest));
  for (const char* gone : {"min", "max"}) operation.settings.erase(gone);
}

void pad_10(Net& net, Operation& operation) {
  list_to_input(net, operation, "pads", 1);
  set_input(net, operation, 2, scalar(number(operation, "value", 0.0)));
  operation.settings.erase("value");
}

void slice_9(Net& net, Operation& operation) {
  list_to_input(net, operation, "starts", 1);
  list_to_input(net, operation, "ends", 2);
  list_to_input(net, operation, "axes", 3);
}

// The value was taken as a matrix, rows up to `axis`, and the softmax as that of its rows.
void softmax_12(Net&, Operation& operation) {
  operation.settings["axis"] = integer(operation, "axis", 1);
  operation.settings[".rows"] = std::int64_t{1};
}

void axes_to_input(Net& net, Operation& operation) { list_to_input(net, operation, "axes", 1); }
void split_to_input(Net& net, Operation& operation) { list_to_input(net, operation, "split", 1); }

// Scale and bias stood for groups, not for channels.
void group_norm_20(Net& net, Operation& operation) {
  if (!has_input(operation, 0) || net.value(operation.inputs[0]).constant != nullptr) return;
  const Shape& shape = net.value(operation.inputs[0]).shape;
  for (std::size_t i = 1; i < 3; ++i) {
    const ConstantPtr each =
        has_input(operation, i) ? net.value(operation.inputs[i]).constant : nullptr;
    if (each == nullptr || each->integer || each->count() == 0 || shape.empty() ||
        shape[0] % each->count() != 0)
      refuse("has a scale or bias that is not one known number for each group");
    std::vector<float> channels;
    for (std::int64_t c = 0; c < shape[0]; ++c)
      channels.push_back(each->floats[c / (shape[0] / each->count())]);
    set_input(net, operation, i, make_floats({shape[0]}, std::move(channels)));
  }
}

// An upsampling is a resize whose grids meet at 0.
void upsample_9(Net& net, Operation& operation) {
  if (const auto found = operation.settings.find("scales"); found != operation.settings.end()) {
    const auto scales = setting<std::vector<float>>(operation, "scales", {});
    const auto count = static_cast<std::int64_t>(scales.size());
    set_input(net, operation, 1, make_floats({count}, scales));
    operation.settings.erase("scales");
  }
  if (operation.inputs.size() == 2) operation.inputs.insert(operation.inputs.begin() + 1, -1);
  operation.op = "Resize";
  operation.settings["coordinate_transformation_mode"] = std::string("asymmetric");
  operation.settings["nearest_mode"] = std::string("floor");
}

// Before 11, scales were the second input and the grids met at 0.
void resize_10(Net& net, Operation& operation) { upsample_9(net, operation); }

struct Change {
  std::string_view op;
  std::int64_t until;  // the last opset of the old form
  void (*apply)(Net& net, Operation& operation);
};
constexpr std::array kChanges = {
    Change{"Add", 6, align_second_operand},
    Change{"Sub", 6, align_second_operand},
    Change{"Mul", 6, align_second_operand},
    Change{"Div", 6, align_second_operand},
    Change{"Gemm", 6, gemm_6},
    Change{"PRelu", 6, prelu_6},
    Change{"Clip", 10, clip_10},
    Change{"Pad", 10, pad_10},
    Change{"Slice", 9, slice_9},
    Change{"Dropout", 11, dropout_11},
    Change{"Softmax", 12, softmax_12},
    Change{"LogSoftmax", 12, softmax_12},
    Change{"Squeeze", 12, axes_to_input},
    Change{"Unsqueeze", 12, axes_to_input},
    Change{"ReduceSum", 12, axes_to_input},
    Change{"Split", 12, split_to_input},
    Change{"BatchNormalization", 13, batch_norm_13},
    Change{"ReduceMean", 17, axes_to_input},
    Change{"ReduceMax", 17, axes_to_input},
    Change{"ReduceMin", 17, axes_to_input},
    Change{"ReduceProd", 17, axes_to_input},
    Change{"ReduceL1", 17, axes_to_input},
    Change{"ReduceL2", 17, axes_to_input},
    Change{"ReduceLogSum", 17, axes_to_input},
    Change{"ReduceLogSumExp", 17, axes_to_input},
    Change{"ReduceSumSquare", 17, axes_to_input},
    Change{"GroupNormalization", 20, group_norm_20},
    Change{"Upsample", 9, upsample_9},
    Change{"Resize", 10, resize_10},
};

// What has meant the same, apart from what kChanges says, since the first opset. The rest came into
// its form by opset 6.
constexpr std::array<std::string_view, 32> kOldest = {"And",
                                                      "AveragePool",
                                                      "Constant",
                                                      "Conv",
                                                      "ConvTranspose",
                                                      "Equal",
                                                      "Flatten",
                                                      "Gather",
                                                      "GlobalAveragePool",
                                                      "GlobalMaxPool",
                                                      "Greater",
                                                      "Identity",
                                                      "Less",
                                                      "LogSoftmax",
                                                      "MatMul",
                                                      "MaxPool",
                                                      "Not",
                                                      "Or",
                                                      "Pow",
                                                      "RandomUniformLike",
                                                      "ReduceMax",
                                                      "ReduceMean",
                                                      "ReduceSum",
                                                      "Shape",
                                                      "Size",
                                                      "Slice",
                                                      "Softmax",
                                                      "Softplus",
                                                      "Softsign",
                                                      "Squeeze",
                                                      "Transpose",
                                                      "Unsqueeze"};

}  // namespace

bool upconvert(Net& net, Operation& operation) {
  if (net.opset < 6 && std::ranges::find(kOldest, operation.op) == kOldest.end())
    refuse("has the form of an opset before 6");
  for (const Change& change : kChanges) {
    if (change.op != operation.op || net.opset > change.until) continue;
    change.apply(net, operation);
    return true;
  }
  return false;
}

namespace {

// (C) as it meets (N, C, ...).
Operation along_channels(Net& net, const Operation& norm, std::size_t input, std::int64_t rank) {
  std::vector<std::int64_t> axes;
  for (std::int64_t axis = 1; axis + 1 < rank; ++axis) axes.push_back(axis);
  Operation result{.name = norm.name + ".channels",
                   .op = "Unsqueeze",
                   .inputs = {norm.inputs[input], net.add_constant(make_list(axes))}};
  result.origin = norm.origin;
  result.outputs = {net.add_value({.name = result.name})};
  return result;
}

}  // namespace

void expand_norm(Net& net, std::size_t index) {
  const Operation norm = net.operations[index];
  const bool known = norm.op == "BatchNormalization" && norm.problem.empty() &&
                     norm.inputs.size() == 5 && std::ranges::all_of(norm.inputs, [&](int id) {
                       return id >= 0 && net.value(id).constant != nullptr;
                     });
  if (!known || norm.outputs.empty() || norm.outputs[0] < 0 ||
      integer(norm, "training_mode", 0) != 0 || net.rank(norm.inputs[0]) < 2)
    return;
  std::vector<Operation> parts;
  std::vector<int> meets(norm.inputs.size());  // scale, shift, mean and variance
  for (std::size_t i = 1; i < norm.inputs.size(); ++i) {
    parts.push_back(along_channels(net, norm, i, net.rank(norm.inputs[0])));
    meets[i] = parts.back().outputs[0];
  }
  const auto add = [&](const char* op, std::vector<int> inputs) {
    parts.push_back({.name = norm.name + "." + op, .op = op, .inputs = std::move(inputs)});
    parts.back().origin = norm.origin;
    parts.back().outputs = {net.add_value({.name = parts.back().name})};
    return parts.back().outputs[0];
  };
  const auto epsilon = static_cast<float>(number(norm, "epsilon", 1e-5));
  const int number = net.add_constant(make_floats({}, {epsilon}));
  const int deviation = add("Sqrt", {add("Add", {meets[4], number})});
  const int normal = add("Div", {add("Sub", {norm.inputs[0], meets[3]}), deviation});
  add("Add", {add("Mul", {normal, meets[1]}), meets[2]});
  parts.back().outputs = {norm.outputs[0]};
  const auto at = net.operations.begin() + static_cast<std::ptrdiff_t>(index);
  net.operations.insert(net.operations.erase(at), parts.begin(), parts.end());
}

}  // namespace undying::onnx
