// A study: look by look, the runs that are missing are taken from the store or trained, one thread
// each, and judged; a look ends it, or asks for more seeds. Whatever order runs end in, what is
// judged is ordered by arm and seed.

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "base/version.h"
#include "onednn/isa.h"
#include "study/draws.h"
#include "study/plan.h"
#include "study/run_queue.h"
#include "study/store.h"
#include "study/train_arm.h"
#include "study/tune.h"
#include "trial/boundary.h"
#include "trial/judge.h"
#include "undying/error.h"

namespace undying {
namespace study {
namespace {

using Clock = std::chrono::steady_clock;

void check_part(const StudySettings& settings) {
  const auto [index, count] = settings.part;
  const auto refuse = [](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, "part", message);
  };
  if (count < 1 || index < 1 || index > count)
    refuse(fmt::format("is {} of {}; expected 1 of 1 or more", index, count));
  if (count == 1) return;
  if (settings.store.empty())
    refuse("has nowhere to go; expected a store of its own for each part");
  if (settings.seeds == 0)
    refuse("does not go with seeds that are added as needed; expected a number of seeds");
  if (tunes(settings))
    refuse("does not go with several learning rates, which are chosen from all runs; expected one");
}

void check(const StudySettings& settings, const Split& data, const std::vector<Arm>& arms) {
  check_seeds(settings);
  check_part(settings);
  if (tunes(settings) && data.stream != nullptr)
    throw Error(ErrorCode::kInvalidArgument, "learning rates",
                "are several, and a stream has no validation rows to choose on; expected one");
  if (settings.threads < 0 || settings.threads > 1024)
    throw Error(
        ErrorCode::kInvalidArgument, "threads",
        "is " + std::to_string(settings.threads) + "; expected 1..1024, or 0 for one per core");
  if (!settings.train.evaluate)
    throw Error(ErrorCode::kInvalidArgument, "evaluate", "is off; a study needs the test set");
  for (const Arm& arm : arms) {
    const Trainer trainer = begin(settings, arm, *data.train, settings.train.seed);
    trainer.check(*data.train);
    trainer.check(*data.test);
  }
  if (tunes(settings))
    for (const Arm& candidate : plan_candidates(settings, {arms.front()}))
      begin(settings, candidate, *data.train, settings.train.seed);
  learning_rate_factor(
      settings.train.schedule, 0,
      steps_of(settings.train, *data.train));  // throws on a schedule that does not fit
}

}  // namespace

Study begin_study(const StudySettings& settings, const Split& data) {
  Study study{.settings = settings, .machine = machine(), .version = kVersion};
  study.data_name = settings.data;
  study.train_examples = data.train->size;
  study.test_examples = data.test->size;
  if (settings.train.early_stop > 0) {
    const Split watched = validation_split(data, settings.train.seed);
    study.watched_examples = watched.test->size;
    study.train_examples = watched.train->size;
  }
  study.data_note = data.note;
  if (data.stream != nullptr) study.part = "online";
  if (data.stream != nullptr && data.stream->redraw) study.data_note += "; each seed draws its own";
  study.scaled = !data.train->bytes.empty() || !data.train->deviation.empty();
  study.baseline = baseline(*data.train, *data.test, settings.train);
  study.read = summarise(data);
  study.read.baseline = study.baseline.text();
  if (study.watched_examples > 0)
    study.read.remarks.push_back(
        fmt::format("every run sets {} of the {} training examples aside, drawn with its seed, and "
                    "stops early by them",
                    study.watched_examples, data.train->size));
  return study;
}

void check_seeds(const StudySettings& settings) {
  const auto refuse = [](const char* what, int found, const char* expected) {
    throw Error(ErrorCode::kInvalidArgument, what,
                fmt::format("is {}; expected {}", found, expected));
  };
  if (settings.seeds < 0 || settings.seeds > kMostSeeds)
    refuse("seeds", settings.seeds, "1..1000, or auto");
  if (settings.max_seeds < trial::kFirstLook || settings.max_seeds > kMostSeeds)
    refuse("max seeds", settings.max_seeds, "5..1000");
}

void add_runs(const StudySettings& settings, Arm& arm, int seeds) {
  while (static_cast<int>(arm.runs.size()) < seeds)
    arm.runs.push_back({.seed = settings.train.seed + arm.runs.size()});
}

namespace {

bool undecided(const Arm& arm) {
  return arm.role == Role::kTreatment && trial::wants_more(arm.comparison);
}

// The runs of the next look: control, placebo and every arm that is undecided.
void extend(Study& study, int seeds) {
  for (Arm& arm : study.arms)
    if (arm.role != Role::kTreatment || undecided(arm)) add_runs(study.settings, arm, seeds);
}

int next_seeds(const Study& study) {
  const auto now = static_cast<int>(study.arms.front().runs.size());
  return std::min(trial::next_look(now), study.settings.max_seeds);
}

// One study as it grows, look by look.
class Growth {
 public:
  Growth(Study& study, const Split& data, const Hooks& hooks, Store* store, std::stop_token stop)
      : study_(study),
        hooks_(hooks),
        store_(store),
        stop_(std::move(stop)),
        steps_(steps_of(study.settings.train, *data.train)) {}

