#ifndef UNDYING_EVALUATION_H_
#define UNDYING_EVALUATION_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "undying/dataset.h"
#include "undying/graph.h"
#include "undying/score.h"
#include "undying/settings.h"

namespace undying {

// By which networks are scored on a data set: what the settings say, else accuracy where it has
// classes, else loss.
Metric metric_of(const Dataset& data, const TrainSettings& settings = {});

// Throws Error{kInvalidArgument} where a data set cannot be scored so: values by a metric of
// classes, AUC of more than two classes.
void check_metric(Metric metric, const Dataset& data);

// What can be had without looking at an input, so what a network must beat to have learned
// anything: by accuracy and F1 always the most frequent class of the training part; by balanced
// accuracy 1 / classes, by AUC 1/2, as any such answer; by log loss the training shares as
// probabilities; of values always the mean of the training targets, by MAE the median.
struct Baseline {
  Metric metric = Metric::kAccuracy;
  double score = 0.0;  // of that answer on the examples that are scored
  // What another constant, or guesses, may reach by luck: shares, two standard errors above, at
  // most a fifth of what is left; losses and R2, 1% better, or 4 / examples where that is more.
  double bound = 0.0;
  std::string answer;       // "always naming class 7", "always the mean of the training targets"
  bool imbalanced = false;  // accuracy: the most frequent class has far more than its share

  // Whether a score is beyond the bound. NaN is not.
  bool beaten_by(double score) const;
  // "10.00% (always naming class 7; beaten above 10.60%)", "loss 84.4 (always the mean of the
  // training targets; beaten below 83.6)"
  std::string text() const;
};

// Of `scored`, for a network that learns from `train` by the loss of `settings`.
Baseline baseline(const Dataset& train, const Dataset& scored, const TrainSettings& settings);

// What a network answers, in the units of its data.
struct Predictions {
  std::int64_t size = 0;
  std::vector<std::string> classes;  // names; empty: values
  std::int64_t outputs = 0;          // values an example, where there are no classes
  std::vector<float> values;         // (size, classes) probabilities, or (size, outputs) values

  std::int64_t width() const {
    return classes.empty() ? outputs : static_cast<std::int64_t>(classes.size());
  }
  std::int64_t chosen(std::int64_t row) const;  // the most probable class
};

// Of a network whose outputs are logits, or probabilities where it ends in softmax or sigmoid, for
// data scaled as it was trained. `classes` names its classes: as many as outputs, or two where it
// has one; empty: its outputs are values. Labels and targets are not looked at. Throws
// Error{kInvalidArgument} for data or names that do not fit.
Predictions predict(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data,
                    const std::vector<std::string>& classes, int threads = 0);

// A figure with its 95% interval: Wilson's for accuracy, else percentiles of 1,000 bootstrap draws
// of the examples.
struct Measured {
  std::string name;
  double value = 0.0;
  double lower = 0.0;
  double upper = 0.0;
};

struct Evaluation {
  std::int64_t examples = 0;
  std::vector<std::string> classes;
  std::vector<Measured> metrics;  // classes: accuracy, balanced accuracy, F1 (macro), AUC (of two),
                                  // log loss; values: RMSE, MAE, R2
  std::vector<std::int64_t> confusion;  // (true class, predicted class)
  struct Bin {
    std::int64_t examples = 0;
    double confidence = 0.0;  // mean probability of the class that was named
    double accuracy = 0.0;
  };
  std::array<Bin, 10> calibration = {};  // by that probability, (0, 10%], ..., (90%, 100%]
  double calibration_error = 0.0;  // mean |accuracy - confidence| over examples; NaN for values
};

// Throws Error{kInvalidArgument} where the data has neither labels nor targets that fit the
// predictions.
Evaluation evaluate(const Predictions& predictions, const Dataset& data, std::uint64_t seed = 1);

}  // namespace undying

#endif  // UNDYING_EVALUATION_H_
