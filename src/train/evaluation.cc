#include "undying/evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/philox.h"
#include "train/metrics.h"
#include "undying/error.h"

namespace undying {
namespace {

constexpr int kDraws = 1000;
constexpr double kZ = 1.959963984540054;  // of a two-sided 95% interval

using Rows = std::vector<std::uint32_t>;
const double kNan = std::numeric_limits<double>::quiet_NaN();

Measured bootstrap(Metric metric, const train::Scorer& scorer, std::int64_t size,
                   std::uint64_t seed) {
  Measured measured{.name = std::string(name(metric)), .value = scorer.score(metric)};
  std::vector<double> draws;
  Rows rows(static_cast<std::size_t>(size));
  for (int draw = 0; draw < kDraws; ++draw) {
    const Random random(seed, Stream::kBootstrap, static_cast<std::uint32_t>(draw));
    for (std::size_t i = 0; i < rows.size(); ++i)
      rows[i] = static_cast<std::uint32_t>(random.below(i, rows.size()));
    if (const double value = scorer.score(metric, rows); std::isfinite(value))
      draws.push_back(value);
  }
  std::ranges::sort(draws);
  const auto at = [&](double share) {
    return draws.empty()
               ? kNan
               : draws[static_cast<std::size_t>(share * static_cast<double>(draws.size() - 1))];
  };
  measured.lower = at(0.025);
  measured.upper = at(0.975);
  return measured;
}

// Wilson 1927.
Measured wilson(double share, std::int64_t size) {
  const auto n = static_cast<double>(size);
  const double middle = (share + kZ * kZ / (2.0 * n)) / (1.0 + kZ * kZ / n);
  const double half =
      kZ / (1.0 + kZ * kZ / n) * std::sqrt(share * (1.0 - share) / n + kZ * kZ / (4.0 * n * n));
  return {"accuracy", share, middle - half, middle + half};
}

void calibrate(Evaluation& evaluation, const Predictions& predictions, const Dataset& data) {
  evaluation.calibration_error = 0.0;
  for (std::int64_t row = 0; row < predictions.size; ++row) {
    const std::int64_t named = predictions.chosen(row);
    const double p = predictions.values[row * predictions.width() + named];
    Evaluation::Bin& bin =
        evaluation
            .calibration[static_cast<std::size_t>(std::clamp(std::ceil(10.0 * p) - 1.0, 0.0, 9.0))];
    ++bin.examples;
    bin.confidence += p;
    bin.accuracy += data.labels[row] == named;
  }
  for (Evaluation::Bin& bin : evaluation.calibration) {
    if (bin.examples == 0) continue;
    const auto n = static_cast<double>(bin.examples);
    bin.confidence /= n;
    bin.accuracy /= n;
    evaluation.calibration_error +=
        n / static_cast<double>(predictions.size) * std::fabs(bin.accuracy - bin.confidence);
  }
}

// The metrics of the kind, accuracy first.
Evaluation measure_all(const Predictions& predictions, const Dataset& data, std::uint64_t seed) {
  const train::Scorer scorer(predictions, data);
  Evaluation evaluation{.examples = data.size, .classes = predictions.classes};
  for (const Metric metric :
       {Metric::kAccuracy, Metric::kBalancedAccuracy, Metric::kF1, Metric::kAuc, Metric::kLogLoss,
        Metric::kRmse, Metric::kMae, Metric::kR2}) {
    if (is_of_classes(metric) == predictions.classes.empty() ||
        (metric == Metric::kAuc && predictions.width() != 2))
      continue;
    evaluation.metrics.push_back(metric == Metric::kAccuracy
                                     ? wilson(scorer.score(metric), data.size)
                                     : bootstrap(metric, scorer, data.size, seed));
  }
  return evaluation;
}

}  // namespace

Evaluation evaluate(const Predictions& predictions, const Dataset& data, std::uint64_t seed) {
  const bool fits = predictions.classes.empty()
                        ? data.outputs == predictions.outputs && !data.targets.empty()
                        : data.classes > 0 && data.classes <= predictions.width();
  if (!fits || data.size != predictions.size)
    throw Error(ErrorCode::kInvalidArgument, "data " + data.name,
                predictions.classes.empty()
                    ? "has no values to predict that fit the model's outputs"
                    : "has no labels that fit the model's classes");
  Evaluation evaluation = measure_all(predictions, data, seed);
  evaluation.calibration_error = kNan;
  if (predictions.classes.empty()) return evaluation;
  evaluation.confusion = train::Scorer(predictions, data).confusion();
  calibrate(evaluation, predictions, data);
  return evaluation;
}

}  // namespace undying
