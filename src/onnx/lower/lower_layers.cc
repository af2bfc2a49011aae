// Operations with weights, and normalisation.

#include <algorithm>
#include <array>

#include "onnx/lower/window.h"
#include "onnx/normalise/evaluate.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

// A constant of `count` floats, whatever its dimensions; one float stands for all.
ConstantPtr floats(const Operation& operation, std::size_t index, const ConstantPtr& constant,
                   std::int64_t count) {
  if (constant->integer)
    malformed(operation, "input " + std::to_string(index) + " has integers; expected floats");
  if (constant->count() == count) return constant;
  if (constant->count() == 1)
    return make_floats({count},
                       std::vector<float>(static_cast<std::size_t>(count), constant->floats[0]));
  malformed(operation, "input " + std::to_string(index) + " " + ops::to_string(constant->dims) +
                           " does not fit; expected " + std::to_string(count) + " elements");
}
ConstantPtr floats(const Lowering& lowering, std::size_t index, std::int64_t count) {
  return floats(lowering.operation(), index, lowering.constant(index), count);
}

Owned owned(ConstantPtr constant, Shape shape, std::string role, bool trained = true) {
  return {.constant = std::move(constant),
          .shape = std::move(shape),
          .trained = trained,
          .role = std::move(role)};
}

// A weight as a matrix: dimensions of extent 1 before the last two do not count.
const ConstantPtr& matrix(const Lowering& lowering, std::size_t index) {
  const ConstantPtr& constant = lowering.constant(index);
  const Shape& dims = constant->dims;
  const bool leading = std::any_of(dims.begin(), dims.size() > 2 ? dims.end() - 2 : dims.begin(),
                                   [](std::int64_t extent) { return extent != 1; });
  if (constant->integer || dims.size() < 2 || leading)
    malformed(lowering.operation(),
              "its weight " + ops::to_string(dims) + " is not a matrix of floats");
  return constant;
}

struct Linear {
  ConstantPtr weight;
  bool transposed = false;  // (outputs, inputs) in the file
  float alpha = 1.0f;
  ConstantPtr bias;  // null: none
  float beta = 1.0f;
};

Source linear(Lowering& lowering, Source src, const Linear& layer) {
  const Shape& dims = layer.weight->dims;
  std::int64_t inputs = dims[dims.size() - 2];
  std::int64_t outputs = dims[dims.size() - 1];
  if (layer.transposed) std::swap(inputs, outputs);
  std::vector<Owned> tensors = {owned(layer.weight, {outputs, inputs}, "weight")};
  tensors[0].transpose = !layer.transposed;
  tensors[0].scale = layer.alpha;
  Attributes attributes = {{"outputs", outputs}};
  if (layer.bias == nullptr) {
    attributes.set("bias", std::int64_t{0});
  } else {
    tensors.push_back(owned(layer.bias, {outputs}, "bias"));
    tensors[1].scale = layer.beta;
  }
  return lowering.add("linear", {src}, std::move(attributes), std::move(tensors));
}

// The inputs a weight expects against those there are: the operators know shapes of examples, not
// of tensors.
void check_inputs(const Lowering& lowering, std::int64_t found, const ConstantPtr& weight,
                  std::int64_t expected) {
  if (found != expected)
    malformed(lowering.operation(), describe(lowering.net(), lowering.operation().inputs[0]) +
                                        " does not fit its weight " + ops::to_string(weight->dims) +
                                        ": " + std::to_string(found) +
                                        " != " + std::to_string(expected));
}

// beta C of a Gemm, where C is a matrix or computed at run time.
Source matrix_bias(Lowering& lowering, float beta) {
  if (lowering.is_constant(2)) {
    const Source bias = lowering.operand(lowering.constant(2), 2, lowering.batch());
    lowering.last().owned[0].scale = beta;
    return bias;
  }
  if (lowering.rank(2) != 2 || lowering.batch(2) != lowering.batch())
    refuse("adds a value that counts examples elsewhere, which would mix the examples of a batch");
  if (beta == 1.0f) return lowering.value(2);
  return lowering.add("mul", {lowering.value(2), lowering.number(beta)});
}

