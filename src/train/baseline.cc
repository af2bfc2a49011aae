#include "undying/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/named.h"
#include "ops/loss.h"
#include "train/metrics.h"

namespace undying {
namespace {

std::vector<std::int64_t> class_counts(const Dataset& data) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(data.classes));
  for (const std::int32_t label : data.labels) ++counts[label];
  return counts;
}

std::string class_text(const Dataset& data, std::size_t label) {
  return data.class_names.empty() ? fmt::format("class {}", label)
                                  : fmt::format("\"{}\"", data.class_names[label]);
}

// Times its share of the examples, were all classes as frequent.
constexpr double kImbalanced = 1.3;

// Two standard errors above a share, at most a fifth of what is left.
double above(double share, double error) {
  return share + std::min(2.0 * error, (1.0 - share) / 5.0);
}

double occurring(const std::vector<std::int64_t>& counts) {
  return static_cast<double>(
      std::ranges::count_if(counts, [](std::int64_t count) { return count > 0; }));
}

// Guesses, each class as often as in training. The class that is most frequent there may be rare
// among the scored, and guesses come to more than it.
double guessed_share(const std::vector<std::int64_t>& counts, const Dataset& scored) {
  double sum = 0.0, all = 0.0;
  for (const std::int32_t label : scored.labels) sum += static_cast<double>(counts[label]);
  for (const std::int64_t count : counts) all += static_cast<double>(count);
  return sum / all / static_cast<double>(scored.size);
}

// What always naming the class that is most frequent in training comes to.
Baseline of_most_frequent(const Dataset& train, const Dataset& scored, Metric metric) {
  const std::vector<std::int64_t> counts = class_counts(train);
  const auto most =
      static_cast<std::int32_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  const auto n = static_cast<double>(scored.size);
  const double share =
      static_cast<double>(std::count(scored.labels.begin(), scored.labels.end(), most)) / n;
  const double score =
      metric == Metric::kAccuracy
          ? share
          : 2.0 * share / (1.0 + share) / std::max(1.0, occurring(class_counts(scored)));
  const double lucky =
      metric == Metric::kAccuracy ? std::max(share, guessed_share(counts, scored)) : score;
  return {
      .metric = metric,
      .score = score,
      .bound = above(lucky, std::sqrt(lucky * (1.0 - lucky) / n)),
      .answer = fmt::format("always naming {}", class_text(train, static_cast<std::size_t>(most))),
      .imbalanced =
          metric == Metric::kAccuracy && share > 0.5 && share * occurring(counts) > kImbalanced};
}

// The standard error is that of guessing at random.
Baseline of_guessing(const Dataset& scored, Metric metric) {
  const std::vector<std::int64_t> counts = class_counts(scored);
  const double classes = std::max(1.0, occurring(counts));
  const double share = metric == Metric::kAuc ? 0.5 : 1.0 / classes;
  double variance = 0.0;
  for (const std::int64_t count : counts)
    if (count > 0)
      variance += share * (1.0 - share) / (classes * classes * static_cast<double>(count));
  if (metric == Metric::kAuc)  // Mann & Whitney 1947
    variance = static_cast<double>(scored.size + 1) /
               (12.0 * static_cast<double>(counts[0]) * static_cast<double>(counts[1]));
  return {.metric = metric,
          .score = share,
          .bound = above(share, std::sqrt(variance)),
          .answer = "any answer that is the same for all examples"};
}

// A loss or error that another constant may reach by luck, as a share of it.
double luck_of(const Dataset& scored) {
  return std::max(0.01, std::min(0.5, 4.0 / static_cast<double>(scored.size)));
}

Baseline of_shares(const Dataset& train, const Dataset& scored) {
  const std::vector<std::int64_t> counts = class_counts(train);
  double sum = 0.0;
  for (const std::int32_t label : scored.labels)
    sum -= std::log(
        std::max(1e-15, static_cast<double>(counts[label]) / static_cast<double>(train.size)));
  const double score = sum / static_cast<double>(scored.size);
  return {.metric = Metric::kLogLoss,
          .score = score,
          .bound = (1.0 - luck_of(scored)) * score,
          .answer = "always the shares of the classes in training as probabilities"};
}

Baseline of_classes(const Dataset& train, const Dataset& scored, Metric metric) {
  if (metric == Metric::kLogLoss) return of_shares(train, scored);
  return metric == Metric::kAccuracy || metric == Metric::kF1
             ? of_most_frequent(train, scored, metric)
             : of_guessing(scored, metric);
}

std::vector<double> target_means(const Dataset& train) {
  std::vector<double> means(static_cast<std::size_t>(train.outputs));
  for (std::size_t i = 0; i < train.targets.size(); ++i)
    means[i % means.size()] += train.targets[i];
  for (double& mean : means) mean /= static_cast<double>(train.size);
  return means;
}

// The output that stands for a target: a logit where the loss takes logits.
float output_for(double target, Loss loss) {
  if (kind(loss) != LossKind::kProbabilities) return static_cast<float>(target);
  const double p = std::clamp(target, 1e-6, 1.0 - 1e-6);
  return static_cast<float>(std::log(p / (1.0 - p)));
}

