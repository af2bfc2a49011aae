#ifndef UNDYING_STUDY_TUNE_H_
#define UNDYING_STUDY_TUNE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "undying/study.h"

// Each arm's own learning rate, the best of a list. An arm is trained at every rate of the list
// from a few seeds, which no judged run has, on training rows of which a part is cut off for
// validation, and scored on that part. The held-out part is never read.
namespace undying::study {

// Whether a study has rates to choose from.
bool tunes(const StudySettings& settings);

inline constexpr int kTuningSeeds = 3;  // runs of an arm at a rate
// Above all seeds of judged runs, which are settings.train.seed and at most kMostSeeds - 1 more,
// and of a trial's confirming runs.
inline constexpr std::uint64_t kTuningShift = 2 * std::uint64_t{kMostSeeds};

// The study's arms at each of the rates, the placebo left out: it is the control from other draws,
// and gets the control's rate; and those that have their rates already, which a search chose.
std::vector<Arm> plan_candidates(const StudySettings& settings, const std::vector<Arm>& arms);

// Index of the rate to take.
std::size_t choose_rate(std::span<const RateTried> rates, Metric metric);

// What became of a candidate's runs.
RateTried summarise(const Study& tuning, const Arm& candidate);

// Gives every arm that has none its rate, from the finished runs of `tuning`, whose arms are
// plan_candidates().
void take_rates(Study& study, const Study& tuning);

}  // namespace undying::study

#endif  // UNDYING_STUDY_TUNE_H_
