#ifndef UNDYING_DOCTOR_REVIVE_CHOOSE_H_
#define UNDYING_DOCTOR_REVIVE_CHOOSE_H_

#include "trial/judge.h"
#include "undying/doctor.h"

namespace undying::doctor {

// Chooses among the remedies that help (trial/judge.h): the one with the fewest dead units of those
// that are not shown to do worse than the best. None while runs are missing. Pure.
std::optional<std::size_t> choose(const Revival& revival);

// The outcome in words, and the study's paragraphs. `spoiled`: the label of a remedy that was
// chosen and gave a network that is not finite.
void write_verdict(Revival& revival, const std::string& spoiled = {});

// The seed of the run with the median score of those of an arm that learned, the lower of two.
std::uint64_t median_seed(const Study& study, const Arm& arm);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_REVIVE_CHOOSE_H_
