#include "train/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "train/source.h"
#include "undying/error.h"

namespace undying {
namespace train {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLeastProbability = 1e-15;

// Of one class among counted rows.
struct Count {
  double hits = 0.0;
  double truly = 0.0;
  double named = 0.0;
};

std::vector<Count> counts_of(const std::vector<std::int64_t>& confusion, std::int64_t width) {
  std::vector<Count> counts(static_cast<std::size_t>(width));
  for (std::size_t c = 0; c < counts.size(); ++c)
    for (std::size_t other = 0; other < counts.size(); ++other) {
      counts[c].truly += static_cast<double>(confusion[c * counts.size() + other]);
      counts[c].named += static_cast<double>(confusion[other * counts.size() + c]);
      if (c == other) counts[c].hits = static_cast<double>(confusion[c * counts.size() + c]);
    }
  return counts;
}

double recall(const Count& count) { return count.truly > 0.0 ? count.hits / count.truly : kNan; }
double f1_of(const Count& count) {
  return count.truly + count.named > 0.0 ? 2.0 * count.hits / (count.truly + count.named) : kNan;
}

// Over the classes of which it is defined.
double mean_over(const std::vector<Count>& counts, double (*of)(const Count&),
                 int* defined = nullptr) {
  double sum = 0.0;
  int n = 0;
  for (const Count& count : counts)
    if (const double value = of(count); !std::isnan(value)) sum += value, ++n;
  if (defined != nullptr) *defined = n;
  return n > 0 ? sum / n : kNan;
}

}  // namespace

Scorer::Scorer(const Predictions& predictions, const Dataset& data)
    : predictions_(predictions),
      data_(data),
      width_(predictions.width()),
      all_(identity_order(predictions.size)) {
  if (predictions.classes.empty()) return;
  for (std::int64_t row = 0; row < predictions.size; ++row)
    chosen_.push_back(static_cast<std::int32_t>(predictions.chosen(row)));
}

double Scorer::score(Metric metric, Rows rows) const {
  switch (metric) {
    case Metric::kAccuracy:
      return accuracy(rows);
    case Metric::kBalancedAccuracy:
      return balanced_accuracy(rows);
    case Metric::kF1:
      return f1(rows);
    case Metric::kAuc:
      return auc(rows);
    case Metric::kLogLoss:
      return log_loss(rows);
    case Metric::kRmse:
      return std::sqrt(squared(rows));
    case Metric::kMae:
      return absolute(rows);
    case Metric::kR2: {
      const double spread = variance(rows);
      return spread > 0.0 ? 1.0 - squared(rows) / spread : kNan;
    }
    case Metric::kLoss:
      break;  // the network's own
  }
  return kNan;
}

std::vector<std::int64_t> Scorer::confusion(Rows rows) const {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(width_ * width_));
  for (const std::uint32_t row : rows) ++counts[data_.labels[row] * width_ + chosen_[row]];
  return counts;
}

double Scorer::accuracy(Rows rows) const {
  return static_cast<double>(std::ranges::count_if(
             rows, [&](std::uint32_t row) { return chosen_[row] == data_.labels[row]; })) /
         static_cast<double>(rows.size());
}

double Scorer::balanced_accuracy(Rows rows) const {
  return mean_over(counts_of(confusion(rows), width_), recall);
}

double Scorer::f1(Rows rows) const { return mean_over(counts_of(confusion(rows), width_), f1_of); }

double Scorer::row_loss(std::uint32_t row) const {
  const double p = predictions_.values[row * width_ + data_.labels[row]];
  return -std::log(std::max(p, kLeastProbability));
}

double Scorer::log_loss(Rows rows) const {
  double sum = 0.0;
  for (const std::uint32_t row : rows) sum += row_loss(row);
  return sum / static_cast<double>(rows.size());
}

