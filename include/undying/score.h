#ifndef UNDYING_SCORE_H_
#define UNDYING_SCORE_H_

#include <string>
#include <string_view>
#include <vector>

namespace undying {

// What a network is scored by on examples it was not trained on. Definitions are scikit-learn's.
enum class Metric {
  // Of classes.
  kAccuracy,          // the share named right
  kBalancedAccuracy,  // the mean over the classes of the share of each that is named right
  kF1,                // the mean over the classes of 2 right / (truly of it + named so)
  kAuc,  // of two classes: the chance that an example of the second gets a higher probability of it
         // than one of the first
  kLogLoss,  // mean -log(probability of the true class)
  // Of values, in their units.
  kRmse,
  kMae,
  kR2,    // 1 - squared error / variance
  kLoss,  // the mean of the loss that is trained by; of classes, too
};
std::string_view name(Metric metric);  // "accuracy", "balanced accuracy", "F1", "AUC", "log loss",
                                       // "RMSE", "MAE", "R2", "loss"

// "accuracy", "balanced-accuracy", "f1", ... Throws Error{kInvalidArgument} listing them.
Metric parse_metric(std::string_view text);
std::vector<std::string> metric_names();  // as it takes them

bool higher_is_better(Metric metric);
bool is_of_classes(Metric metric);  // all but the loss are of one kind alone
bool is_relative(
    Metric metric);  // lower is better, and what matters is a ratio: the losses, RMSE, MAE
bool is_percent(Metric metric);  // shown in percent, and differences in points: the accuracies
bool is_share(Metric metric);  // in [0, 1], in steps of about 1 / examples: the accuracies, F1, AUC

// Whether the first is the better score.
bool better(Metric metric, double score, double than);

// "68.62%", "loss 0.1234", "AUC 0.9123"
std::string score_text(Metric metric, double score);

}  // namespace undying

#endif  // UNDYING_SCORE_H_
