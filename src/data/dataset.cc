#include "undying/dataset.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "undying/error.h"

namespace undying {
namespace {

[[noreturn]] void fail(const Dataset& data, const std::string& message) {
  throw Error(ErrorCode::kBadData, "data " + data.name, message);
}

// size x extents..., where it fits into 63 bits.
std::optional<std::int64_t> value_count(const Dataset& data) {
  std::int64_t count = data.size;
  for (const std::int64_t extent : data.shape)
    if (extent < 1 || __builtin_mul_overflow(count, extent, &count)) return std::nullopt;
  return count;
}

void check_inputs(const Dataset& data) {
  const auto expected = static_cast<std::size_t>(data.size * data.features());
  if (data.bytes.empty() == data.values.empty())
    fail(data, "expected inputs either as bytes or as values");
  const std::size_t found = data.bytes.empty() ? data.values.size() : data.bytes.size();
  if (found != expected)
    fail(data, fmt::format("holds {} input values; expected {} for {} examples of {}", found,
                           expected, data.size, data.features()));
  for (std::size_t i = 0; i < data.values.size(); ++i)
    if (!std::isfinite(data.values[i]))
      fail(data, fmt::format("input {} of example {} is {}; expected finite numbers",
                             i % static_cast<std::size_t>(data.features()),
                             i / static_cast<std::size_t>(data.features()), data.values[i]));
}

void check_scale(const Dataset& data) {
  const auto count = static_cast<std::int64_t>(data.mean.size());
  if (data.mean.size() != data.deviation.size() ||
      (count > 1 && count != data.channels() && (!data.bytes.empty() || count != data.features())))
    fail(data,
         fmt::format(
             "has {} means and {} deviations; expected one of each, or one a channel of its {}{}",
             count, data.deviation.size(), data.channels(),
             data.bytes.empty() ? ", or one a feature" : ""));
  for (const float deviation : data.deviation)
    if (!(deviation > 0.0f && std::isfinite(deviation)))
      fail(data, fmt::format("has the deviation {}; expected more than 0", deviation));
}

void check_labels(const Dataset& data) {
  if (data.labels.size() != static_cast<std::size_t>(data.size))
    fail(data, fmt::format("has {} labels; expected one for each of its {} examples",
                           data.labels.size(), data.size));
  for (std::size_t i = 0; i < data.labels.size(); ++i)
    if (data.labels[i] < 0 || data.labels[i] >= data.classes)
      fail(data, fmt::format("the label of example {} is {}; expected 0..{}", i, data.labels[i],
                             data.classes - 1));
  if (!data.class_names.empty() &&
      static_cast<std::int64_t>(data.class_names.size()) != data.classes)
    fail(data, fmt::format("names {} classes; expected {}, or none", data.class_names.size(),
                           data.classes));
}

void check_targets(const Dataset& data) {
  if (data.outputs < 1 || data.targets.size() != static_cast<std::size_t>(data.size * data.outputs))
    fail(data, fmt::format("has {} target values; expected {} for each of its {} examples",
                           data.targets.size(), data.outputs, data.size));
  for (std::size_t i = 0; i < data.targets.size(); ++i)
    if (!std::isfinite(data.targets[i]))
      fail(data, fmt::format("the target of example {} is {}; expected finite numbers",
                             i / static_cast<std::size_t>(data.outputs), data.targets[i]));
}

void check_weights(const Dataset& data) {
  if (!data.weights.empty() && data.weights.size() != static_cast<std::size_t>(data.size))
    fail(data, fmt::format("has {} weights; expected none, or one for each of its {} examples",
                           data.weights.size(), data.size));
  for (std::size_t i = 0; i < data.weights.size(); ++i)
    if (!(data.weights[i] >= 0.0f) || std::isinf(data.weights[i]))
      fail(data, fmt::format("the weight of example {} is {}; expected a number of at least 0", i,
                             data.weights[i]));
}

}  // namespace

std::int64_t Dataset::features() const {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

std::int64_t Dataset::channels() const { return shape.size() == 3 ? shape[0] : 1; }

void validate(const Dataset& data) {
  if (data.size < 1) fail(data, "has no examples");
  check_weights(data);
  if (data.shape.empty() || !value_count(data))
    fail(data, "its examples have no values, or more than can be counted");
  check_inputs(data);
  check_scale(data);
  if (data.classes > 0) return check_labels(data);
  check_targets(data);
}

}  // namespace undying
