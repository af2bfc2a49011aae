#ifndef UNDYING_BASELINE_H_
#define UNDYING_BASELINE_H_

#include <string>

#include "undying/dataset.h"
#include "undying/score.h"
#include "undying/trainer.h"

namespace undying {

// Of a data set: accuracy where it has classes, else loss.
Metric metric_of(const Dataset& data);

// What can be had without looking at an input, so what a network must beat to have learned anything: always the most frequent class of the
// training part, or always the mean of its targets.
struct Baseline {
  Metric metric = Metric::kAccuracy;
  double score = 0.0;  // of that answer on the examples that are scored
  double bound = 0.0;  // what another constant may reach by luck: accuracy, two standard errors above, at most a fifth of what is left;
                       // loss, 1% below, or 4 / examples where that is more
  std::string answer;  // "always naming class 7", "always the mean of the training targets"

  // Whether a score is beyond the bound. NaN is not.
  bool beaten_by(double score) const;
  // "10.00% (always naming class 7; beaten above 10.60%)", "loss 84.4 (always the mean of the training targets; beaten below 83.6)"
  std::string text() const;
};

// Of `scored`, for a network that learns from `train` by the loss of `settings`. Loss of values only: the same as the network's own.
Baseline baseline(const Dataset& train, const Dataset& scored, const TrainSettings& settings);

}  // namespace undying

#endif  // UNDYING_BASELINE_H_
