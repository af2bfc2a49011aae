#ifndef UNDYING_TRIAL_JUDGE_H_
#define UNDYING_TRIAL_JUDGE_H_

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "undying/trial.h"

// The judge of arms (docs/verdicts.md): from how runs ended and what they scored to a verdict with
// its interval. Numbers only; trial/words.h has the sentences.
namespace undying::trial {

// What the judge knows of a run.
struct TrialRun {
  std::uint64_t seed = 0;
  Outcome outcome = Outcome::kLearned;
  double score = 0.0;
  // Of the last epoch; tells runs apart that are not the same run.
  double training_loss = std::numeric_limits<double>::quiet_NaN();
  bool repeats = false;  // known to be the run before again, but for rounding: nothing in it
                         // depends on the seed
  std::span<const float> examples;  // of each held-out example (or of a sample of them):
                                    // Trainer::example_scores(); may be empty
};
using Sample = std::vector<TrialRun>;  // an arm's runs, in the order of the seeds, which every arm
                                       // has in common

// The arm against the mean of the references' runs of the same seed, over the seeds of which it and
// a reference learned; as many seeds as all of them have. Everything but the sentence, and without
// what more seeds would do.
Comparison compare(const Sample& arm, std::span<const Sample> references, const TrialRules& rules);

// As far as look_ahead() looks.
inline constexpr int kMostForeseen = 100'000;

// Writes what more seeds, or more data, would do for an undecided comparison of the same runs.
void look_ahead(Comparison& comparison, const Sample& arm, std::span<const Sample> references,
                const TrialRules& rules);

// The same difference alone with an interval of its own, not shared with other arms or looks: for
// what no choice has seen.
Estimate difference(const Sample& arm, std::span<const Sample> references, const TrialRules& rules,
                    double level = 0.05);

// Against the control and against a placebo that is another treatment: it helps only if it beats
// both.
void require_both(Comparison& against_control, const Comparison& against_placebo);

// At which one-sided p failures are shown to differ after so many runs of an arm.
double failure_level_of(int runs, const TrialRules& rules);

// The runs of the look at which failures that are not shown to differ would be, their shares
// staying as they are; 0: not within kMostSeeds.
int runs_to_show(const Failures& failures, const TrialRules& rules);

// Whether another seed could change the verdict.
bool wants_more(const Comparison& comparison);

// Whether all runs are one run but for rounding.
bool one_run(const Sample& sample, const TrialRules& rules);

}  // namespace undying::trial

#endif  // UNDYING_TRIAL_JUDGE_H_