// By ranks (Mann & Whitney 1947); ties count half.
double Scorer::auc(Rows rows) const {
  std::vector<std::pair<float, std::int32_t>> scores;
  for (const std::uint32_t row : rows)
    scores.emplace_back(predictions_.values[2 * static_cast<std::size_t>(row) + 1],
                        data_.labels[row]);
  std::ranges::sort(scores);
  double ranks = 0.0;
  double positives = 0.0;
  for (std::size_t first = 0; first < scores.size();) {
    std::size_t last = first;
    double of_second = 0.0;
    for (; last < scores.size() && scores[last].first == scores[first].first; ++last)
      of_second += scores[last].second;
    ranks += of_second * (static_cast<double>(first + last + 1) / 2.0);
    positives += of_second;
    first = last;
  }
  const double negatives = static_cast<double>(scores.size()) - positives;
  return positives > 0.0 && negatives > 0.0
             ? (ranks - positives * (positives + 1.0) / 2.0) / (positives * negatives)
             : kNan;
}

double Scorer::squared(Rows rows) const {
  double sum = 0.0;
  for (const std::uint32_t row : rows)
    for (std::int64_t i = 0; i < width_; ++i)
      sum += apart(row * width_ + i) * apart(row * width_ + i);
  return sum / static_cast<double>(std::ssize(rows) * width_);
}

double Scorer::absolute(Rows rows) const {
  double sum = 0.0;
  for (const std::uint32_t row : rows)
    for (std::int64_t i = 0; i < width_; ++i) sum += std::fabs(apart(row * width_ + i));
  return sum / static_cast<double>(std::ssize(rows) * width_);
}

// Of the targets, the mean over the outputs.
double Scorer::variance(Rows rows) const {
  double total = 0.0;
  for (std::int64_t i = 0; i < width_; ++i) {
    double sum = 0.0;
    double squares = 0.0;
    for (const std::uint32_t row : rows) sum += target(row * width_ + i);
    const double centre = sum / static_cast<double>(rows.size());
    for (const std::uint32_t row : rows) squares += std::pow(target(row * width_ + i) - centre, 2);
    total += squares / static_cast<double>(std::ssize(rows) * width_);
  }
  return total;
}

// Of all rows.
std::vector<double> Scorer::parts_of(Metric metric) const {
  std::vector<double> all;
  switch (metric) {
    case Metric::kBalancedAccuracy:
      return balanced_parts();
    case Metric::kF1:
      return f1_parts();
    case Metric::kAuc:
      return auc_parts();
    case Metric::kAccuracy:
      for (const std::uint32_t row : all_) all.push_back(chosen_[row] == data_.labels[row]);
      return all;
    case Metric::kLogLoss:
      for (const std::uint32_t row : all_) all.push_back(row_loss(row));
      return all;
    case Metric::kRmse:
    case Metric::kMae:
    case Metric::kR2:
    case Metric::kLoss:
      return value_parts(metric);
  }
  return all;
}

std::vector<float> Scorer::parts(Metric metric, Rows rows) const {
  const std::vector<double> all = parts_of(metric);
  std::vector<float> parts;
  for (const std::uint32_t row : rows) parts.push_back(static_cast<float>(all[row]));
  return parts;
}

std::vector<double> Scorer::balanced_parts() const {
  const std::vector<Count> counts = counts_of(confusion(), width_);
  int classes = 0;
  mean_over(counts, recall, &classes);
  std::vector<double> parts;
  for (const std::uint32_t row : all_) {
    const auto label = static_cast<std::size_t>(data_.labels[row]);
    const bool hit = chosen_[row] == data_.labels[row];
    parts.push_back(static_cast<double>(all_.size()) * (hit - recall(counts[label])) /
                    (classes * counts[label].truly));
  }
  return parts;
}

std::vector<double> Scorer::f1_parts() const {
  const std::vector<Count> counts = counts_of(confusion(), width_);
  int classes = 0;
  mean_over(counts, f1_of, &classes);
  const double scale = static_cast<double>(all_.size()) / classes;
  const auto share = [&](std::int32_t label) {  // what naming it, or being it, takes away
    const Count& count = counts[label];
    return f1_of(count) / (count.truly + count.named);
  };
  std::vector<double> parts;
  for (const std::uint32_t row : all_) {
    const std::int32_t label = data_.labels[row];
    const Count& count = counts[label];
    const double hit = chosen_[row] == label ? 2.0 / (count.truly + count.named) : 0.0;
    parts.push_back(scale * (hit - share(label) - share(chosen_[row])));
  }
  return parts;
}

