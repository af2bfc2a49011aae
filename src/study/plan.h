#ifndef UNDYING_STUDY_PLAN_H_
#define UNDYING_STUDY_PLAN_H_

#include <functional>
#include <string>
#include <vector>

#include "undying/study.h"

// What a study is made of before it runs: its arms, the settings of each run, and the fingerprint
// by which a store knows the study it belongs to (equal fingerprint: equal runs, bit for bit).
namespace undying::study {

class Store;

// The arms of a study: control, placebo, then the activations in the order given, each once.
std::vector<Arm> plan_arms(const StudySettings& settings);

// The settings of one run: single-threaded, its own seed; the placebo's initial draw is that of
// seed + kPlaceboShift, its data order the control's.
inline constexpr std::uint64_t kPlaceboShift = 1'000'003;
TrainSettings run_settings(const StudySettings& settings, const Arm& arm, std::uint64_t seed);

// All that determines the runs of a study, as lines "name: value": data (with a checksum), model,
// training settings, version. Not among them: which arms and how many seeds, so that a study can be
// extended.
std::string fingerprint(const StudySettings& settings, const Split& data);

// "CPU model, N cores"
std::string machine();

// What a study does to the world. train() is the seam for tests; baseline() (may be empty: the
// study's) belongs to the split of a seed; planned() hears the arms before the first run, and again
// whenever seeds are added.
using TrainArm =
    std::function<Run(const Arm&, std::uint64_t seed, const Observer&, std::stop_token)>;
struct Hooks {
  TrainArm train;
  std::function<Baseline(std::uint64_t seed)> baseline = {};
  TrainArm tune = {};  // the same of a candidate, scored on validation rows
  std::function<Baseline(std::uint64_t seed)> tuning_baseline = {};
  const Split* validation = nullptr;  // training rows and validation rows of candidates, as first
                                      // drawn; needed where rates are tuned
  std::function<void(const std::vector<Arm>&)> planned = {};
  std::function<void(const StudyProgress&)> progress = {};
};

// All of a study but its arms: where it runs, on what.
Study begin_study(const StudySettings& settings, const Split& data);

// Throws Error{kInvalidArgument} where seeds or max_seeds cannot be.
void check_seeds(const StudySettings& settings);

// As many runs as `seeds`, at least.
void add_runs(const StudySettings& settings, Arm& arm, int seeds);

// Trains the runs of study.arms that are not in the store (null: none), as many at a time as its
// settings say, and analyses them; adds seeds where the settings leave that to the verdicts.
// Chooses the learning rates first, where the settings ask for that.
void train_arms(Study& study, const Split& data, const Hooks& hooks, Store* store,
                std::stop_token stop);

// run_study() with the training injected.
Study run_study_with(const StudySettings& settings, const Split& data, const Hooks& hooks,
                     std::stop_token stop);

// run_study() of these arms, plan_arms() of the settings; those that have rates are not tuned.
Study run_planned(const StudySettings& settings, std::vector<Arm> arms, const Split& data,
                  const std::function<void(const std::vector<Arm>&)>& planned,
                  const std::function<void(const StudyProgress&)>& progress, std::stop_token stop);

}  // namespace undying::study

#endif  // UNDYING_STUDY_PLAN_H_
