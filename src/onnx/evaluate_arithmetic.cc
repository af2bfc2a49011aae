// Elementwise operations on constants. Integers may be multiples of the number of examples in a batch, N: sums and products with plain
// numbers stay such multiples, quotients of two are plain; anything else is refused.

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "onnx/evaluate.h"

namespace undying::onnx {
namespace {

[[noreturn]] void refuse_batch() { refuse("computes with the number of examples in a batch in a way that is not followed"); }

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

Integer modulo(Integer a, Integer b) {
  if (a.batch || b.batch) refuse_batch();
  if (b.value == 0) refuse("divides an integer by 0");
  if (b.value == -1) return {0, false};
  const std::int64_t rest = a.value % b.value;
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

const Integer& integer_at(const Constant& constant, std::int64_t index) { return constant.integers[static_cast<std::size_t>(index)]; }
float float_at(const Constant& constant, std::int64_t index) { return constant.floats[static_cast<std::size_t>(index)]; }

using IntegerFunction = Integer (*)(Integer, Integer);
using FloatFunction = float (*)(float, float);

ConstantPtr combine(const Operation& operation, const Constant& a, const Constant& b, FloatFunction floats, IntegerFunction whole) {
  if (a.integer != b.integer) malformed(operation, "mixes floats and integers");
  if (a.integer ? whole == nullptr : floats == nullptr) refuse("is not computed for constants of this type");
  Constant result{.dims = broadcast(operation, a.dims, b.dims), .integer = a.integer};
  const std::int64_t count = checked_count(operation, result.dims);
  if (count > std::max({a.count(), b.count(), kMostIntegers})) refuse("broadcasts constants to more elements than are computed");
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t left = source_index(a.dims, result.dims, i);
    const std::int64_t right = source_index(b.dims, result.dims, i);
    if (a.integer)
      result.integers.push_back(whole(integer_at(a, left), integer_at(b, right)));
    else
      result.floats.push_back(floats(float_at(a, left), float_at(b, right)));
  }
  return std::make_shared<Constant>(std::move(result));
}

template <FloatFunction kFloats, IntegerFunction kWhole>
std::vector<ConstantPtr> binary(const Operation& operation, Inputs inputs) {
  return {combine(operation, required(operation, inputs, 0), required(operation, inputs, 1), kFloats, kWhole)};
}

// Of any number of operands, from the left.
template <FloatFunction kFloats, IntegerFunction kWhole>
std::vector<ConstantPtr> variadic(const Operation& operation, Inputs inputs) {
  ConstantPtr result = std::make_shared<Constant>(required(operation, inputs, 0));
  for (std::size_t i = 1; i < inputs.size(); ++i) result = combine(operation, *result, required(operation, inputs, i), kFloats, kWhole);
  return {result};
}

template <float (*kFloats)(float), Integer (*kWhole)(Integer)>
std::vector<ConstantPtr> unary(const Operation& operation, Inputs inputs) {
  Constant result = required(operation, inputs, 0);
  if (result.integer ? kWhole == nullptr : kFloats == nullptr) refuse("is not computed for constants of this type");
  result.origin.clear();
  if constexpr (kFloats != nullptr) std::ranges::transform(result.floats, result.floats.begin(), kFloats);
  if constexpr (kWhole != nullptr) std::ranges::transform(result.integers, result.integers.begin(), kWhole);
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
float down(float a) { return std::floor(a); }
float up(float a) { return std::ceil(a); }
Integer size_of(Integer a) { return a.value < 0 ? negate(a) : a; }
Integer opposite(Integer a) { return truth(a.value == 0); }
Integer not_less(Integer a, Integer b) { return truth(compare(a, b) >= 0); }
Integer not_greater(Integer a, Integer b) { return truth(compare(a, b) <= 0); }

// Condition, value where it holds, value elsewhere.
std::vector<ConstantPtr> where(const Operation& operation, Inputs inputs) {
  const Constant& condition = required(operation, inputs, 0);
  const Constant& yes = required(operation, inputs, 1);
  const Constant& no = required(operation, inputs, 2);
  if (!condition.integer || !yes.integer || !no.integer) refuse("is not computed for constants of this type");
  Constant result{.dims = broadcast(operation, condition.dims, broadcast(operation, yes.dims, no.dims)), .integer = true};
  const std::int64_t count = checked_count(operation, result.dims);
  if (count > kMostIntegers) refuse("broadcasts constants to more elements than are computed");
  for (std::int64_t i = 0; i < count; ++i) {
    const Constant& chosen = integer_at(condition, source_index(condition.dims, result.dims, i)).value != 0 ? yes : no;
    result.integers.push_back(integer_at(chosen, source_index(chosen.dims, result.dims, i)));
  }
  return {std::make_shared<Constant>(std::move(result))};
}

struct Entry {
  std::string_view op;
  Evaluation evaluation;
};
constexpr std::array kEntries = {
    Entry{"Add", binary<plus, add>},
    Entry{"Sub", binary<minus, subtract>},
    Entry{"Mul", binary<times, multiply>},
    Entry{"Div", binary<over, divide>},
    Entry{"Mod", binary<nullptr, modulo>},
    Entry{"Pow", binary<power, nullptr>},
    Entry{"Equal", binary<nullptr, equal>},
    Entry{"Less", binary<nullptr, less>},
    Entry{"Greater", binary<nullptr, greater>},
    Entry{"GreaterOrEqual", binary<nullptr, not_less>},
    Entry{"LessOrEqual", binary<nullptr, not_greater>},
    Entry{"Min", variadic<smaller, minimum>},
    Entry{"Max", variadic<larger, maximum>},
    Entry{"Sum", variadic<plus, add>},
    Entry{"Neg", unary<negative, negate>},
    Entry{"Abs", unary<magnitude, size_of>},
    Entry{"Not", unary<nullptr, opposite>},
    Entry{"Sqrt", unary<root, nullptr>},
    Entry{"Reciprocal", unary<inverse, nullptr>},
    Entry{"Exp", unary<exponential, nullptr>},
    Entry{"Log", unary<logarithm, nullptr>},
    Entry{"Floor", unary<down, nullptr>},
    Entry{"Ceil", unary<up, nullptr>},
    Entry{"Where", where},
};

}  // namespace

Evaluation find_arithmetic(std::string_view op) {
  const auto found = std::ranges::find(kEntries, op, &Entry::op);
  return found == kEntries.end() ? nullptr : found->evaluation;
}

}  // namespace undying::onnx
