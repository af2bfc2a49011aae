#ifndef UNDYING_SCORE_H_
#define UNDYING_SCORE_H_

#include <string>
#include <string_view>

namespace undying {

// What a network is scored by on examples it was not trained on.
enum class Metric {
  kAccuracy,  // of classes: the share named right, in [0, 1]; higher is better
  kLoss,      // of values: the mean loss, at least 0; lower is better
};
std::string_view name(Metric metric);  // "accuracy", "loss"

// Whether the first is the better score.
bool better(Metric metric, double score, double than);

// "68.62%", "loss 0.1234"
std::string score_text(Metric metric, double score);

}  // namespace undying

#endif  // UNDYING_SCORE_H_
