// Elementwise operations on constants. Integers may be multiples of the number of examples in a
// batch, N: sums and products with plain numbers stay such multiples, quotients of two are plain;
// anything else is refused.

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "onnx/normalise/evaluate.h"

namespace undying::onnx {
namespace {

[[noreturn]] void refuse_batch() {
  refuse("computes with the number of examples in a batch in a way that is not followed");
}

Integer checked(bool overflow, std::int64_t value, bool batch) {
  if (overflow) refuse("computes an integer that does not fit 64 bits");
  return {value, batch && value != 0};
}

Integer add(Integer a, Integer b) {
  if (a.batch != b.batch && a.value != 0 && b.value != 0) refuse_batch();
  std::int64_t sum = 0;
  const bool overflow = __builtin_add_overflow(a.value, b.value, &sum);
  return checked(overflow, sum, a.batch || b.batch);
}

Integer negate(Integer a) {
  std::int64_t value = 0;
  const bool overflow = __builtin_sub_overflow(std::int64_t{0}, a.value, &value);
  return checked(overflow, value, a.batch);
}

Integer subtract(Integer a, Integer b) { return add(a, negate(b)); }

Integer multiply(Integer a, Integer b) {
  if (a.batch && b.batch) refuse_batch();
  std::int64_t product = 0;
  const bool overflow = __builtin_mul_overflow(a.value, b.value, &product);
  return checked(overflow, product, a.batch || b.batch);
}

Integer divide(Integer a, Integer b) {
  if (b.value == 0) refuse("divides an integer by 0");
  if (!b.batch && b.value == -1) return negate(a);  // the least integer has no positive counterpart
  if (a.batch == b.batch) {
    if (a.batch && (b.value == -1 || a.value % b.value != 0)) refuse_batch();
    return {a.value / b.value, false};
  }
  if (b.batch || a.value % b.value != 0) refuse_batch();
  return {a.value / b.value, true};
}

// The remainder with the sign of the dividend, and with that of the divisor.
Integer remainder(Integer a, Integer b) {
  if (a.batch || b.batch) refuse_batch();
  if (b.value == 0) refuse("divides an integer by 0");
  return {b.value == -1 ? 0 : a.value % b.value, false};
}

Integer modulo(Integer a, Integer b) {
  const std::int64_t rest = remainder(a, b).value;
  return {rest != 0 && (rest < 0) != (b.value < 0) ? rest + b.value : rest, false};
}

// -1, 0 or 1 as a is below, equal to or above b. N is at least 1.
int compare(Integer a, Integer b) {
  if (a.batch == b.batch) return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
  if (b.batch) return -compare(b, a);
  if (a.value > 0 && b.value <= 0) return 1;
  if (a.value < 0 && b.value >= 0) return -1;
  refuse_batch();
}

Integer truth(bool value) { return {value ? 1 : 0, false}; }

Integer equal(Integer a, Integer b) { return truth(compare(a, b) == 0); }
Integer less(Integer a, Integer b) { return truth(compare(a, b) < 0); }
Integer greater(Integer a, Integer b) { return truth(compare(a, b) > 0); }
Integer minimum(Integer a, Integer b) { return compare(a, b) <= 0 ? a : b; }
Integer maximum(Integer a, Integer b) { return compare(a, b) >= 0 ? a : b; }

float power(float a, float b) { return std::pow(a, b); }
float smaller(float a, float b) { return std::min(a, b); }
float larger(float a, float b) { return std::max(a, b); }

// The element of an operand of shape `dims` at row-major position `at` of an output of shape `out`.
std::int64_t source_index(const Shape& dims, const Shape& out, std::int64_t at) {
  std::int64_t index = 0;
  std::int64_t stride = 1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t extent = out[out.size() - 1 - i];
    if (i < dims.size()) {
      const std::int64_t own = dims[dims.size() - 1 - i];
      if (own != 1) index += at % extent * stride;
      stride *= own;
    }
    at /= extent;
  }
  return index;
}

const Integer& integer_at(const Constant& constant, std::int64_t index) {
  return constant.integers[index];
}
float float_at(const Constant& constant, std::int64_t index) { return constant.floats[index]; }

using IntegerFunction = Integer (*)(Integer, Integer);
using FloatFunction = float (*)(float, float);

// Calls each(left, right) with the indices of the operands of every element of what `a` and `b`
// broadcast to.
template <class Each>
Shape for_each_pair(const Operation& operation, const Constant& a, const Constant& b, Each each) {
  Shape dims = broadcast(operation, a.dims, b.dims);
  const std::int64_t count = checked_count(operation, dims);
  if (count > std::max({a.count(), b.count(), kMostIntegers}))
    refuse("broadcasts constants to more elements than are computed");
  for (std::int64_t i = 0; i < count; ++i)
    each(source_index(a.dims, dims, i), source_index(b.dims, dims, i));
  return dims;
}

ConstantPtr combine(const Operation& operation, const Constant& a, const Constant& b,
                    FloatFunction floats, IntegerFunction whole) {
  if (a.integer != b.integer) malformed(operation, "mixes floats and integers");
  if (a.integer ? whole == nullptr : floats == nullptr)
    refuse("is not computed for constants of this type");
  Constant result{.integer = a.integer};
  result.dims = for_each_pair(operation, a, b, [&](std::int64_t left, std::int64_t right) {
    if (a.integer)
      result.integers.push_back(whole(integer_at(a, left), integer_at(b, right)));
    else
      result.floats.push_back(floats(float_at(a, left), float_at(b, right)));
  });
  return std::make_shared<Constant>(std::move(result));
}

template <FloatFunction kFloats, IntegerFunction kWhole>
std::vector<ConstantPtr> binary(const Operation& operation, Inputs inputs) {
  return {combine(operation, required(operation, inputs, 0), required(operation, inputs, 1),
                  kFloats, kWhole)};
}

// Of any number of operands, from the left.
template <FloatFunction kFloats, IntegerFunction kWhole>
std::vector<ConstantPtr> variadic(const Operation& operation, Inputs inputs) {
  ConstantPtr result = std::make_shared<Constant>(required(operation, inputs, 0));
  for (std::size_t i = 1; i < inputs.size(); ++i)
    result = combine(operation, *result, required(operation, inputs, i), kFloats, kWhole);
  return {result};
}

template <float (*kFloats)(float), Integer (*kWhole)(Integer)>
std::vector<ConstantPtr> unary(const Operation& operation, Inputs inputs) {
  Constant result = required(operation, inputs, 0);
  if (result.integer ? kWhole == nullptr : kFloats == nullptr)
    refuse("is not computed for constants of this type");
  result.origin.clear();
  if constexpr (kFloats != nullptr)
    std::ranges::transform(result.floats, result.floats.begin(), kFloats);
  if constexpr (kWhole != nullptr)
    std::ranges::transform(result.integers, result.integers.begin(), kWhole);
  return {std::make_shared<Constant>(std::move(result))};
}

float plus(float a, float b) { return a + b; }
float minus(float a, float b) { return a - b; }
float times(float a, float b) { return a * b; }
float over(float a, float b) { return a / b; }
float negative(float a) { return -a; }
float magnitude(float a) { return std::abs(a); }
float root(float a) { return std::sqrt(a); }
float inverse(float a) { return 1.0f / a; }
float exponential(float a) { return std::exp(a); }
float logarithm(float a) { return std::log(a); }
float sine(float a) { return std::sin(a); }
float cosine(float a) { return std::cos(a); }
float error_function(float a) { return std::erf(a); }
float hyperbolic(float a) { return std::tanh(a); }
float logistic(float a) { return 1.0f / (1.0f + std::exp(-a)); }
float rectified(float a) { return a > 0.0f ? a : 0.0f; }
float sign_of(float a) { return a > 0.0f ? 1.0f : a < 0.0f ? -1.0f : a; }
float down(float a) { return std::floor(a); }
float up(float a) { return std::ceil(a); }
Integer size_of(Integer a) { return a.value < 0 ? negate(a) : a; }
Integer opposite(Integer a) { return truth(a.value == 0); }
float fraction(float a, float b) { return std::fmod(a, b); }
Integer both(Integer a, Integer b) { return truth(a.value != 0 && b.value != 0); }
Integer either(Integer a, Integer b) { return truth(a.value != 0 || b.value != 0); }
Integer one_of(Integer a, Integer b) { return truth((a.value != 0) != (b.value != 0)); }
Integer not_less(Integer a, Integer b) { return truth(compare(a, b) >= 0); }
Integer not_greater(Integer a, Integer b) { return truth(compare(a, b) <= 0); }

// A comparison of floats; of integers, `whole`.
template <class Compare, IntegerFunction kWhole>
std::vector<ConstantPtr> comparison(const Operation& operation, Inputs inputs) {
  const Constant& a = required(operation, inputs, 0);
  const Constant& b = required(operation, inputs, 1);
  if (a.integer || b.integer) return {combine(operation, a, b, nullptr, kWhole)};
  Constant result{.integer = true};
  result.dims = for_each_pair(operation, a, b, [&](std::int64_t left, std::int64_t right) {
    result.integers.push_back(truth(Compare()(float_at(a, left), float_at(b, right))));
  });
  return {std::make_shared<Constant>(std::move(result))};
}

std::vector<ConstantPtr> mod(const Operation& operation, Inputs inputs) {
  const bool truncates = integer(operation, "fmod", 0) != 0;
  const FloatFunction floats = truncates ? fraction : nullptr;
  return {combine(operation, required(operation, inputs, 0), required(operation, inputs, 1), floats,
                  truncates ? remainder : modulo)};
}

Constant as_floats(const Operation& operation, const Constant& constant) {
  if (!constant.integer) return constant;
  const auto plain = plain_integers(operation, constant);
  return {.dims = constant.dims, .floats = std::vector<float>(plain.begin(), plain.end())};
}

// Base and exponent may be of different types; the power has that of the base.
std::vector<ConstantPtr> pow(const Operation& operation, Inputs inputs) {
  const Constant& base = required(operation, inputs, 0);
  const Constant result =
      *combine(operation, as_floats(operation, base),
               as_floats(operation, required(operation, inputs, 1)), power, nullptr);
  if (!base.integer) return {std::make_shared<Constant>(result)};
  std::vector<std::int64_t> whole;
  for (const float value : result.floats) {
    if (!(std::abs(value) < 0x1p24f)) refuse("computes a power that is not exact in float32");
    whole.push_back(static_cast<std::int64_t>(value));
  }
  return {make_integers(result.dims, whole)};
}

// Condition, value where it holds, value elsewhere.
std::vector<ConstantPtr> where(const Operation& operation, Inputs inputs) {
  const Constant& condition = required(operation, inputs, 0);
  const Constant& yes = required(operation, inputs, 1);
  const Constant& no = required(operation, inputs, 2);
  if (!condition.integer || yes.integer != no.integer)
    malformed(operation, "its operands are of other types than the operator's");
  Constant result{
      .dims = broadcast(operation, condition.dims, broadcast(operation, yes.dims, no.dims)),
      .integer = yes.integer};
  const std::int64_t count = checked_count(operation, result.dims);
  if (count > kMostIntegers) refuse("broadcasts constants to more elements than are computed");
  for (std::int64_t i = 0; i < count; ++i) {
    const Constant& chosen =
        integer_at(condition, source_index(condition.dims, result.dims, i)).value != 0 ? yes : no;
    const std::int64_t index = source_index(chosen.dims, result.dims, i);
    if (result.integer)
      result.integers.push_back(integer_at(chosen, index));
    else
      result.floats.push_back(float_at(chosen, index));
  }
  return {std::make_shared<Constant>(std::move(result))};
}

// (x - zero point) scale, with one of both or one along an axis: weights as they were before they
// were quantised.
std::vector<ConstantPtr> dequantize(const Operation& operation, Inputs inputs) {
  const Constant x = as_floats(operation, required(operation, inputs, 0));
  const Constant& scale = required(operation, inputs, 1);
  if (integer(operation, "block_size", 0) != 0) refuse("has scales for blocks");
  const auto rank = static_cast<std::int64_t>(x.dims.size());
  const auto along = [&](Constant operand) {
    if (operand.count() == 1) operand.dims = {};
    if (operand.dims.size() != 1) return operand;
    const std::int64_t axis = checked_axis(operation, integer(operation, "axis", 1), rank);
    operand.dims.insert(operand.dims.end(), static_cast<std::size_t>(rank - 1 - axis), 1);
    return operand;
  };
  ConstantPtr moved = std::make_shared<Constant>(x);
  if (inputs.size() > 2 && inputs[2] != nullptr)
    moved = combine(operation, x, along(as_floats(operation, *inputs[2])), minus, nullptr);
  return {combine(operation, *moved, along(scale), times, nullptr)};
}

constexpr std::array kArithmetic = {
    Evaluated{"Add", binary<plus, add>},
    Evaluated{"Sub", binary<minus, subtract>},
    Evaluated{"Mul", binary<times, multiply>},
    Evaluated{"Div", binary<over, divide>},
    Evaluated{"Mod", mod},
    Evaluated{"Pow", pow},
    Evaluated{"Equal", comparison<std::equal_to<>, equal>},
    Evaluated{"Less", comparison<std::less<>, less>},
    Evaluated{"Greater", comparison<std::greater<>, greater>},
    Evaluated{"GreaterOrEqual", comparison<std::greater_equal<>, not_less>},
    Evaluated{"LessOrEqual", comparison<std::less_equal<>, not_greater>},
    Evaluated{"And", binary<nullptr, both>},
    Evaluated{"Or", binary<nullptr, either>},
    Evaluated{"Xor", binary<nullptr, one_of>},
    Evaluated{"Min", variadic<smaller, minimum>},
    Evaluated{"Max", variadic<larger, maximum>},
    Evaluated{"Sum", variadic<plus, add>},
    Evaluated{"Neg", unary<negative, negate>},
    Evaluated{"Abs", unary<magnitude, size_of>},
    Evaluated{"Not", unary<nullptr, opposite>},
    Evaluated{"Sqrt", unary<root, nullptr>},
    Evaluated{"Reciprocal", unary<inverse, nullptr>},
    Evaluated{"Exp", unary<exponential, nullptr>},
    Evaluated{"Log", unary<logarithm, nullptr>},
    Evaluated{"Sin", unary<sine, nullptr>},
    Evaluated{"Cos", unary<cosine, nullptr>},
    Evaluated{"Erf", unary<error_function, nullptr>},
    Evaluated{"Tanh", unary<hyperbolic, nullptr>},
    Evaluated{"Sigmoid", unary<logistic, nullptr>},
    Evaluated{"Relu", unary<rectified, nullptr>},
    Evaluated{"Sign", unary<sign_of, nullptr>},
    Evaluated{"Floor", unary<down, nullptr>},
    Evaluated{"Ceil", unary<up, nullptr>},
    Evaluated{"Where", where},
    Evaluated{"DequantizeLinear", dequantize},
};

}  // namespace

std::span<const Evaluated> arithmetic() { return kArithmetic; }

}  // namespace undying::onnx
