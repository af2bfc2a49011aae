// Quantised operations, computed in floats that are whole numbers: exact up to 2^24. Rounding has
// no gradient, so they do not train.

#include <algorithm>
#include <array>

#include "onnx/lower/window.h"
#include "onnx/normalise/evaluate.h"
#include "onnx/read/read.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

using Type = pb::TensorProto;

std::vector<float> numbers(const Lowering& lowering, std::size_t index) {
  return to_floats(lowering.operation(), lowering.constant(index))->floats;
}

// The numbers of an input along an axis of a value with `rank` dimensions; one stands for all.
ConstantPtr along(const Lowering& lowering, std::size_t index, std::int64_t axis,
                  std::int64_t rank) {
  std::vector<float> values = numbers(lowering, index);
  if (values.size() == 1) return make_floats({}, std::move(values));
  if (lowering.constant(index)->dims.size() != 1)
    refuse("quantises blocks of an axis by themselves");
  Shape dims(static_cast<std::size_t>(rank), 1);
  dims[checked_axis(lowering.operation(), axis, rank)] = static_cast<std::int64_t>(values.size());
  return make_floats(std::move(dims), std::move(values));
}

bool is_zero(const ConstantPtr& constant) {
  return std::ranges::all_of(constant->floats, [](float value) { return value == 0.0f; });
}

Source combined(Lowering& lowering, const char* op, Source src, const ConstantPtr& constant,
                std::int64_t rank) {
  return lowering.add(op, {src, lowering.operand(constant, rank, lowering.batch())});
}

// Without what stands for 0.
Source centred(Lowering& lowering, Source src, const ConstantPtr& zero, std::int64_t rank) {
  return is_zero(zero) ? src : combined(lowering, "sub", src, zero, rank);
}

// What a whole number of this type may be.
std::array<double, 2> range_of(int type) {
  switch (type) {
    case Type::UNDEFINED:  // nothing is said
    case Type::UINT8:
      return {0.0, 255.0};
    case Type::INT8:
      return {-128.0, 127.0};
    case Type::UINT16:
      return {0.0, 65535.0};
    case Type::INT16:
      return {-32768.0, 32767.0};
    default:
      refuse("quantises to a type that is not read; expected whole numbers of 8 or 16 bits");
  }
}

// Scaled already: rounded to even, with what stands for 0, within what the type holds.
Source rounded(Lowering& lowering, Source src, const ConstantPtr& zero, int type,
               std::int64_t rank) {
  src = lowering.add("round", {src});
  if (!is_zero(zero)) src = combined(lowering, "add", src, zero, rank);
  const auto [least, most] = range_of(type);
  return lowering.add("clip", {src}, {{"min", least}, {"max", most}});
}

void quantize(Lowering& lowering) {
  const std::int64_t rank = lowering.rank(0);
  const std::int64_t axis = integer(lowering.operation(), "axis", 1);
  const ConstantPtr zero =
      lowering.has(2) ? along(lowering, 2, axis, rank) : make_floats({}, {0.0f});
  const int type = lowering.has(2)
                       ? lowering.constant(2)->type
                       : static_cast<int>(integer(lowering.operation(), "output_dtype", 0));
  const Source scaled =
      combined(lowering, "div", lowering.value(0), along(lowering, 1, axis, rank), rank);
  lowering.output(rounded(lowering, scaled, zero, type, rank), lowering.is_scalar(0),
                  lowering.batch(), true);
}

void dequantize(Lowering& lowering) {
  const std::int64_t rank = lowering.rank(0);
  const std::int64_t axis = integer(lowering.operation(), "axis", 1);
  Source src = lowering.value(0);
  if (lowering.has(2)) src = centred(lowering, src, along(lowering, 2, axis, rank), rank);
  lowering.output(combined(lowering, "mul", src, along(lowering, 1, axis, rank), rank),
                  lowering.is_scalar(0), lowering.batch(), false);
}

// What a product of whole numbers is worth in steps of the result, by the scales of the first
// operand, the second and the result.
ConstantPtr product_scale(const Lowering& lowering, std::size_t first, std::size_t second,
                          std::size_t result, std::int64_t axis, std::int64_t rank) {
  const std::vector<float> one = numbers(lowering, first), to = numbers(lowering, result);
  if (one.size() != 1 || to.size() != 1)
    refuse("quantises rows of its input or result by themselves");
  Constant scale = *along(lowering, second, axis, rank);
  for (float& value : scale.floats) value = one[0] * value / to[0];
  return std::make_shared<Constant>(std::move(scale));
}