// alpha A B + beta C.
void gemm(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const Shape& shape = lowering.shape(0);
  if (lowering.rank(0) != 2)
    malformed(operation, "its first input " + describe(lowering.net(), operation.inputs[0]) +
                             " is not a matrix");
  Linear layer{.weight = matrix(lowering, 1),
               .transposed = integer(operation, "transB", 0) != 0,
               .alpha = setting(operation, "alpha", 1.0f),
               .beta = setting(operation, "beta", 1.0f)};
  if (layer.weight->dims.size() != 2)
    malformed(operation, "its weight " + ops::to_string(layer.weight->dims) + " is not a matrix");
  Source src = lowering.value(0);
  std::int64_t inputs = shape.back();
  if (integer(operation, "transA", 0) != 0) {
    if (lowering.batch_axes() > 0) refuse("transposes the examples of a batch");
    src = lowering.add("transpose", {src}, {{"perm", std::vector<std::int64_t>{1, 0}}});
    inputs = shape.front();
  }
  if (lowering.batch_axes() > 0 && lowering.batch().axis != 0)
    refuse("multiplies across the examples of a batch");
  check_inputs(lowering, inputs, layer.weight, layer.weight->dims[layer.transposed ? 1 : 0]);
  const std::int64_t outputs = layer.weight->dims[layer.transposed ? 0 : 1];
  const bool vector = lowering.is_constant(2) &&
                      (lowering.constant(2)->dims.size() < 2 || lowering.constant(2)->dims[0] == 1);
  if (vector) layer.bias = floats(lowering, 2, outputs);
  const Source result = linear(lowering, src, layer);
  lowering.output(lowering.has(2) && !vector
                      ? lowering.add("add", {result, matrix_bias(lowering, layer.beta)})
                      : result);
}

// One operand may be a constant: a matrix on the right is a layer's weight.
void matmul(Lowering& lowering) {
  const bool left = lowering.is_constant(0);
  const bool right = lowering.is_constant(1);
  const std::int64_t rank = lowering.rank(left ? 1 : 0);
  const Batch batch = lowering.batch(left ? 1 : 0);
  const bool batched = lowering.batch_axes() > 0;
  if (right && lowering.constant(1)->dims.size() == 2) {
    const ConstantPtr& weight = matrix(lowering, 1);
    if (lowering.is_scalar(0) || (batched && batch.axis == rank - 1))
      refuse("multiplies across the examples of a batch");
    check_inputs(lowering, lowering.shape(0).back(), weight, weight->dims[0]);
    return lowering.output(linear(lowering, lowering.value(0), {.weight = weight}));
  }
  // W x of columns that are examples: the rows of W are a layer's units.
  if (left && batched && lowering.constant(0)->dims.size() == 2 && !batch.folded() &&
      batch.axis == rank - 1) {
    const ConstantPtr& weight = matrix(lowering, 0);
    if (lowering.is_scalar(1)) refuse("multiplies across the examples of a batch");
    check_inputs(lowering, lowering.shape(1).back(), weight, weight->dims[1]);
    return lowering.output(
        linear(lowering, lowering.value(1), {.weight = weight, .transposed = true}));
  }
  if (batched && !left && !right && (lowering.rank(1) != rank || lowering.batch(1) != batch))
    refuse("multiplies " + describe(lowering.net(), lowering.operation().inputs[0]) + " and " +
           describe(lowering.net(), lowering.operation().inputs[1]) +
           ", which would mix the examples of a batch");
  if (batched && batch.axis > rank - 3) refuse("multiplies across the examples of a batch");
  if (!batched && rank < 1) refuse("multiplies a scalar");
  const Source a = left ? lowering.operand(lowering.constant(0), rank, batch) : lowering.value(0);
  const Source b = right ? lowering.operand(lowering.constant(1), rank, batch) : lowering.value(1);
  lowering.output(lowering.add("matmul", {a, b}), lowering.is_scalar(left ? 1 : 0), batch);
}

