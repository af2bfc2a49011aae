#include "data/array/fits.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/read_common.h"
#include "undying/error.h"

namespace undying::data {
namespace {

using Shape = std::vector<std::int64_t>;

Shape without_ones(Shape shape) {
  std::erase(shape, 1);
  return shape;
}

std::string text(const Shape& shape) { return fmt::format("{}", fmt::join(shape, " x ")); }

// What would make it fit.
std::string advice(const Shape& data, const Shape& model) {
  if (data.size() < 2 || data.size() != model.size()) return "";
  Shape first = data;  // the last axis in front
  std::rotate(first.begin(), first.end() - 1, first.end());
  Shape last = data;
  std::rotate(last.begin(), last.begin() + 1, last.end());
  if (first == model) return "; the option :channels=first moves the last axis to the front";
  if (last == model) return "; the option :channels=last moves the first axis to the end";
  return "; move its axes before saving it";
}

// Whole ones from 0.
bool are_numbers_below(const std::vector<float>& values, std::int64_t end) {
  return std::ranges::all_of(values, [&](float value) {
    return value >= 0.0f && value < static_cast<float>(end) && value == std::floor(value);
  });
}

}  // namespace

void check_shape(const Dataset& data, const Shape& model) {
  const bool flat = (data.shape.size() == 1 || without_ones(model).size() <= 1) &&
                    count(data.shape) == count(model);
  if (flat || without_ones(data.shape) == without_ones(model)) return;
  throw Error(ErrorCode::kInvalidArgument, "data " + data.name,
              fmt::format("has examples of {} values, shape {}; the model takes {}, shape {}{}",
                          count(data.shape), text(data.shape), count(model), text(model),
                          count(data.shape) == count(model) ? advice(data.shape, model) : ""));
}

void check_outputs(const Dataset& data, std::int64_t outputs) {
  const std::int64_t wanted = data.classes > 0 ? data.classes : data.outputs;
  if (wanted == outputs) return;
  std::string advice;
  if (outputs == 1 && data.classes == 2)
    advice = "; with --loss bce one output tells two classes apart";
  if (data.classes == outputs + 1 && data.class_names.empty() && !data.labels.empty() &&
      std::ranges::find(data.labels, 0) == data.labels.end())
    advice = fmt::format("; its labels are {} to {}, and classes count from 0: subtract 1",
                         std::ranges::min(data.labels), std::ranges::max(data.labels));
  if (const std::int64_t each = data.outputs > 1 && data.classes == 0 ? outputs / wanted : 0;
      each > 1 && outputs % wanted == 0 && are_numbers_below(data.targets, each))
    advice = fmt::format(
        "; numbers below {} may be a class for each of {} positions, which no loss compares: give "
        "each as {} values that are 0 or 1, {} an example",
        each, wanted, each, outputs);
  throw Error(ErrorCode::kInvalidArgument, "data " + data.name,
              fmt::format("has {}; the model has {} output{}{}",
                          data.classes > 0 ? fmt::format("{} classes", wanted)
                                           : fmt::format("targets of {} values", wanted),
                          outputs, outputs == 1 ? "" : "s", advice));
}

void check_probabilities(const Dataset& data) {
  const auto at = std::ranges::find_if(
      data.targets, [](float target) { return !(target >= 0.0f && target <= 1.0f); });
  if (at == data.targets.end()) return;
  const auto outside = std::ranges::count_if(
      data.targets, [](float target) { return !(target >= 0.0f && target <= 1.0f); });
  throw Error(ErrorCode::kBadData, "data " + data.name,
              fmt::format("has {} targets outside 0..1 (the first is {}), which binary "
                          "cross-entropy cannot have; for classes use :label=NAME "
                          "or whole numbers, for values --loss mse",
                          outside, *at));
}

}  // namespace undying::data
