#ifndef UNDYING_TRIAL_H_
#define UNDYING_TRIAL_H_

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "undying/score.h"

// How arms of a controlled trial are judged. docs/verdicts.md says why, and how often the judge
// errs.
namespace undying {

// How a run ended.
enum class Outcome {
  kLearned,    // with a score beyond the baseline
  kCollapsed,  // with one that is not
  kDiverged,   // its loss, gradient or score was not finite
};

// An estimate with an interval. n is the number of runs, or of pairs of runs, it rests on; lower
// and upper are NaN where n < 2.
struct Estimate {
  double mean = 0.0;
  double lower = 0.0;
  double upper = 0.0;
  int n = 0;
};

enum class Verdict {
  kHelps,
  kHurts,
  kSame,  // the interval of the difference lies within the margin
  kUndecided,
};
std::string_view name(Verdict verdict);  // "helps", "hurts", "the same", "undecided"

// Why a comparison is undecided.
enum class Doubt {
  kNone,
  kTooFew,    // fewer pairs than the first look needs
  kOpen,      // the interval holds 0 and reaches beyond the margin
  kSameRun,   // the seeds change nothing: all runs are one run
  kDiverged,  // scores say that it helps, but runs of it diverged and none of the control did
  kConflict,  // it fails less often and scores worse, or the other way round
  kPlacebo,   // better than the control, not shown to be better than the placebo
};

std::string_view name(
    Doubt doubt);  // "", "too few", "open", "same run", "diverged", "conflict", "placebo"

// How often runs did not end with a score: those of the arm beside those of what it is compared
// with.
struct Failures {
  int diverged = 0;
  int collapsed = 0;
  int runs = 0;
  int reference_diverged = 0;
  int reference_collapsed = 0;
  int reference_runs = 0;
  double p_value = 1.0;  // Fisher's exact test, one-sided, in the direction seen
  // It is small enough, but the scores do not confirm it on the held-out examples.
  bool unconfirmed = false;
  int shown = 0;  // +1: the arm is shown to fail more often, -1: less often; 0: neither

  int failed() const { return diverged + collapsed; }
  int reference_failed() const { return reference_diverged + reference_collapsed; }
};

// An arm against what it is compared with, paired by seed, over the runs that learned.
struct Comparison {
  // Arm - reference. Accuracies, F1, AUC, R2: as they are (0.01 is one point). Losses and errors:
  // change of the geometric mean, relative
  // (-0.2 is a fifth less), from differences of logarithms. The interval is simultaneous over all
  // arms and all looks of the study; n: pairs.
  Estimate difference;
  Failures failures;
  Verdict verdict = Verdict::kUndecided;
  Doubt doubt = Doubt::kTooFew;
  // The smallest within which "the same" could be said of this interval; NaN: none.
  double smallest_margin = std::numeric_limits<double>::quiet_NaN();
  int seeds_needed = 0;    // that would decide it with four chances in five, the figures staying as
                           // they are; 0: more than 100,000, or none would
  bool more_data = false;  // more seeds would not decide it, more data might
  std::string sentence;    // the verdict in words, with figures
};
inline constexpr int kMostSeeds = 1000;

// What is fixed before the first run.
struct TrialRules {
  Metric metric = Metric::kAccuracy;
  int arms = 1;          // treatments that share the chance of error
  int comparisons = 1;   // of each treatment: 2 where it is compared with control and placebo
  double margin = 0.01;  // within which a difference does not matter: scores as they are, losses
                         // and errors relative to them
  std::int64_t examples = 0;  // held out
  double overlap = 0.0;       // where every seed draws the split anew: held-out examples / training
                              // examples; 0: one split for all
  double loss_floor = 0.0;    // losses below count as this
};
double default_margin(Metric metric);  // 0.01: one point; 0.05: 5% of a loss or error

// The chance, in percent, of any false "helps" or "hurts" in a study, whenever it is stopped and
// however often it is continued.
inline constexpr double kErrorPercent = 5.0;

}  // namespace undying

#endif  // UNDYING_TRIAL_H_