  void run() {
    for (Arm& arm : study_.arms)
      add_runs(study_.settings, arm,
               study_.settings.seeds > 0 ? study_.settings.seeds : trial::kFirstLook);
    if (tunes(study_.settings) && !tune()) return analyse(study_);
    look();
    while (grows()) {
      extend(study_, next_seeds(study_));
      look();
    }
  }

 private:
  // Trains what is missing of a study's runs.
  void train(Study& study, const Hooks& hooks, std::int64_t steps) {
    if (hooks.planned) hooks.planned(study.arms);
    const int threads = study.settings.threads;
    RunQueue queue(study, hooks, store_, steps);
    queue.run(
        threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency())),
        stop_);
    study_.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    trained_ += queue.trained();
  }

  // Whether every arm has its learning rate now: not where it was stopped.
  bool tune() {
    const Split& rows = *hooks_.validation;
    Study tuning = begin_study(study_.settings, rows);
    tuning.arms = plan_candidates(study_.settings, study_.arms);
    const Hooks hooks{.train = hooks_.tune,
                      .baseline = hooks_.tuning_baseline,
                      .planned = hooks_.planned,
                      .progress = hooks_.progress};
    train(tuning, hooks, steps_of(study_.settings.train, *rows.train));
    for (const Arm& candidate : tuning.arms)
      if (!std::ranges::all_of(candidate.runs, &ArmRun::present)) return false;
    take_rates(study_, tuning);
    study_.validation_examples = rows.test->size;
    return true;
  }

  void look() {
    train(study_, hooks_, steps_);
    analyse(study_);
  }

  bool grows() {
    if (study_.settings.seeds > 0 || study_.missing > 0 ||
        next_seeds(study_) <= static_cast<int>(study_.arms.front().runs.size()))
      return false;
    const auto open = std::ranges::count_if(study_.arms, undecided);
    if (open == 0) return false;
    const auto runs = static_cast<double>(next_seeds(study_) -
                                          static_cast<int>(study_.arms.front().runs.size())) *
                      static_cast<double>(open + 2);
    const double expected =
        study_.seconds * (1.0 + runs / static_cast<double>(std::max<std::size_t>(1, trained_)));
    study_.out_of_budget =
        study_.settings.budget > 0.0 && trained_ > 0 && expected > study_.settings.budget;
    return !study_.out_of_budget;
  }

  Study& study_;
  const Hooks& hooks_;
  Store* store_;
  std::stop_token stop_;
  std::int64_t steps_;
  std::size_t trained_ = 0;  // in this call
  Clock::time_point start_ = Clock::now();
};

}  // namespace

void train_arms(Study& study, const Split& data, const Hooks& hooks, Store* store,
                std::stop_token stop) {
  Growth(study, data, hooks, store, std::move(stop)).run();
}

namespace {

Study run_arms(const StudySettings& settings, std::vector<Arm> arms, const Split& data,
               const Hooks& hooks, std::stop_token stop) {
  Study study = begin_study(settings, data);
  study.arms = std::move(arms);
  study.redrawn = data.stream == nullptr && redraws(settings, data);  // streams do not overlap
  check(settings, data, study.arms);
  std::optional<Store> store;
  if (!settings.store.empty()) {
    store.emplace(settings.store, fingerprint(settings, data));
    store->add_instruction_sets({std::string(onednn::instruction_set())});
  }
  train_arms(study, data, hooks, store ? &*store : nullptr, std::move(stop));
  return study;
}

}  // namespace

Study run_study_with(const StudySettings& settings, const Split& data, const Hooks& hooks,
                     std::stop_token stop) {
  return run_arms(settings, plan_arms(settings), data, hooks, std::move(stop));
}

Study run_planned(const StudySettings& settings, std::vector<Arm> arms, const Split& data,
                  const std::function<void(const std::vector<Arm>&)>& planned,
                  const std::function<void(const StudyProgress&)>& progress, std::stop_token stop) {
  Draws draws(data, redraws(settings, data));
  Hooks hooks{
      .train = train_on(settings, draws),
      .baseline = [&](std::uint64_t seed) { return draws.baseline_of(seed, settings.train); },
      .planned = planned,
      .progress = progress};
  if (!tunes(settings)) return run_arms(settings, std::move(arms), data, hooks, std::move(stop));
  // The same rows whatever --seed is: candidates of another seed may be in the store.
  const Split validation = validation_split(data, kTuningShift);
  Draws validation_draws(validation, redraws(validation));
  hooks.tune = train_on(settings, validation_draws);
  hooks.tuning_baseline = [&](std::uint64_t seed) {
    return validation_draws.baseline_of(seed, settings.train);
  };
  hooks.validation = &validation;
  return run_arms(settings, std::move(arms), data, hooks, std::move(stop));
}

}  // namespace study

Study run_study(const StudySettings& settings, const Split& data,
                const std::function<void(const std::vector<Arm>&)>& planned,
                const std::function<void(const StudyProgress&)>& progress, std::stop_token stop) {
  return study::run_planned(settings, study::plan_arms(settings), data, planned, progress,
                            std::move(stop));
}

}  // namespace undying
