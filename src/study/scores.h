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

// arm - other, of the seeds that both have, in their order.
std::vector<double> paired_differences(const Study& study, const Arm& arm, const Arm& other);

}  // namespace undying::study

#endif  // UNDYING_STUDY_SCORES_H_