// Ours: x, weight (inputs, outputs), bias.
void linear_layer(Lowering& lowering) {
  Linear layer{.weight = matrix(lowering, 1)};
  layer.bias = floats(lowering, 2, layer.weight->dims.back());
  lowering.output(linear(lowering, lowering.value(0), layer));
}

// The output of a transposed convolution that is asked for. What lies beyond the last position a
// kernel reaches is padding of the output.
void set_output_shape(const Lowering& lowering, const std::vector<std::int64_t>& kernel,
                      Attributes& attributes) {
  auto output = integers(lowering.operation(), "output_shape");
  if (output.size() == kernel.size() + 2)
    output.erase(output.begin(),
                 output.begin() + 2);  // some exporters write batch and channels too
  if (output.size() != kernel.size())
    malformed(lowering.operation(),
              "its output_shape has " + std::to_string(output.size()) + " entries");
  const auto strides = lowering.extents("strides", kernel.size(), 1);
  const auto dilations = lowering.extents("dilations", kernel.size(), 1);
  auto padding = lowering.extents("output_padding", kernel.size(), 0);
  bool beyond = false;
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    const std::int64_t reached = strides[i] * (lowering.shape(0)[i + 1] - 1) +
                                 dilations[i] * (kernel[i] - 1) + 1 + padding[i];
    if (output[i] < 1 || output[i] > kMostElements)
      malformed(lowering.operation(),
                "its output_shape has an absurd entry " + std::to_string(output[i]));
    beyond = beyond || output[i] > reached;
    if (output[i] > reached) padding[i] += output[i] - reached;
  }
  attributes.set("output_shape", output);
  if (beyond) attributes.set("output_padding", padding);
}

}  // namespace

Source convolved(Lowering& lowering, const char* op, bool transposed, Source src,
                 const ConstantPtr& weight, const ConstantPtr& bias) {
  const Operation& operation = lowering.operation();
  const Shape& dims = weight->dims;
  const Shape& shape = lowering.shape(0);
  if (lowering.batch_axes() == 0) refuse("needs a batch dimension");
  if (weight->integer || dims.size() < 3 || shape.size() != dims.size() - 1)
    malformed(operation, describe(lowering.net(), operation.inputs[0]) +
                             " does not fit its weight " + ops::to_string(dims));
  const std::vector<std::int64_t> kernel(dims.begin() + 2, dims.end());
  if (integers(operation, "kernel_shape", kernel) != kernel)
    malformed(operation, "its kernel_shape is not that of its weight " + ops::to_string(dims));
  const std::int64_t groups = integer(operation, "group", 1);
  if (groups < 1 || groups > dims[0] || dims[0] % groups != 0)
    malformed(operation, "its " + std::to_string(groups) + " groups do not divide its channels");
  check_inputs(lowering, shape[0], weight, transposed ? dims[0] : dims[1] * groups);
  const std::int64_t outputs = transposed ? dims[1] * groups : dims[0];
  Attributes attributes = window(lowering, kernel);
  attributes.set("outputs", outputs);
  if (groups != 1) attributes.set("groups", groups);
  if (transposed) {
    set_unless(attributes, "output_padding", lowering.extents("output_padding", kernel.size(), 0),
               0);
    if (operation.settings.contains("output_shape")) set_output_shape(lowering, kernel, attributes);
  }
  std::vector<Owned> tensors = {owned(weight, dims, "weight")};
  if (bias != nullptr)
    tensors.push_back(owned(floats(operation, 2, bias, outputs), {outputs}, "bias"));
  if (bias == nullptr) attributes.set("bias", std::int64_t{0});
  return lowering.add(op, {src}, std::move(attributes), std::move(tensors));
}

