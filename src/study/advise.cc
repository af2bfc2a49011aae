// A search by successive halving on validation rows, and a study of what it found on the held-out
// ones.

#include <algorithm>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "onednn/isa.h"
#include "study/run_queue.h"
#include "study/samples.h"
#include "study/store.h"
#include "study/tell.h"
#include "study/train_arm.h"
#include "study/tune.h"
#include "trial/judge.h"
#include "undying/error.h"

namespace undying {
namespace study {
namespace {

constexpr int kFirstRuns = 2;
// Above the seeds of judged runs and of those that learning rates are chosen by.
constexpr std::uint64_t kSearchShift = kTuningShift + kMostSeeds;

// Those that are left, and what became of the others.
class Search {
 public:
  Search(const StudySettings& settings, const Split& validation, Store* store, const Hooks& hooks)
      : settings_(settings),
        store_(store),
        hooks_(hooks),
        steps_(steps_of(settings.train, *validation.train)),
        rounds_(begin_study(settings, validation)) {
    std::vector<Arm> arms = plan_arms(settings);
    std::erase_if(arms, [](const Arm& arm) { return arm.role != Role::kTreatment; });
    for (Arm& arm : arms) arm.runs.clear();
    rounds_.arms = tunes(settings) ? plan_candidates(settings, arms) : std::move(arms);
    for (Arm& arm : rounds_.arms) {
      arm.role = Role::kCandidate;
      arm.stored_as = "search " + arm.label;
      arm.runs.clear();
    }
    rounds_.rules = {.metric = rounds_.baseline.metric,
                     .examples = validation.test->size,
                     .loss_floor = loss_floor(rounds_)};
  }

  // Whether one is left: not where it was stopped.
  bool run(const std::stop_token& stop) {
    if (rounds_.arms.size() < 2) return true;
    for (int runs = kFirstRuns; rounds_.arms.size() > 1; runs *= 2) {
      if (!round(runs, stop)) return false;
      halve();
    }
    return true;
  }

  // The best first; where it was stopped, as they stand.
  std::vector<Tried> take() {
    out_.insert(out_.begin(), rounds_.arms.begin(), rounds_.arms.end());
    const trial::Sample best = sample_of(rounds_, out_.front());
    std::vector<Tried> tried;
    for (const Arm& arm : out_) {
      Tried& made = tried.emplace_back(Tried{arm.label, arm.activation, summarise(rounds_, arm)});
      if (tried.size() > 1)
        made.difference =
            trial::difference(sample_of(rounds_, arm), std::span(&best, 1), rounds_.rules);
      made.figures.chosen = tried.size() == 1;
      made.figures.learning_rate = arm.learning_rate;
    }
    return tried;
  }

 private:
  bool round(int runs, const std::stop_token& stop) {
    for (Arm& arm : rounds_.arms)
      while (static_cast<int>(arm.runs.size()) < runs)
        arm.runs.push_back({.seed = settings_.train.seed + kSearchShift + arm.runs.size()});
    if (hooks_.planned) hooks_.planned(rounds_.arms);
    const int threads = settings_.threads > 0
                            ? settings_.threads
                            : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    RunQueue(rounds_, hooks_, store_, steps_).run(threads, stop);
    bool whole = true;
    for (Arm& arm : rounds_.arms)
      for (ArmRun& run : arm.runs) {
        whole = whole && run.present;
        if (run.present) run.outcome = outcome_of(rounds_, run);
      }
    return whole;
  }

  // The better half stays: of the others, the last to leave is the first in `out_`.
  void halve() {
    const auto before = [this](const Arm& a, const Arm& b) {
      const RateTried x = summarise(rounds_, a);
      const RateTried y = summarise(rounds_, b);
      return x.diverged != y.diverged ? x.diverged < y.diverged
                                      : better(rounds_.rules.metric, x.score, y.score);
    };
    std::ranges::stable_sort(rounds_.arms, before);
    const auto rest = rounds_.arms.begin() + (std::ssize(rounds_.arms) + 1) / 2;
    out_.insert(out_.begin(), rest, rounds_.arms.end());
    rounds_.arms.erase(rest, rounds_.arms.end());
  }

  const StudySettings& settings_;
  Store* store_;
  const Hooks& hooks_;
  std::int64_t steps_;
  Study rounds_;          // whose arms are those that are left
  std::vector<Arm> out_;  // the best first
};

void check(const StudySettings& settings, const Split& data) {
  const auto refuse = [](const char* what, const char* message) {
    throw Error(ErrorCode::kInvalidArgument, what, message);
  };
  if (data.stream != nullptr)
    refuse("data",
           "is a stream, which has no validation rows to search on; compare judges arms on it");
  if (!settings.part.whole()) refuse("part", "does not go with a search, which needs all its runs");
  if (!settings.keep_alive.empty()) refuse("keep alive", "does not go with advise; see compare");
  const Activation relu("relu");
  if (std::ranges::none_of(settings.activations, [&](const Activation& a) { return !(a == relu); }))
    refuse("activations", "name nothing to use in the place of relu");
}

// What is judged: the one that was chosen, at the learning rate with which it was.
std::vector<Arm> arms_of(const StudySettings& chosen, std::span<const Tried> tried) {
  std::vector<Arm> arms = plan_arms(chosen);
  if (!tunes(chosen)) return arms;
  Arm& treatment = arms.back();
  for (const Tried& each : tried)
    if (each.activation == treatment.activation) treatment.rates.push_back(each.figures);
  std::ranges::sort(treatment.rates, {}, &RateTried::learning_rate);
  treatment.learning_rate = tried.front().figures.learning_rate;
  return arms;
}

}  // namespace
}  // namespace study

std::vector<Activation> advised_slopes() {
  std::vector<Activation> slopes;
  for (const char* slope : {"0.01", "0.03", "0.1", "0.2", "0.3", "0.5", "0.7", "0.9"})
    slopes.emplace_back(std::string("leaky_relu:") + slope);
  return slopes;
}

Study advise(const StudySettings& settings, const Split& data,
             const std::function<void(const std::vector<Arm>&)>& planned,
             const std::function<void(const StudyProgress&)>& progress, std::stop_token stop) {
  study::check(settings, data);
  // In another draw the rows that the search is scored on would be held out.
  Split split = data;
  split.given = true;
  const Split validation = validation_split(data, study::kTuningShift);
  study::Draws rows(validation, false);
  const study::Hooks hooks{
      .train = study::train_on(settings, rows), .planned = planned, .progress = progress};
  std::vector<Tried> tried;
  {
    std::optional<study::Store> store;
    if (!settings.store.empty()) {
      store.emplace(settings.store, study::fingerprint(settings, split));
      store->add_instruction_sets({std::string(onednn::instruction_set())});
    }
    study::Search search(settings, validation, store ? &*store : nullptr, hooks);
    if (!search.run(stop)) {
      std::stop_source stopped;  // nothing is left to do but to say what is missing
      stopped.request_stop();
      stop = stopped.get_token();
    }
    tried = search.take();
  }
  StudySettings chosen = settings;
  chosen.activations = {tried.front().activation};
  Study study = study::run_planned(chosen, study::arms_of(chosen, tried), split, planned, progress,
                                   std::move(stop));
  study.search = std::move(tried);
  study.search_examples = validation.test->size;
  study::write_verdicts(study);
  return study;
}

}  // namespace undying
