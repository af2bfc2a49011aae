#ifndef UNDYING_STUDY_TRAIN_ARM_H_
#define UNDYING_STUDY_TRAIN_ARM_H_

#include <cstdint>

#include "study/draws.h"
#include "study/plan.h"
#include "undying/trainer.h"

// One run of a study.
namespace undying::study {

// As it begins.
Trainer begin(const StudySettings& settings, const Arm& arm, const Dataset& data,
              std::uint64_t seed);

// Trains on each seed's split, and scores the examples of its test part but for candidates. Both
// arguments must outlive it.
TrainArm train_on(const StudySettings& settings, Draws& draws);

// Of a run on so many examples, at most.
std::int64_t steps_of(const TrainSettings& train, const Dataset& data);

}  // namespace undying::study

#endif  // UNDYING_STUDY_TRAIN_ARM_H_
