#ifndef UNDYING_STUDY_SAMPLES_H_
#define UNDYING_STUDY_SAMPLES_H_

#include "trial/judge.h"
#include "undying/study.h"

namespace undying::study {

// The metric that the study is scored by.
double score_of(const Study& study, const Run& run);

// Losses below count as this.
double loss_floor(const Study& study);

// Diverged where its loss, its gradient or its score is not finite; collapsed where the baseline of
// its split is not beaten.
Outcome outcome_of(const Study& study, const ArmRun& run);

// An arm's runs from the first seed on, up to the first that is missing.
trial::Sample sample_of(const Study& study, const Arm& arm);

}  // namespace undying::study

#endif  // UNDYING_STUDY_SAMPLES_H_