// What no network can get below: of binary cross-entropy the entropy of the targets, of the others
// 0.
double least_loss(const Dataset& scored, const TrainSettings& settings) {
  if (kind(settings.loss) != LossKind::kProbabilities) return 0.0;
  double sum = 0.0;
  for (const float target : scored.targets) {
    const double p = std::clamp(static_cast<double>(target), 1e-12, 1.0 - 1e-12);
    sum -= p * std::log(p) + (1.0 - p) * std::log(1.0 - p);
  }
  return sum / static_cast<double>(scored.targets.size());
}

double constant_loss(const std::vector<double>& means, const Dataset& scored,
                     const TrainSettings& settings) {
  std::vector<float> outputs;
  for (const double mean : means) outputs.push_back(output_for(mean, settings.loss));
  const ops::LossOptions options{settings.loss, settings.label_smoothing,
                                 settings.huber_delta * scored.target_deviation};
  double sum = 0.0;
  for (std::int64_t row = 0; row < scored.size; ++row)
    sum += ops::compute_loss(options, {.rows = 1,
                                       .width = scored.outputs,
                                       .outputs = outputs.data(),
                                       .targets = scored.targets.data() + row * scored.outputs})
               .loss;
  return sum / static_cast<double>(scored.size);
}

std::vector<double> target_medians(const Dataset& train) {
  std::vector<double> medians;
  for (std::int64_t i = 0; i < train.outputs; ++i) {
    std::vector<float> values;
    for (std::int64_t row = 0; row < train.size; ++row)
      values.push_back(train.targets[row * train.outputs + i]);
    const auto middle = values.begin() + train.size / 2;
    std::nth_element(values.begin(), middle, values.end());
    medians.push_back(*middle);
  }
  return medians;
}

Baseline of_errors(const Dataset& train, const Dataset& scored, Metric metric) {
  const std::vector<double> constant =
      metric == Metric::kMae ? target_medians(train) : target_means(train);
  Predictions predictions{
      .size = scored.size, .classes = {}, .outputs = scored.outputs, .values = {}};
  for (std::int64_t row = 0; row < scored.size; ++row)
    predictions.values.insert(predictions.values.end(), constant.begin(), constant.end());
  const double score = train::Scorer(predictions, scored).score(metric);
  const double left = 1.0 - luck_of(scored);
  return {.metric = metric,
          .score = score,
          .bound = metric == Metric::kR2     ? 1.0 - left * (1.0 - score)
                   : metric == Metric::kRmse ? std::sqrt(left) * score
                                             : left * score,
          .answer = fmt::format("always the {} of the training targets",
                                metric == Metric::kMae ? "median" : "mean")};
}

Baseline of_values(const Dataset& train, const Dataset& scored, const TrainSettings& settings) {
  const double loss = constant_loss(target_means(train), scored, settings);
  const double luck = luck_of(scored);
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
    sum -= std::log(
        std::max(1e-12, static_cast<double>(counts[label]) / static_cast<double>(train.size)));
  return sum / static_cast<double>(scored.size);
}

// Of several outputs: the weighted sum of what each can have without looking.
Baseline of_outputs(const Dataset& train, const Dataset& scored, const TrainSettings& settings) {
  double loss = 0.0;
  for (const OutputLoss& output : settings.outputs) {
    const auto part = [&](const Dataset& data) {
      return data::targets_alone(data, output.target, output.columns,
                                 output.classes ? std::max<std::int64_t>(2, output.width) : 0);
    };
    TrainSettings own = settings;
    own.loss = output.loss;
    own.outputs.clear();
    const bool shares = output.classes && kind(output.loss) != LossKind::kValues;
    const Dataset of_train = part(train);
    const Dataset of_scored = part(scored);
    loss += output.weight * (shares ? shares_loss(of_train, of_scored)
                                    : constant_loss(target_means(of_train), of_scored, own));
  }
  const double luck = std::max(0.01, std::min(0.5, 4.0 / static_cast<double>(scored.size)));
  return {.metric = Metric::kLoss,
          .score = loss,
          .bound = loss - luck * loss,
          .answer = "of each output always its mean, or the shares of its classes"};
}

}  // namespace

Metric metric_of(const Dataset& data, const TrainSettings& settings) {
  return settings.metric.value_or(data.classes > 0 ? Metric::kAccuracy : Metric::kLoss);
}

bool Baseline::beaten_by(double other) const { return better(metric, other, bound); }

std::string Baseline::text() const {
  return fmt::format("{} ({}; beaten {} {})", score_text(metric, score), answer,
                     higher_is_better(metric) ? "above" : "below", score_text(metric, bound));
}

Baseline baseline(const Dataset& train, const Dataset& scored, const TrainSettings& settings) {
  if (!settings.outputs.empty()) return of_outputs(train, scored, settings);
  const Metric metric = metric_of(train, settings);
  check_metric(metric, train);
  if (is_of_classes(metric)) return of_classes(train, scored, metric);
  return metric == Metric::kLoss ? of_values(train, scored, settings)
                                 : of_errors(train, scored, metric);
}

}  // namespace undying
