// Constants that are new: given, counted, of another type.

#include <algorithm>
#include <array>
#include <cmath>

#include "onnx/normalise/evaluate.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {
constexpr std::int64_t kBool = 9;
}

bool is_integer_type(std::int64_t type) {
  return (type >= 2 && type <= 7) || type == kBool || type == 12 || type == 13;
}

namespace {

Outputs constant(const Operation& operation, Inputs) {
  if (operation.settings.size() != 1)
    malformed(operation,
              "has " + std::to_string(operation.settings.size()) + " values; expected one");
  const auto& [name, value] = *operation.settings.begin();
  if (name == "value") return {setting<ConstantPtr>(operation, name, nullptr)};
  if (name == "value_float") return {make_floats({}, {setting<float>(operation, name, 0.0f)})};
  if (name == "value_int") return {make_integers({}, {integer(operation, name, 0)})};
  if (name == "value_ints") return {make_list(integers(operation, name))};
  if (name != "value_floats") refuse("is a constant of a kind that is not read: " + name);
  auto floats = setting<std::vector<float>>(operation, name, {});
  const auto count = static_cast<std::int64_t>(floats.size());
  return {make_floats({count}, std::move(floats))};
}

// Narrower ones would lose digits that are kept here.
bool is_float_type(std::int64_t type) { return type == 1 || type == 11; }

// The numbers of types are those of TensorProto.DataType.
Outputs cast(const Operation& operation, Inputs inputs) {
  const Constant& from = required(operation, inputs, 0);
  const std::int64_t to = integer(operation, "to", 0);
  if (!is_integer_type(to) && !is_float_type(to) && to != kBool)
    refuse("casts to type number " + std::to_string(to));
  Constant result = from;
  if (from.integer && is_float_type(to)) {
    const auto plain = plain_integers(operation, from);
    result = {.dims = from.dims, .floats = std::vector<float>(plain.begin(), plain.end())};
  } else if (!from.integer && !is_float_type(to)) {
    result = {.dims = from.dims, .integer = true};
    for (const float value : from.floats) {
      if (!(std::abs(value) < 0x1p62f)) refuse("casts " + std::to_string(value) + " to an integer");
      result.integers.push_back(
          {to == kBool ? (value != 0.0f ? 1 : 0) : static_cast<std::int64_t>(value), false});
    }
  } else if (from.integer && to == kBool) {
    for (Integer& value : result.integers) value = {value.value != 0 ? 1 : 0, false};
  }
  result.type = result.integer ? static_cast<int>(to) : 0;
  return one(std::move(result));
}

Outputs shape(const Operation& operation, Inputs inputs) {
  const Constant& from = required(operation, inputs, 0);
  const Range range =
      slice_range(operation, integer(operation, "start", 0),
                  integer(operation, "end", std::ssize(from.dims)), 1, std::ssize(from.dims));
  return {
      make_list({from.dims.begin() + range.start, from.dims.begin() + range.start + range.count})};
}

Outputs size(const Operation& operation, Inputs inputs) {
  return {make_integers({}, {required(operation, inputs, 0).count()})};
}

Outputs range_of_floats(const Operation& operation, const std::array<float, 3>& bounds) {
  const auto [start, end, step] = bounds;
  const double count = std::ceil((static_cast<double>(end) - start) / step);
  if (!(count <= static_cast<double>(kMostIntegers)))
    refuse("makes more constants than are computed");
  std::vector<float> values;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(count); ++i)
    values.push_back(start + static_cast<float>(i) * step);
  const auto made = static_cast<std::int64_t>(values.size());
  if (made == 0 && step == 0.0f) malformed(operation, "has a step of 0");
  return {make_floats({made}, std::move(values))};
}

Outputs range_of_integers(const std::array<std::int64_t, 3>& bounds) {
  const auto [start, end, step] = bounds;
  std::vector<std::int64_t> values;
  for (std::int64_t at = start; step > 0 ? at < end : step < 0 && at > end;) {
    values.push_back(at);
    if (static_cast<std::int64_t>(values.size()) > kMostIntegers)
      refuse("makes more constants than are computed");
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return {make_list(values)};
}

Outputs range(const Operation& operation, Inputs inputs) {
  std::array<std::int64_t, 3> integers{};
  std::array<float, 3> floats{};
  const bool whole = required(operation, inputs, 0).integer;
  for (std::size_t i = 0; i < 3; ++i) {
    const Constant& bound = required(operation, inputs, i);
    if (bound.count() != 1 || bound.integer != whole)
      malformed(operation, "takes three numbers of one type");
    if (whole) integers[i] = plain_integers(operation, bound)[0];
    if (!whole) floats[i] = bound.floats[0];
  }
  return whole ? range_of_integers(integers) : range_of_floats(operation, floats);
}
constexpr std::array kOrigins = {
    Evaluated{"Cast", cast},   Evaluated{"Constant", constant}, Evaluated{"Range", range},
    Evaluated{"Shape", shape}, Evaluated{"Size", size},
};

}  // namespace

std::span<const Evaluated> origins() { return kOrigins; }

}  // namespace undying::onnx
