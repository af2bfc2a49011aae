#ifndef UNDYING_STUDY_SCORES_H_
#define UNDYING_STUDY_SCORES_H_

#include <cstdint>
#include <map>
#include <vector>

#include "undying/study.h"

namespace undying::study {

// What each finished run of an arm scored: test accuracy, or test loss for regression. A diverged run counts with chance, or with the
// worst loss of the study.
std::map<std::uint64_t, double> scores_by_seed(const Study& study, const Arm& arm);

// What a diverged run counts with: chance, or the worst loss of a run that did not diverge; NaN where there is none.
double score_when_diverged(const Study& study);

// At most this accuracy is hardly better than chance: a fifth better than always naming the most frequent class; where that class is most
// of the data, a fifth of what is left.
double collapse_bound(const Study& study);

// How finely one run's score is known: the standard deviation of rounding to a step of 1 / test examples. 0 for a loss.
double score_deviation(const Study& study);

// arm - other, over the seeds that both have.
struct Paired {
  Estimate difference;
  double p_value = 1.0;
};
Paired paired(const Study& study, const Arm& arm, const Arm& other);

}  // namespace undying::study

#endif  // UNDYING_STUDY_SCORES_H_
