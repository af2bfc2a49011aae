#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "data/array/fits.h"
#include "ops/operator.h"
#include "train/metrics.h"
#include "undying/error.h"
#include "undying/evaluation.h"
#include "undying/trainer.h"

namespace undying {
namespace {

constexpr std::int64_t kRows = 256;  // at a time

bool ends_in(const Graph& graph, ops::Head head) {
  return ops::head_of(graph.nodes()[graph.outputs().front()]) == head;
}

void softmax(float* row, std::int64_t width) {
  const float most = *std::max_element(row, row + width);
  double sum = 0.0;
  for (std::int64_t i = 0; i < width; ++i) sum += std::exp(static_cast<double>(row[i]) - most);
  for (std::int64_t i = 0; i < width; ++i)
    row[i] = static_cast<float>(std::exp(static_cast<double>(row[i]) - most) / sum);
}

// One output that tells two classes apart.
std::vector<float> both_sides(const std::vector<float>& outputs, bool probabilities) {
  std::vector<float> both;
  for (const float output : outputs) {
    const double p = probabilities ? output : 1.0 / (1.0 + std::exp(-static_cast<double>(output)));
    both.push_back(static_cast<float>(1.0 - p));
    both.push_back(static_cast<float>(p));
  }
  return both;
}

void require_finite(const std::vector<float>& values, const Dataset& data) {
  const auto bad =
      std::ranges::find_if_not(values, [](float value) { return std::isfinite(value); });
  if (bad == values.end()) return;
  throw Error(ErrorCode::kBadData, "network",
              fmt::format("its outputs are not finite on {} (first in example {}): it diverged, or "
                          "the inputs are on another scale than it was "
                          "trained on; expected weights from before it diverged",
                          data.name,
                          static_cast<std::size_t>(bad - values.begin()) /
                                  (values.size() / static_cast<std::size_t>(data.size)) +
                              1));
}

}  // namespace

std::int64_t Predictions::chosen(std::int64_t row) const {
  const auto first = values.begin() + row * width();
  return std::max_element(first, first + width()) - first;
}

Predictions train::answers(const Graph& graph, std::vector<float> outputs, std::int64_t size,
                           std::vector<std::string> classes) {
  const std::int64_t width = ops::element_count(graph.output_shape());
  Predictions predictions{
      .size = size, .classes = std::move(classes), .outputs = width, .values = std::move(outputs)};
  if (predictions.classes.size() < 2) return predictions;
  if (width == 1)
    predictions.values = both_sides(predictions.values, ends_in(graph, ops::Head::kSigmoid));
  if (width > 1 && !ends_in(graph, ops::Head::kSoftmax) && !ends_in(graph, ops::Head::kSigmoid))
    for (std::int64_t row = 0; row < size; ++row)
      softmax(predictions.values.data() + row * width, width);
  return predictions;
}

Predictions predict(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data,
                    const std::vector<std::string>& classes, int threads) {
  const std::int64_t outputs = ops::element_count(graph.output_shape());
  const auto named = static_cast<std::int64_t>(classes.size());
  const bool binary = outputs == 1 && named == 2;
  if (named > 0 && named != outputs && !binary)
    throw Error(ErrorCode::kInvalidArgument, "data " + data.name,
                "has " + std::to_string(named) + " classes; the model has " +
                    std::to_string(outputs) + " outputs");
  Dataset inputs = data;  // as if it had values to predict: they are not looked at
  inputs.classes = 0;
  inputs.labels.clear();
  inputs.class_names.clear();
  inputs.outputs = outputs;
  inputs.targets.assign(static_cast<std::size_t>(data.size * outputs), 0.0f);
  if (named > 0 || std::ssize(inputs.target_mean) != outputs) inputs.target_mean.clear();
  Trainer trainer(graph, {.loss = Loss::kMeanSquaredError, .batch = kRows, .threads = threads});
  trainer.load(weights);
  std::vector<float> answered = trainer.predict(inputs);
  require_finite(answered, data);
  return train::answers(graph, std::move(answered), data.size, classes);
}

}  // namespace undying