// A weight without what stands for 0, of which there is one a row along `axis`, or one for all.
ConstantPtr centred_weight(const Lowering& lowering, std::size_t index, std::size_t zero,
                           std::size_t axis) {
  const ConstantPtr& weight = lowering.constant(index);
  const std::vector<float> zeros = numbers(lowering, zero);
  std::vector<float> values = numbers(lowering, index);
  if (weight->dims.size() <= axis ||
      (zeros.size() != 1 && static_cast<std::int64_t>(zeros.size()) != weight->dims[axis]))
    malformed(lowering.operation(), "its weight " + ops::to_string(weight->dims) +
                                        " does not fit " + std::to_string(zeros.size()) +
                                        " zero points");
  const auto inner = static_cast<std::size_t>(ops::element_count(
      {weight->dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, weight->dims.end()}));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] -= zeros[zeros.size() == 1 ? 0 : i / inner % zeros.size()];
  return make_floats(weight->dims, std::move(values));
}

// x, its scale and zero; weight, its scales and zeros; scale and zero of the result; bias.
void qlinear_conv(Lowering& lowering) {
  const std::int64_t rank = lowering.rank(0);
  const Source src = centred(lowering, lowering.value(0), along(lowering, 2, 1, rank), rank);
  const ConstantPtr weight = centred_weight(lowering, 3, 5, 0);
  const ConstantPtr bias =
      lowering.has(8) ? to_floats(lowering.operation(), lowering.constant(8)) : nullptr;
  const Source sums = convolved(lowering, "conv", false, src, weight, bias);
  const Source scaled =
      combined(lowering, "mul", sums, product_scale(lowering, 1, 4, 6, 1, rank), rank);
  lowering.output(
      rounded(lowering, scaled, along(lowering, 7, 1, rank), lowering.constant(7)->type, rank),
      false, lowering.batch(), true);
}

// a, its scale and zero; b, its scales and zeros; scale and zero of the result.
void qlinear_matmul(Lowering& lowering) {
  const std::int64_t rank = lowering.rank(0);
  if (lowering.is_scalar(0) || (lowering.batch_axes() > 0 && lowering.batch().axis >= rank - 1))
    refuse("multiplies across the examples of a batch");
  const Source src = centred(lowering, lowering.value(0), along(lowering, 2, rank - 2, rank), rank);
  const Shape& dims = lowering.constant(3)->dims;
  if (dims.size() != 2) refuse("multiplies by " + ops::to_string(dims) + "; expected a matrix");
  const ConstantPtr weight = centred_weight(lowering, 3, 5, 1);
  if (lowering.shape(0).back() != dims[0])
    malformed(lowering.operation(),
              "its factors do not fit: " + std::to_string(lowering.shape(0).back()) +
                  " != " + std::to_string(dims[0]));
  const Owned own{
      .constant = weight, .transpose = true, .shape = {dims[1], dims[0]}, .role = "weight"};
  const Source sums =
      lowering.add("linear", {src}, {{"outputs", dims[1]}, {"bias", std::int64_t{0}}}, {own});
  const Source scaled =
      combined(lowering, "mul", sums, product_scale(lowering, 1, 4, 6, rank - 1, rank), rank);
  lowering.output(rounded(lowering, scaled, along(lowering, 7, rank - 2, rank),
                          lowering.constant(7)->type, rank),
                  false, lowering.batch(), true);
}

constexpr std::array kQuantisedRules = {
    Rule{"QuantizeLinear", 2, 3, "axis block_size output_dtype precision saturate", quantize},
    Rule{"DequantizeLinear", 2, 3, "axis block_size output_dtype", dequantize},
    Rule{"QLinearConv", 8, 9, "auto_pad dilations group kernel_shape pads strides", qlinear_conv,
         true},
    Rule{"QLinearMatMul", 8, 8, "", qlinear_matmul},
};

}  // namespace

std::span<const Rule> quantised_rules() { return kQuantisedRules; }

}  // namespace undying::onnx
