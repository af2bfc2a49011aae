#include "study/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "study/samples.h"
#include "trial/statistics.h"

namespace undying::study {
namespace {

std::set<float> rates_of(const StudySettings& settings) {
  return {settings.learning_rates.begin(), settings.learning_rates.end()};
}

bool is_tuned(const Arm& arm) { return arm.role != Role::kPlacebo && arm.rates.empty(); }

}  // namespace

RateTried summarise(const Study& tuning, const Arm& candidate) {
  RateTried tried{.learning_rate = candidate.learning_rate};
  std::vector<double> scores;
  for (const ArmRun& run : candidate.runs) {
    const Outcome outcome = outcome_of(tuning, run);
    ++tried.runs;
    tried.diverged += outcome == Outcome::kDiverged;
    tried.collapsed += outcome == Outcome::kCollapsed;
    if (outcome != Outcome::kDiverged) scores.push_back(score_of(tuning, run.run));
  }
  tried.score = scores.empty() ? std::numeric_limits<double>::quiet_NaN()
                : !is_relative(tuning.baseline.metric)
                    ? trial::mean_interval(scores).mean
                    : trial::geometric_interval(scores, loss_floor(tuning)).mean;
  return tried;
}

bool tunes(const StudySettings& settings) { return rates_of(settings).size() > 1; }

std::vector<Arm> plan_candidates(const StudySettings& settings, const std::vector<Arm>& arms) {
  std::vector<Arm> candidates;
  for (const Arm& arm : arms)
    for (const float rate : rates_of(settings)) {
      if (!is_tuned(arm)) continue;
      Arm candidate{.label = fmt::format("{} at {}", arm.label, rate),
                    .activation = arm.activation,
                    .keep_alive = arm.keep_alive,
                    .role = Role::kCandidate};
      candidate.learning_rate = rate;
      candidate.stored_as = "tuning " + candidate.label;
      for (int i = 0; i < kTuningSeeds; ++i)
        candidate.runs.push_back(
            {.seed = settings.train.seed + kTuningShift + static_cast<std::uint64_t>(i)});
      candidates.push_back(std::move(candidate));
    }
  return candidates;
}

std::size_t choose_rate(std::span<const RateTried> rates, Metric metric) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < rates.size(); ++i) {
    const bool steadier = rates[i].diverged < rates[best].diverged;
    if (steadier || (rates[i].diverged == rates[best].diverged &&
                     better(metric, rates[i].score, rates[best].score)))
      best = i;
  }
  return best;
}

void take_rates(Study& study, const Study& tuning) {
  auto candidate = tuning.arms.begin();
  for (Arm& arm : study.arms) {
    if (!is_tuned(arm)) continue;
    for (std::size_t i = 0; i < rates_of(study.settings).size(); ++i)
      arm.rates.push_back(summarise(tuning, *candidate++));
    RateTried& best = arm.rates[choose_rate(arm.rates, tuning.baseline.metric)];
    best.chosen = true;
    arm.learning_rate = best.learning_rate;
  }
  for (Arm& arm : study.arms) {
    if (arm.role == Role::kPlacebo)
      arm.rates = study.arms.front().rates, arm.learning_rate = study.arms.front().learning_rate;
    arm.stored_as = fmt::format("{} at {}", arm.label, arm.learning_rate);
  }
}

}  // namespace undying::study
