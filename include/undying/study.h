#ifndef UNDYING_STUDY_H_
#define UNDYING_STUDY_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "undying/evaluation.h"
#include "undying/trainer.h"
#include "undying/trial.h"

namespace undying {

// A share of a study's runs, which a process of its own trains into a store of its own: of all
// runs, in the order of seeds and then of arms, every count-th from the index-th on.
struct StudyPart {
  int index = 1;  // 1..count
  int count = 1;

  bool whole() const { return count == 1; }
  std::size_t of(std::size_t runs) const;  // how many of so many are this part's
};

// What an arm is, beside the settings of the whole study.
struct ArmPlan {
  Activation activation = "relu";
  KeepAlive keep_alive = {};
  bool layer_norm = false;  // its model has them, as ModelOptions says
};

struct StudySettings {
  std::string data = "fashion-mnist";  // as given to open_dataset, for the record and the report
  std::string model = "mlp:16x30";     // as given to build_model
  ModelOptions model_options;          // its activation is replaced by each arm's
  // In place of the model that `model` names: its hidden activations become each arm's.
  std::optional<Graph> network = {};
  std::vector<Tensor> initial = {};  // set in place of what is drawn
  std::vector<Activation>
      activations;  // the arms; control (relu) and placebo are added where missing
  // Remedies inside training: each activation with each of them; none beside them where it is among
  // them. Empty: none.
  std::vector<KeepAlive> keep_alive = {};
  std::vector<ArmPlan> further = {};  // arms beside these
  int seeds = 0;  // runs per arm, seeds train.seed, train.seed + 1, ...; 0: 5, and more while an
                  // arm is undecided
  int max_seeds = 20;  // where seeds is 0
  // Seconds of wall clock, beyond which no seeds are added where seeds is 0; 0: no limit.
  double budget = 0.0;
  double margin = 0.0;  // differences within it are "the same": a share, or relative to the loss;
                        // 0: default_margin()
  TrainSettings train;  // threads and shards are 1 in every run
  std::vector<float> learning_rates;  // more than one: each arm gets the best of its own, chosen on
                                      // validation rows; else train.optimizer's
  int threads = 0;                    // runs at a time; 0: one per core
  double target_accuracy = 0.0;  // for steps-to-target; 0: 95% of the control's best mean accuracy,
                                 // or of the best arm's if the control mostly failed
  std::filesystem::path
      store;  // SQLite file to keep finished runs in and to resume from; empty: none
  StudyPart
      part;  // trained by this process; needs a store, a number of seeds, and one learning rate
};

enum class Role {
  kControl,
  kPlacebo,
  kTreatment,
  kCandidate,  // an arm at one of the learning rates that are tried for it; never judged
};

// A learning rate that was tried for an arm, in runs from seeds of their own, scored on validation
// rows. The one with the fewest diverged runs is taken; of those the one with the best score; of
// those the lowest.
struct RateTried {
  float learning_rate = 0.0f;
  int runs = 0;
  int diverged = 0;
  // Did not beat the baseline of the validation rows; they have a score all the same.
  int collapsed = 0;
  // Over the runs that did not diverge: the mean, of losses the geometric one; NaN: none.
  double score = 0.0;
  bool chosen = false;
};

// What advise() tried in the place of relu, on validation rows.
struct Tried {
  std::string label;  // "leaky_relu:0.1", "leaky_relu:0.1 at 0.03"
  Activation activation;
  RateTried figures;
  // It less the chosen, over the common seeds of which both learned, with a 95% interval of its
  // own; of the chosen: nothing.
  Estimate difference = {};
};

// One finished (or missing) run of an arm, as kept in the store.
struct ArmRun {
  std::uint64_t seed = 0;
  bool present = false;                   // false: not run, because the study was interrupted
  Run run;                                // steps are thinned to at most 500 for curves
  Outcome outcome = Outcome::kLearned;    // against `baseline`
  std::optional<Baseline> baseline = {};  // of its own split; empty: the study's
};

struct Arm {
  // "leaky_relu:0.01", "relu + cbp", "relu + layer norm", "relu (control)", "relu (placebo)"
  std::string label;
  Activation activation;
  KeepAlive keep_alive = {};
  bool layer_norm = false;  // where others have none
  Role role = Role::kTreatment;
  float learning_rate = 0.0f;    // of its runs
  std::vector<RateTried> rates;  // ascending; empty: it was not tuned
  std::string stored_as;         // in the store
  std::vector<ArmRun> runs;      // one per seed, in order; arms decided early have fewer
  // Nothing in them depends on the seed but the order of sums: all runs are one run.
  bool one_run = false;
  Estimate score;  // mean over the runs that learned, of losses and errors the geometric one; 95%
                   // interval by Student's t
  int collapsed = 0;
  int diverged = 0;
  int missing = 0;
  // After which finished runs kept their weights, where they stop early.
  std::int64_t least_epochs = 0;
  std::int64_t most_epochs = 0;
  Estimate steps_to_target;  // over the runs that reached it
  int reached_target = 0;
  Estimate dead_share;  // of units at the end, over runs
  Estimate born_dead_share;
  Estimate revived_share;  // revivals / deaths (born dead included), over runs with deaths
  Estimate always_negative_share;
  Estimate gradient_norm_ratio;  // log10(norm of first layer's / last layer's weight gradient), at
                                 // the first census after training began
  Estimate seconds_per_step;
  // Of treatments, against the mean of control and placebo where both are draws of the same thing,
  // else against the control alone. Of the placebo, its difference from the control with a 95%
  // interval, and no verdict.
  Comparison comparison;
  // Of treatments, where the placebo is a treatment of its own.
  std::optional<Comparison> against_placebo = {};
};

struct Study {
  StudySettings settings;
  std::string command;  // that repeats it
  std::string machine;  // CPU, cores
  std::string version;
  std::string data_name;  // "fashion-mnist", n of train and test
  std::int64_t train_examples = 0;
  std::int64_t test_examples = 0;
  std::string data_note;  // from Split::note
  // Of the data, on which runs are scored: "validation" in a trial of remedies.
  std::string part = "test";
  std::int64_t watched_examples = 0;  // cut off the training ones in every run, for early stopping;
                                      // not counted in train_examples
  std::int64_t validation_examples = 0;  // on which learning rates were chosen; 0: none were
  bool scaled = false;                   // inputs are images, or standardised
  bool redrawn = false;                  // every seed draws the split anew
  bool placebo_is_treatment = false;     // rather than another draw of the control
  DataSummary read;                      // the data as it was read
  std::vector<Tried> search;  // of advise(): the chosen first, then as they fell out; else empty
  std::int64_t search_examples = 0;  // validation rows that it was scored on
  double target_accuracy = 0.0;
  Baseline baseline;                 // of the split as it was given
  TrialRules rules;                  // by which arms are judged
  std::vector<Arm> arms;             // control first, placebo second, then as given
  std::vector<std::string> verdict;  // paragraphs in plain words, the most important first
  double seconds = 0.0;              // wall clock, training of this call
  int missing = 0;                   // runs not done
  bool out_of_budget = false;        // seeds would have been added
};

// Live progress; called from worker threads, one call at a time.
struct StudyProgress {
  std::size_t arm = 0;
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  std::int64_t steps = 0;  // of this run
  double loss = 0.0;
  bool finished = false;           // this run ended with this call
  const ArmRun* result = nullptr;  // when finished
};

// Runs all arms x seeds, one core each, and analyses them. Finished runs survive a stop request
// (and a kill, with a store). An arm with the control's activation is not run twice. Where seeds
// are added as needed, `planned` is called again each time, with the arms as they stand; where
// learning rates are tuned, it is called first with the candidates. A split that was drawn, with
// few examples held out, is drawn anew for every seed, unless rates are tuned: the rows they are
// chosen on would be held out in other draws. Throws Error before the first run on anything that
// cannot work.
Study run_study(const StudySettings& settings, const Split& data,
                const std::function<void(const std::vector<Arm>&)>& planned = {},
                const std::function<void(const StudyProgress&)>& progress = {},
                std::stop_token stop = {});

// Slopes from .01 to .9, of leaky_relu.
std::vector<Activation> advised_slopes();

// What to use in the place of relu: finds the best of settings.activations (at the best of its
// learning rates) on validation rows cut off the training part, by successive halving, and then
// runs the study of that one against relu on the held-out examples, from seeds that the search has
// not seen; its first paragraph is the advice. 2 runs of each are made, twice as many of the better
// half, and so on. All in one split, also where run_study() would draw anew. With a store finished
// runs of both parts are kept. Throws Error like run_study(), on a stream, a part, or remedies.
Study advise(const StudySettings& settings, const Split& data,
             const std::function<void(const std::vector<Arm>&)>& planned = {},
             const std::function<void(const StudyProgress&)>& progress = {},
             std::stop_token stop = {});

// What merge_stores() found.
struct MergedStores {
  std::int64_t added = 0;                    // runs that were not there
  std::map<std::string, std::int64_t> runs;  // by arm, all there are now
  std::vector<std::set<std::string>>
      instruction_sets;  // of each part; the bits of runs are equal where these are
};

// Brings the runs of several stores of one study together in one, which is made where it does not
// exist; run_study() with that store then analyses them. A run that is there already stays. Nothing
// is written unless all parts can be read. Throws Error: kNotFound, kIo, kBadData (not a store),
// kInvalidArgument (another study, naming what differs).
MergedStores merge_stores(std::span<const std::filesystem::path> parts,
                          const std::filesystem::path& into);

// Fills every estimate, comparison and verdict from the arms' runs. Pure: the same runs give the
// same study.
void analyse(Study& study);

}  // namespace undying

#endif  // UNDYING_STUDY_H_
