#ifndef UNDYING_STUDY_H_
#define UNDYING_STUDY_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "undying/trainer.h"

namespace undying {

struct StudySettings {
  std::string data = "fashion-mnist";   // as given to open_dataset, for the record and the report
  std::string model = "mlp:16x30";      // as given to build_model
  ModelOptions model_options;           // its activation is replaced by each arm's
  std::vector<Activation> activations;  // the arms; control (relu) and placebo are added where missing
  int seeds = 5;                        // runs per arm, seeds settings.seed, settings.seed + 1, ...
  TrainSettings train;                  // threads and shards are 1 in every run
  int threads = 0;                      // runs at a time; 0: one per core
  double target_accuracy =
      0.0;  // for steps-to-target; 0: 95% of the control's best mean accuracy, or of the best arm's if the control collapsed
  std::filesystem::path store;  // SQLite file to keep finished runs in and to resume from; empty: none
};

enum class Role { kControl, kPlacebo, kTreatment };

// One finished (or missing) run of an arm, as kept in the store.
struct ArmRun {
  std::uint64_t seed = 0;
  bool present = false;  // false: not run, because the study was interrupted
  Run run;               // steps are thinned to at most 500 for curves
  bool collapsed =
      false;  // finished, but no better than always naming the most frequent class: accuracy <= its share s + 0.2 min(s, 1 - s)
};

// An estimate with its 95% interval. n is the number of runs it rests on; lower and upper are NaN when n < 2.
struct Estimate {
  double mean = 0.0;
  double lower = 0.0;
  double upper = 0.0;
  int n = 0;
};

enum class Verdict { kHelps, kNoDifference, kHurts, kTooFew };
std::string_view name(Verdict verdict);  // "helps", "no difference shown", "hurts", "too few runs"

// An arm against the control, paired by seed.
struct Comparison {
  Estimate accuracy;                   // arm - control, in shares (0.01 = one point), 95% t interval, not adjusted
  double p_value = 1.0;                // two-sided paired t test
  double p_adjusted = 1.0;             // Holm over all arms but the control
  Verdict verdict = Verdict::kTooFew;  // from p_adjusted < 0.05 and the sign
  std::string sentence;                // the verdict in words, with figures
};

struct Arm {
  std::string label;  // "leaky_relu:0.01", "relu (control)", "relu (placebo)"
  Activation activation;
  Role role = Role::kTreatment;
  std::vector<ArmRun> runs;  // one per seed, in order
  Estimate accuracy;         // test accuracy over finished runs; a diverged run counts with the accuracy of chance
  int collapsed = 0;
  int diverged = 0;
  int missing = 0;
  Estimate steps_to_target;  // over the runs that reached it
  int reached_target = 0;
  Estimate dead_share;  // of units at the end, over runs
  Estimate born_dead_share;
  Estimate revived_share;  // revivals / deaths (born dead included), over runs with deaths
  Estimate always_negative_share;
  Estimate gradient_norm_ratio;  // log10(norm of first layer's / last layer's weight gradient), at the first census after training began
  Estimate seconds_per_step;
  Comparison comparison;  // not set for the control
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
  double target_accuracy = 0.0;
  double chance = 0.0;               // share of the most frequent class in the test set
  std::vector<Arm> arms;             // control first, placebo second, then as given
  std::vector<std::string> verdict;  // paragraphs in plain words, the most important first
  double seconds = 0.0;              // wall clock, training of this call
  int missing = 0;                   // runs not done
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

// Runs all arms x seeds, one core each, and analyses them. Finished runs survive a stop request (and a kill, with a store). An arm
// with the control's activation is not run twice. Throws Error before the first run on anything that cannot work.
Study run_study(const StudySettings& settings, const Split& data, const std::function<void(const std::vector<Arm>&)>& planned = {},
                const std::function<void(const StudyProgress&)>& progress = {}, std::stop_token stop = {});

// Fills every estimate, comparison and verdict from the arms' runs. Pure: the same runs give the same study.
void analyse(Study& study);

}  // namespace undying

#endif  // UNDYING_STUDY_H_