// DeLong et al. 1988: of an example the share of those of the other class that it is on the right
// side of.
std::vector<double> Scorer::auc_parts() const {
  std::vector<float> of[2];
  const auto value = [&](std::uint32_t row) {
    return predictions_.values[2 * static_cast<std::size_t>(row) + 1];
  };
  for (const std::uint32_t row : all_) of[data_.labels[row]].push_back(value(row));
  for (std::vector<float>& values : of) std::ranges::sort(values);
  const auto below = [&](const std::vector<float>& values, float at) {
    const auto [first, last] = std::equal_range(values.begin(), values.end(), at);
    return (static_cast<double>(first - values.begin()) +
            static_cast<double>(last - values.begin())) /
           2.0 / static_cast<double>(values.size());
  };
  const double all = auc(all_);
  const auto n = static_cast<double>(all_.size());
  std::vector<double> parts;
  for (const std::uint32_t row : all_) {
    const bool second = data_.labels[row] == 1;
    const double place = second ? below(of[0], value(row)) : 1.0 - below(of[1], value(row));
    parts.push_back(n / static_cast<double>(of[second ? 1 : 0].size()) * (place - all));
  }
  return parts;
}

std::vector<double> Scorer::value_parts(Metric metric) const {
  const double error = squared(all_);
  const double spread = variance(all_);
  std::vector<double> centres(static_cast<std::size_t>(width_));
  for (const std::uint32_t row : all_)
    for (std::int64_t i = 0; i < width_; ++i)
      centres[i] += target(row * width_ + i) / static_cast<double>(all_.size());
  std::vector<double> parts;
  for (const std::uint32_t row : all_) {
    double squares = 0.0;
    double distance = 0.0;
    double from_centre = 0.0;
    for (std::int64_t i = 0; i < width_; ++i) {
      const std::int64_t at = row * width_ + i;
      squares += apart(at) * apart(at) / static_cast<double>(width_);
      distance += std::fabs(apart(at)) / static_cast<double>(width_);
      from_centre += std::pow(target(at) - centres[i], 2) / static_cast<double>(width_);
    }
    if (metric == Metric::kMae) parts.push_back(distance);
    if (metric == Metric::kRmse)
      parts.push_back(error > 0.0 ? squares / (2.0 * std::sqrt(error)) : 0.0);
    if (metric == Metric::kR2)
      parts.push_back(spread > 0.0 ? (error * from_centre / spread - squares) / spread : 0.0);
  }
  return parts;
}

}  // namespace train

void check_metric(Metric metric, const Dataset& data) {
  const auto refuse = [&](const std::string& found, const char* expected) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("metric {}", name(metric)),
                fmt::format("{}; expected {}", found, expected));
  };
  constexpr const char* kOfClasses = "accuracy, balanced-accuracy, f1, auc or log-loss";
  constexpr const char* kOfValues = "rmse, mae or r2";
  if (metric == Metric::kLoss) return;
  if (data.classes == 0 && is_of_classes(metric))
    refuse(fmt::format("is of classes, but {} has values to predict", data.name), kOfValues);
  if (data.classes > 0 && !is_of_classes(metric))
    refuse(fmt::format("is of values, but {} has classes", data.name), kOfClasses);
  if (metric == Metric::kAuc && data.classes != 2)
    refuse(fmt::format("is of two classes, but {} has {}", data.name, data.classes),
           "accuracy, balanced-accuracy, f1 or log-loss");
  const auto same = [](const auto& values) {
    return std::ranges::adjacent_find(values, std::not_equal_to<>()) == values.end();
  };
  if (metric == Metric::kAuc && same(data.labels))
    refuse(fmt::format("needs both classes, but {} has one alone", data.name),
           "accuracy, or a part with both");
  if (metric == Metric::kR2 && same(data.targets))
    refuse(fmt::format("needs values that differ, but those of {} are all the same", data.name),
           "rmse or mae");
}

}  // namespace undying
