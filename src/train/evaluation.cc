#include "undying/evaluation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "base/philox.h"
#include "undying/error.h"

namespace undying {
namespace {

constexpr int kDraws = 1000;
constexpr double kZ = 1.959963984540054;  // of a two-sided 95% interval

using Rows = std::vector<std::uint32_t>;
const double kNan = std::numeric_limits<double>::quiet_NaN();

// One metric of chosen examples, some of them more than once.
using Metric = std::function<double(const Rows&)>;

Rows all_rows(std::int64_t size) {
  Rows rows(static_cast<std::size_t>(size));
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

Measured bootstrap(std::string name, const Metric& metric, std::int64_t size, std::uint64_t seed) {
  Measured measured{.name = std::move(name), .value = metric(all_rows(size))};
  std::vector<double> draws;
  Rows rows(static_cast<std::size_t>(size));
  for (int draw = 0; draw < kDraws; ++draw) {
    const Random random(seed, Stream::kBootstrap, static_cast<std::uint32_t>(draw));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::uint32_t>(random.below(i, rows.size()));
    if (const double value = metric(rows); std::isfinite(value)) draws.push_back(value);
  }
  std::ranges::sort(draws);
  const auto at = [&](double share) {
    return draws.empty() ? kNan : draws[static_cast<std::size_t>(share * static_cast<double>(draws.size() - 1))];
  };
  measured.lower = at(0.025);
  measured.upper = at(0.975);
  return measured;
}

// Wilson 1927.
Measured accuracy_of(std::int64_t right, std::int64_t size) {
  const auto n = static_cast<double>(size);
  const double share = static_cast<double>(right) / n;
  const double middle = (share + kZ * kZ / (2.0 * n)) / (1.0 + kZ * kZ / n);
  const double half = kZ / (1.0 + kZ * kZ / n) * std::sqrt(share * (1.0 - share) / n + kZ * kZ / (4.0 * n * n));
  return {"accuracy", share, middle - half, middle + half};
}

class Classes {
 public:
  Classes(const Predictions& predictions, const std::vector<std::int32_t>& labels)
      : predictions_(predictions), labels_(labels), width_(predictions.width()) {
    for (std::int64_t row = 0; row < predictions.size; ++row) chosen_.push_back(static_cast<std::int32_t>(predictions.chosen(row)));
  }

  std::vector<std::int64_t> confusion(const Rows& rows) const {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(width_ * width_));
    for (const std::uint32_t row : rows) ++counts[static_cast<std::size_t>(labels_[row] * width_ + chosen_[row])];
    return counts;
  }

  // Mean over the classes that occur of the share that is found (recall).
  double balanced_accuracy(const Rows& rows) const {
    return mean_over_classes(rows, [](double hits, double truly, double) { return truly > 0.0 ? hits / truly : kNan; });
  }

  double f1(const Rows& rows) const {
    return mean_over_classes(
        rows, [](double hits, double truly, double named) { return truly + named > 0.0 ? 2.0 * hits / (truly + named) : kNan; });
  }

  double log_loss(const Rows& rows) const {
    double sum = 0.0;
    for (const std::uint32_t row : rows) {
      const double p = predictions_.values[static_cast<std::size_t>(row * width_ + labels_[row])];
      sum -= std::log(std::max(p, 1e-15));
    }
    return sum / static_cast<double>(rows.size());
  }

  // The probability that an example of the second class gets a higher one of it than an example of the first; ties count half.
  double auc(const Rows& rows) const {
    std::vector<std::pair<float, std::int32_t>> scores;
    for (const std::uint32_t row : rows) scores.emplace_back(predictions_.values[2 * row + 1], labels_[row]);
    std::ranges::sort(scores);
    double ranks = 0.0;
    double positives = 0.0;
    for (std::size_t first = 0; first < scores.size();) {
      std::size_t last = first;
      double of_second = 0.0;
      for (; last < scores.size() && scores[last].first == scores[first].first; ++last) of_second += scores[last].second;
      ranks += of_second * (static_cast<double>(first + last + 1) / 2.0);
      positives += of_second;
      first = last;
    }
    const double negatives = static_cast<double>(scores.size()) - positives;
    return positives > 0.0 && negatives > 0.0 ? (ranks - positives * (positives + 1.0) / 2.0) / (positives * negatives) : kNan;
  }

  std::int32_t chosen(std::int64_t row) const { return chosen_[static_cast<std::size_t>(row)]; }

 private:
  template <class Of>
  double mean_over_classes(const Rows& rows, Of of) const {
    const std::vector<std::int64_t> counts = confusion(rows);
    double sum = 0.0;
    int classes = 0;
    for (std::int64_t c = 0; c < width_; ++c) {
      double truly = 0.0;
      double named = 0.0;
      for (std::int64_t other = 0; other < width_; ++other) {
        truly += static_cast<double>(counts[static_cast<std::size_t>(c * width_ + other)]);
        named += static_cast<double>(counts[static_cast<std::size_t>(other * width_ + c)]);
      }
      const double value = of(static_cast<double>(counts[static_cast<std::size_t>(c * width_ + c)]), truly, named);
      if (std::isnan(value)) continue;
      sum += value;
      ++classes;
    }
    return classes > 0 ? sum / classes : kNan;
  }

  const Predictions& predictions_;
  const std::vector<std::int32_t>& labels_;
  std::int64_t width_;
  std::vector<std::int32_t> chosen_;
};

void calibrate(Evaluation& evaluation, const Predictions& predictions, const Dataset& data) {
  evaluation.calibration_error = 0.0;
  for (std::int64_t row = 0; row < predictions.size; ++row) {
    const std::int64_t named = predictions.chosen(row);
    const double p = predictions.values[static_cast<std::size_t>(row * predictions.width() + named)];
    Evaluation::Bin& bin = evaluation.calibration[static_cast<std::size_t>(std::clamp(std::ceil(10.0 * p) - 1.0, 0.0, 9.0))];
    ++bin.examples;
    bin.confidence += p;
    bin.accuracy += data.labels[static_cast<std::size_t>(row)] == named;
  }
  for (Evaluation::Bin& bin : evaluation.calibration) {
    if (bin.examples == 0) continue;
    const auto n = static_cast<double>(bin.examples);
    bin.confidence /= n;
    bin.accuracy /= n;
    evaluation.calibration_error += n / static_cast<double>(predictions.size) * std::fabs(bin.accuracy - bin.confidence);
  }
}

Evaluation of_classes(const Predictions& predictions, const Dataset& data, std::uint64_t seed) {
  const std::int64_t n = data.size;
  const Classes classes(predictions, data.labels);
  Evaluation evaluation{.examples = n, .classes = predictions.classes, .confusion = classes.confusion(all_rows(n))};
  std::int64_t right = 0;
  for (std::int64_t row = 0; row < n; ++row) right += classes.chosen(row) == data.labels[static_cast<std::size_t>(row)];
  evaluation.metrics.push_back(accuracy_of(right, n));
  const auto add = [&](const char* name, auto metric) {
    evaluation.metrics.push_back(bootstrap(
        name, [&](const Rows& rows) { return (classes.*metric)(rows); }, n, seed));
  };
  add("balanced accuracy", &Classes::balanced_accuracy);
  add("F1", &Classes::f1);
  if (predictions.width() == 2) add("AUC", &Classes::auc);
  add("log loss", &Classes::log_loss);
  calibrate(evaluation, predictions, data);
  return evaluation;
}

Evaluation of_values(const Predictions& predictions, const Dataset& data, std::uint64_t seed) {
  const std::int64_t width = predictions.outputs;
  const auto mean = [&](const Rows& rows, auto of) {
    double sum = 0.0;
    for (const std::uint32_t row : rows)
      for (std::int64_t i = 0; i < width; ++i) sum += of(static_cast<std::size_t>(row * width + i));
    return sum / static_cast<double>(std::ssize(rows) * width);
  };
  const auto apart = [&](std::size_t at) { return static_cast<double>(predictions.values[at]) - data.targets[at]; };
  const auto squared = [&](const Rows& rows) { return mean(rows, [&](std::size_t at) { return apart(at) * apart(at); }); };
  const Metric r2 = [&](const Rows& rows) {
    double variance = 0.0;
    for (std::int64_t i = 0; i < width; ++i) {
      double sum = 0.0;
      double squares = 0.0;
      for (const std::uint32_t row : rows) sum += data.targets[static_cast<std::size_t>(row * width + i)];
      const double centre = sum / static_cast<double>(rows.size());
      for (const std::uint32_t row : rows) squares += std::pow(data.targets[static_cast<std::size_t>(row * width + i)] - centre, 2);
      variance += squares / static_cast<double>(std::ssize(rows) * width);
    }
    return variance > 0.0 ? 1.0 - squared(rows) / variance : kNan;
  };
  Evaluation evaluation{.examples = data.size, .classes = {}};
  evaluation.metrics.push_back(bootstrap(
      "RMSE", [&](const Rows& rows) { return std::sqrt(squared(rows)); }, data.size, seed));
  evaluation.metrics.push_back(bootstrap(
      "MAE", [&](const Rows& rows) { return mean(rows, [&](std::size_t at) { return std::fabs(apart(at)); }); }, data.size, seed));
  evaluation.metrics.push_back(bootstrap("R2", r2, data.size, seed));
  evaluation.calibration_error = kNan;
  return evaluation;
}

}  // namespace

Evaluation evaluate(const Predictions& predictions, const Dataset& data, std::uint64_t seed) {
  const bool fits = predictions.classes.empty() ? data.outputs == predictions.outputs && !data.targets.empty()
                                                : data.classes > 0 && data.classes <= predictions.width();
  if (!fits || data.size != predictions.size)
    throw Error(ErrorCode::kInvalidArgument, "data " + data.name,
                predictions.classes.empty() ? "has no values to predict that fit the model's outputs"
                                            : "has no labels that fit the model's classes");
  return predictions.classes.empty() ? of_values(predictions, data, seed) : of_classes(predictions, data, seed);
}

}  // namespace undying
