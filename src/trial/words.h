#ifndef UNDYING_TRIAL_WORDS_H_
#define UNDYING_TRIAL_WORDS_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "undying/trial.h"

// Every sentence in which a trial speaks, made here and nowhere else, each from a value that holds
// its subject, its verdict and its figures. They all stand in words.golden.
namespace undying::trial {

// Whose comparison it is: "leaky_relu:0.1", against "relu", on "fashion-mnist" with "mlp:16x30"
// (both empty: it goes without saying).
struct Subject {
  std::string arm;
  std::string reference;
  std::string data;
  std::string model;
};

// "+19.8 points (+7.1 to +32.6, 8 pairs)"; "-16.9% loss (-25.1% to -8.0%, 8 pairs)"
std::string difference_text(const Estimate& difference, Metric metric);
// "68.62% (59.10 to 78.10, n = 5)"; "loss 0.1234 (0.1 to 0.2, n = 5)"
std::string score_text(const Estimate& score, Metric metric);
std::string margin_text(double margin, Metric metric);  // "1 point", "5% of the loss"
std::string p_text(double p);                           // "p = 0.012", "p < 0.0001"

std::string comparison_sentence(const Subject& subject, const Comparison& comparison,
                                const TrialRules& rules);

// An arm beside its comparison.
struct Judged {
  std::string arm;
  const Comparison* comparison = nullptr;
};
// What helps, hurts, is the same, is undecided, in one paragraph; arms with nothing to compare say
// so.
std::string headline(const Subject& where, std::span<const Judged> arms, const TrialRules& rules);
// What each undecided arm wants; empty where none is.
std::string open_text(const Subject& where, std::span<const Judged> arms, const TrialRules& rules);
// The chance of error that the verdicts keep.
std::string error_text(const TrialRules& rules);

// How the runs of one arm ended.
struct Ended {
  std::string arm;
  int runs = 0;  // that were done
  int diverged = 0;
  int collapsed = 0;
};
struct Course {
  std::vector<Ended> arms;  // the control first
  std::string baseline;     // "10.0% (always naming class 7)"
  std::int64_t steps = 0;   // of the longest finished run
  bool limited_by_steps = false;
  double learning_rate = 0.0;  // of the control
  bool tuned = false;          // that is the best of those tried
  bool values = false;         // are predicted, not classes
  bool scaled = false;         // inputs are standardised, or images
  bool imbalanced = false;  // the baseline is the share of a class that has far more than its share
  bool weighed = false;     // classes count alike in training already
  // From the last epoch but one to the last, a mean over the runs that learned, as differences are:
  // NaN where it is none to speak of.
  double improvement = std::numeric_limits<double>::quiet_NaN();
  Metric metric = Metric::kAccuracy;
};
// Where the control mostly diverged or learned nothing: what that means for everything else, and
// the way out; else empty.
std::string control_text(const Course& course);
// What to do where accuracy hides the rarer classes.
std::string imbalance_text(bool weighed);
std::string budget_text(int seeds);  // of a study that stopped there
// Which arms diverged, which did not learn, whether the runs were short.
std::vector<std::string> trouble(const Course& course);

std::string missing_text(std::size_t missing, std::size_t runs, const std::string& consequence);

// The placebo of a comparison of activations: another draw of the control.
std::string placebo_text(const Estimate& difference, Metric metric);

// What learning rates the arms were given, where each got its own.
struct Tuned {
  std::string arm;
  float learning_rate = 0.0f;
};
struct Tuning {
  std::vector<Tuned> arms;    // the control first; without the placebo, which has its rate
  std::vector<float> rates;   // that were tried, ascending
  int runs = 0;               // of an arm at a rate
  std::int64_t examples = 0;  // of the validation rows
  bool searched = false;      // the last arm's came out of the search that chose it
};
std::string tuning_text(const Tuning& tuning, Metric metric);
// Whose best rate is the lowest or the highest that was tried, and a longer list; empty where none
// is.
std::string edge_text(const Tuning& tuning);

// What an advice rests on: the best of several in the place of relu, found on validation rows.
struct Searched {
  std::string chosen;
  int tried = 0;
  int least_runs = 0;                   // of each
  int most_runs = 0;                    // of those that came last
  std::int64_t examples = 0;            // of the validation rows
  std::vector<std::string> alike;       // not told apart from the chosen
  std::optional<std::string_view> end;  // "smallest", "largest": the chosen, of the slopes tried
  std::vector<float> rates;             // learning rates, ascending
  bool scored = true;                   // some run of the chosen did not diverge
  std::optional<float> slope = {};      // of the chosen, where it is a leaky_relu
};
std::string advice_text(const Subject& subject, const Comparison& comparison,
                        const TrialRules& rules);
std::string search_text(const Searched& search, Metric metric);  // empty for one that was tried
std::string linear_text(const Searched& search);  // empty where its units are bent enough
std::string unknown_text(const Searched& search);

// What seeds and held-out examples can tell here: one example's worth, splits drawn anew.
std::string held_out_text(const TrialRules& rules);

// Dead neurons of the control, and whether they mattered.
struct Dead {
  double share = 0.0;
  double born = 0.0;
  std::int64_t units = 0;
  std::int64_t examples = 0;
  std::string data;
  int runs = 0;
  std::string hardest_layer;  // hit; empty: none stands out
  std::int64_t hardest_units = 0;
  double hardest_share = 0.0;
  double hardest_most = 0.0;  // in one run
  bool differences = false;   // some arm helps or hurts
  bool few = false;           // too few, in every layer of every run, to explain a difference
  int undying_judged = 0;     // arms whose units cannot die that have a verdict
  int undying_open = 0;       // and those that have none
  bool undying_helps = false;
  // Of dead share and score over the runs of control and placebo; NaN: not defined.
  double correlation = 0.0;
  double correlation_p = 1.0;
  int correlation_runs = 0;
};
std::string dead_text(const Dead& dead, Metric metric);

// A trial of remedies on a given network.
struct Remedied {
  std::string remedy;  // that is chosen; empty: none
  std::string data;
  int tried = 0;
  Estimate control;  // scores on the validation rows
  Estimate placebo;
  Estimate chosen;
  Estimate against_control;  // there
  Estimate against_placebo;
  Estimate held_out;  // chosen - control, on rows that no choice has seen
  std::int64_t held_out_examples = 0;
  bool open = false;  // some remedy is undecided
};
std::string remedy_outcome(const Remedied& found, const TrialRules& rules);
std::string held_out_outcome(const Remedied& found, const TrialRules& rules);
// The network as it came and as it is handed back.
struct Patient {
  double score = 0.0;  // on the held-out examples
  std::int64_t dead = 0;
  std::int64_t locked = 0;
  std::int64_t units = 0;
  std::string data;
  std::int64_t examples = 0;  // of it
};
std::string before_text(const Patient& patient, Metric metric);
std::string after_text(const Patient& patient, std::uint64_t seed, Metric metric);
std::string others_text(std::span<const std::string> remedies);  // that help too
std::string second_control_text();                               // a placebo that could do nothing
std::string not_finite_text(const std::string& remedy);
// Interrupted after the last run.
std::string unfinished_text(const std::string& best);
// Why a remedy with a lower mean was taken.
std::string preferred_text(const std::string& best, const Estimate& score, const std::string& taken,
                           double taken_dead, double best_dead, Metric metric);

}  // namespace undying::trial

#endif  // UNDYING_TRIAL_WORDS_H_
