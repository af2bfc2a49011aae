#ifndef UNDYING_DOCTOR_VERDICT_H_
#define UNDYING_DOCTOR_VERDICT_H_

#include "undying/doctor.h"

namespace undying::doctor {

// Compares every remedy with the control and with the placebo, Holm over all of these comparisons, and chooses among those that
// beat both: the one with the fewest dead units of those that are not shown to do worse than the best. Pure.
void judge(Revival& revival);

// The outcome in words, and the study's paragraphs.
void write_verdict(Revival& revival);

// The seed of the run with the median score of an arm, the lower of two.
std::uint64_t median_seed(const Study& study, const Arm& arm);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_VERDICT_H_
