#ifndef UNDYING_TRAIN_METRICS_H_
#define UNDYING_TRAIN_METRICS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "undying/evaluation.h"

namespace undying::train {

// What a network's outputs (size, outputs) say: probabilities where its classes are named (as many
// as outputs, or two where it has one), else values in units of the data.
Predictions answers(const Graph& graph, std::vector<float> outputs, std::int64_t size,
                    std::vector<std::string> classes);

// Predictions beside what is true; both must outlive it. The one place where metrics are computed.
class Scorer {
 public:
  Scorer(const Predictions& predictions, const Dataset& data);

  // Of these rows, of which some may occur more than once. NaN where it is not defined there.
  double score(Metric metric, std::span<const std::uint32_t> rows) const;
  double score(Metric metric) const { return score(metric, all_); }

  // Of each of these rows its influence on the score of all, up to a constant; of RMSE on its
  // logarithm, times the RMSE.
  std::vector<float> parts(Metric metric, std::span<const std::uint32_t> rows) const;

  // Rows of each true class (first index) that were named so (second).
  std::vector<std::int64_t> confusion(std::span<const std::uint32_t> rows) const;
  std::vector<std::int64_t> confusion() const { return confusion(all_); }

 private:
  using Rows = std::span<const std::uint32_t>;

  double accuracy(Rows rows) const;
  double balanced_accuracy(Rows rows) const;
  double f1(Rows rows) const;
  double auc(Rows rows) const;
  double log_loss(Rows rows) const;
  double squared(Rows rows) const;
  double absolute(Rows rows) const;
  double variance(Rows rows) const;

  std::vector<double> parts_of(Metric metric) const;
  std::vector<double> balanced_parts() const;
  std::vector<double> f1_parts() const;
  std::vector<double> auc_parts() const;
  std::vector<double> value_parts(Metric metric) const;

  double row_loss(std::uint32_t row) const;
  double apart(std::int64_t at) const {
    return static_cast<double>(predictions_.values[at]) - target(at);
  }
  double target(std::int64_t at) const { return data_.targets[at]; }

  const Predictions& predictions_;
  const Dataset& data_;
  std::int64_t width_;
  std::vector<std::int32_t> chosen_;
  std::vector<std::uint32_t> all_;
};

}  // namespace undying::train

#endif  // UNDYING_TRAIN_METRICS_H_