namespace {

void convolution(Lowering& lowering, const char* op, bool transposed) {
  const ConstantPtr bias = lowering.has(2) ? lowering.constant(2) : nullptr;
  lowering.output(
      convolved(lowering, op, transposed, lowering.value(0), lowering.constant(1), bias));
}

void conv(Lowering& lowering) { convolution(lowering, "conv", false); }
void conv_transpose(Lowering& lowering) { convolution(lowering, "conv_transpose", true); }

void set_epsilon(const Lowering& lowering, Attributes& attributes) {
  const double epsilon = number(lowering.operation(), "epsilon", 1e-5);
  if (!(epsilon >= 0.0))
    malformed(lowering.operation(), "its epsilon is " + std::to_string(epsilon));
  if (epsilon != 1e-5) attributes.set("epsilon", epsilon);
}

// Of the input of a norm, (N, C, ...).
std::int64_t channels_of(const Lowering& lowering) {
  if (lowering.batch_axes() == 0) refuse("needs a batch dimension");
  if (lowering.shape(0).empty()) refuse("needs channels behind the batch");
  return lowering.shape(0)[0];
}

void batch_norm(Lowering& lowering) {
  lowering.only_first_output();
  const std::int64_t channels = channels_of(lowering);
  Attributes attributes;
  set_epsilon(lowering, attributes);
  if (const double momentum = number(lowering.operation(), "momentum", 0.9); momentum != 0.9)
    attributes.set("momentum", momentum);
  const std::vector<Owned> tensors = {
      owned(floats(lowering, 1, channels), {channels}, "weight"),
      owned(floats(lowering, 2, channels), {channels}, "bias"),
      owned(floats(lowering, 3, channels), {channels}, "running_mean", false),
      owned(floats(lowering, 4, channels), {channels}, "running_var", false)};
  lowering.output(lowering.add("batch_norm", {lowering.value(0)}, std::move(attributes), tensors));
}

// What is normalised must not hold the batch.
void check_behind_batch(const Lowering& lowering, std::int64_t axis) {
  if (lowering.batch_axes() > 0 &&
      lowering.batch().axis >= checked_axis(lowering.operation(), axis, lowering.rank(0)))
    refuse("normalises over the examples of a batch");
}

void rms_norm(Lowering& lowering) {
  const Shape& shape = lowering.shape(0);
  check_behind_batch(lowering, integer(lowering.operation(), "axis", -1));
  const std::int64_t axis =
      lowering.example_axis(integer(lowering.operation(), "axis", -1), lowering.rank(0));
  const Shape normalised(shape.begin() + axis, shape.end());
  Attributes attributes;
  const std::int64_t from_last = axis - static_cast<std::int64_t>(shape.size());
  if (from_last != -1) attributes.set("axis", from_last);
  set_epsilon(lowering, attributes);
  lowering.output(lowering.add(
      "rms_norm", {lowering.value(0)}, std::move(attributes),
      {owned(floats(lowering, 1, ops::element_count(normalised)), normalised, "weight")}));
}

void layer_norm(Lowering& lowering) {
  lowering.only_first_output();
  const Shape& shape = lowering.shape(0);
  check_behind_batch(lowering, integer(lowering.operation(), "axis", -1));
  const std::int64_t axis =
      lowering.example_axis(integer(lowering.operation(), "axis", -1), lowering.rank(0));
  const Shape normalised(shape.begin() + axis, shape.end());
  const std::int64_t count = ops::element_count(normalised);
  const std::int64_t from_last = axis - static_cast<std::int64_t>(shape.size());
  Attributes attributes;
  if (from_last != -1) attributes.set("axis", from_last);
  set_epsilon(lowering, attributes);
  std::vector<Owned> tensors = {owned(floats(lowering, 1, count), normalised, "weight")};
  if (lowering.has(2)) tensors.push_back(owned(floats(lowering, 2, count), normalised, "bias"));
  if (!lowering.has(2)) attributes.set("bias", std::int64_t{0});
  lowering.output(
      lowering.add("layer_norm", {lowering.value(0)}, std::move(attributes), std::move(tensors)));
}

// Instance norm, and group norm, which is ours: x, scale, bias, one of each a channel.
void channel_norm(Lowering& lowering, const char* op) {
  const std::int64_t channels = channels_of(lowering);
  Attributes attributes;
  set_epsilon(lowering, attributes);
  if (lowering.operation().settings.contains(".groups"))
    attributes.set("groups", integer(lowering.operation(), ".groups", 1));
  const std::vector<Owned> tensors = {owned(floats(lowering, 1, channels), {channels}, "weight"),
                                      owned(floats(lowering, 2, channels), {channels}, "bias")};
  lowering.output(lowering.add(op, {lowering.value(0)}, std::move(attributes), tensors));
}

// ONNX's own, from opset 21 on: its number of groups is an attribute.
void group_normalization(Lowering& lowering) {
  const std::int64_t channels = channels_of(lowering);
  Attributes attributes = {{"groups", integer(lowering.operation(), "num_groups", 1)}};
  set_epsilon(lowering, attributes);
  lowering.output(lowering.add("group_norm", {lowering.value(0)}, std::move(attributes),
                               {owned(floats(lowering, 1, channels), {channels}, "weight"),
                                owned(floats(lowering, 2, channels), {channels}, "bias")}));
}

void instance_norm(Lowering& lowering) { channel_norm(lowering, "instance_norm"); }
void group_norm(Lowering& lowering) { channel_norm(lowering, "group_norm"); }

// The dimension of an example along which a slope has more than one element.
std::int64_t slope_axis(const Lowering& lowering, const Shape& slope) {
  const Shape& shape = lowering.shape(0);
  const std::int64_t rank = lowering.rank(0);
  std::int64_t axis = -1;
  for (std::size_t i = 0; i < slope.size(); ++i) {
    if (slope[i] == 1) continue;
    if (axis >= 0 || slope.size() > static_cast<std::size_t>(rank))
      refuse("has slopes " + ops::to_string(slope) + "; expected one, or one for each unit");
    axis = lowering.example_axis(
        static_cast<std::int64_t>(i) - static_cast<std::int64_t>(slope.size()), rank);
    if (shape[axis] != slope[i])
      malformed(lowering.operation(),
                "its slopes " + ops::to_string(slope) + " do not fit " + ops::to_string(shape));
  }
  const auto last = static_cast<std::int64_t>(shape.size()) - 1;
  if (axis != 0 && axis != last)
    refuse("has slopes along dimension " + std::to_string(axis) +
           " of an example; expected the first or the last");
  return axis;
}

void prelu(Lowering& lowering) {
  const ConstantPtr& slope = lowering.constant(1);
  if (slope->integer) malformed(lowering.operation(), "its slopes are integers");
  if (slope->count() == 1) {
    const Source result = lowering.activation("prelu", lowering.value(0));
    lowering.last().owned = {owned(slope, {1}, "slope")};
    return lowering.output(result);
  }
  const std::int64_t axis = slope_axis(lowering, slope->dims);
  const Source result = lowering.activation("prelu:0.25,1", lowering.value(0));
  lowering.last().owned = {owned(slope, {slope->count()}, "slope")};
  lowering.last().unit_axis = axis;
  lowering.output(result);
}

constexpr std::array kLayersRules = {
    Rule{"Gemm", 2, 3, "alpha beta transA transB", gemm},
    Rule{"MatMul", 2, 2, "", matmul},
    Rule{".linear", 3, 3, "", linear_layer},
    Rule{"Conv", 2, 3, "auto_pad dilations group kernel_shape pads strides", conv, true},
    Rule{"ConvTranspose", 2, 3,
         "auto_pad dilations group kernel_shape output_padding output_shape pads strides",
         conv_transpose, true},
    Rule{"BatchNormalization", 5, 5, "epsilon momentum training_mode", batch_norm, true},
    Rule{"LayerNormalization", 2, 3, "axis epsilon stash_type", layer_norm},
    Rule{"RMSNormalization", 2, 2, "axis epsilon stash_type", rms_norm},
    Rule{"GroupNormalization", 3, 3, "epsilon num_groups stash_type", group_normalization, true},
    Rule{"InstanceNormalization", 3, 3, "epsilon", instance_norm, true},
    Rule{".group_norm", 3, 3, "epsilon", group_norm, true},
    Rule{"PRelu", 2, 2, "", prelu},
};

}  // namespace

std::span<const Rule> layer_rules() { return kLayersRules; }

}  // namespace undying::onnx
