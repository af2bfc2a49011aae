#include "undying/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/named.h"
#include "ops/loss.h"

namespace undying {
namespace {

std::vector<std::int64_t> class_counts(const Dataset& data) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(data.classes));
  for (const std::int32_t label : data.labels) ++counts[static_cast<std::size_t>(label)];
  return counts;
}

std::string class_text(const Dataset& data, std::size_t label) {
  return data.class_names.empty() ? fmt::format("class {}", label) : fmt::format("\"{}\"", data.class_names[label]);
}

Baseline of_classes(const Dataset& train, const Dataset& scored) {
  const std::vector<std::int64_t> counts = class_counts(train);
  const auto most = static_cast<std::int32_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  const auto n = static_cast<double>(scored.size);
  const double share = static_cast<double>(std::count(scored.labels.begin(), scored.labels.end(), most)) / n;
  return {.metric = Metric::kAccuracy,
          .score = share,
          .bound = share + std::min(2.0 * std::sqrt(share * (1.0 - share) / n), (1.0 - share) / 5.0),
          .answer = fmt::format("always naming {}", class_text(train, static_cast<std::size_t>(most)))};
}

std::vector<double> target_means(const Dataset& train) {
  std::vector<double> means(static_cast<std::size_t>(train.outputs));
  for (std::size_t i = 0; i < train.targets.size(); ++i) means[i % means.size()] += train.targets[i];
  for (double& mean : means) mean /= static_cast<double>(train.size);
  return means;
}

// The output that stands for a target: a logit where the loss takes logits.
float output_for(double target, Loss loss) {
  if (loss != Loss::kBinaryCrossEntropy) return static_cast<float>(target);
  const double p = std::clamp(target, 1e-6, 1.0 - 1e-6);
  return static_cast<float>(std::log(p / (1.0 - p)));
}

// What no network can get below: of binary cross-entropy the entropy of the targets, of the others 0.
double least_loss(const Dataset& scored, const TrainSettings& settings) {
  if (settings.loss != Loss::kBinaryCrossEntropy) return 0.0;
  double sum = 0.0;
  for (const float target : scored.targets) {
    const double p = std::clamp(static_cast<double>(target), 1e-12, 1.0 - 1e-12);
    sum -= p * std::log(p) + (1.0 - p) * std::log(1.0 - p);
  }
  return sum / static_cast<double>(scored.targets.size());
}

double constant_loss(const std::vector<double>& means, const Dataset& scored, const TrainSettings& settings) {
  std::vector<float> outputs;
  for (const double mean : means) outputs.push_back(output_for(mean, settings.loss));
  const ops::LossOptions options{settings.loss, settings.label_smoothing, settings.huber_delta * scored.target_deviation};
  double sum = 0.0;
  for (std::int64_t row = 0; row < scored.size; ++row)
    sum += ops::compute_loss(
               options,
               {.rows = 1, .width = scored.outputs, .outputs = outputs.data(), .targets = scored.targets.data() + row * scored.outputs})
               .loss;
  return sum / static_cast<double>(scored.size);
}

Baseline of_values(const Dataset& train, const Dataset& scored, const TrainSettings& settings) {
  const double loss = constant_loss(target_means(train), scored, settings);
  const double luck = std::max(0.01, std::min(0.5, 4.0 / static_cast<double>(scored.size)));
  return {.metric = Metric::kLoss,
          .score = loss,
          .bound = loss - luck * (loss - least_loss(scored, settings)),
          .answer = "always the mean of the training targets"};
}

// Of an output of classes, by its loss: the shares of the classes as probabilities.
double shares_loss(const Dataset& train, const Dataset& scored) {
  const std::vector<std::int64_t> counts = class_counts(train);
  double sum = 0.0;
  for (const std::int32_t label : scored.labels)
    sum -= std::log(std::max(1e-12, static_cast<double>(counts[static_cast<std::size_t>(label)]) / static_cast<double>(train.size)));
  return sum / static_cast<double>(scored.size);
}

// Of several outputs: the weighted sum of what each can have without looking.
Baseline of_outputs(const Dataset& train, const Dataset& scored, const TrainSettings& settings) {
  double loss = 0.0;
  for (const OutputLoss& output : settings.outputs) {
    const auto part = [&](const Dataset& data) {
      return data::targets_alone(data, output.target, output.columns, output.classes ? std::max<std::int64_t>(2, output.width) : 0);
    };
    TrainSettings own = settings;
    own.loss = output.loss;
    own.outputs.clear();
    const bool logits = output.loss == Loss::kSoftmaxCrossEntropy || output.loss == Loss::kBinaryCrossEntropy;
    const bool shares = output.classes && logits;
    const Dataset of_train = part(train);
    const Dataset of_scored = part(scored);
    loss += output.weight * (shares ? shares_loss(of_train, of_scored) : constant_loss(target_means(of_train), of_scored, own));
  }
  const double luck = std::max(0.01, std::min(0.5, 4.0 / static_cast<double>(scored.size)));
  return {.metric = Metric::kLoss,
          .score = loss,
          .bound = loss - luck * loss,
          .answer = "of each output always its mean, or the shares of its classes"};
}

}  // namespace

Metric metric_of(const Dataset& data) { return data.classes > 0 ? Metric::kAccuracy : Metric::kLoss; }

bool Baseline::beaten_by(double other) const { return better(metric, other, bound); }

std::string Baseline::text() const {
  return fmt::format("{} ({}; beaten {} {})", score_text(metric, score), answer, metric == Metric::kAccuracy ? "above" : "below",
                     score_text(metric, bound));
}

Baseline baseline(const Dataset& train, const Dataset& scored, const TrainSettings& settings) {
  if (!settings.outputs.empty()) return of_outputs(train, scored, settings);
  return metric_of(train) == Metric::kAccuracy ? of_classes(train, scored) : of_values(train, scored, settings);
}

}  // namespace undying
