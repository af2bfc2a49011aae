#ifndef UNDYING_BASELINE_H_
#define UNDYING_BASELINE_H_

#include <string>

#include "undying/dataset.h"
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
  double bound =
      0.0;  // what another constant may reach by luck: shares, two standard errors above, at most a
            // fifth of what is left; losses and R2, 1% better, or 4 / examples where that is more
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

}  // namespace undying

#endif  // UNDYING_BASELINE_H_
