// From the runs of a study to its estimates and comparisons. Pure: the same runs give the same
// study.

#include <algorithm>
#include <cmath>
#include <limits>

#include "study/samples.h"
#include "study/tell.h"
#include "trial/judge.h"
#include "trial/statistics.h"
#include "undying/study.h"

namespace undying {
namespace {

using trial::mean_interval;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A gradient norm ratio below this is reported as this: float32 gradients that small are as good as
// none.
constexpr double kLeastRatio = 1e-30;

// Losses and errors below this share of the baseline's are as good as none: what float32 leaves of
// a difference.
constexpr double kLeastLoss = 1e-7;

// What a share cannot be is no part of its interval.
Estimate of_shares(Estimate estimate) {
  estimate.lower = std::max(estimate.lower, 0.0);
  estimate.upper = std::min(estimate.upper, 1.0);
  return estimate;
}

template <class Value>
Estimate estimate(const Arm& arm, Value value) {
  std::vector<double> values;
  for (const ArmRun& run : arm.runs) {
    if (!run.present) continue;
    const double found = value(run.run);
    if (std::isfinite(found)) values.push_back(found);
  }
  return mean_interval(values);
}

bool has_census(const Run& run) { return !run.ledger.censuses.empty(); }

// A diverged run has no census of its end.
bool has_last_census(const Run& run) {
  return has_census(run) && run.status == RunStatus::kFinished;
}

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? kNan : static_cast<double>(part) / static_cast<double>(whole);
}

double steps_to(const Run& run, double target) {
  for (const EpochRecord& epoch : run.epochs)
    if (epoch.test_accuracy >= target) return static_cast<double>(epoch.step);
  return kNan;
}

double log_gradient_ratio(const Run& run) {
  for (const CensusRecord& census : run.ledger.censuses)
    if (census.step > 0)  // 0 / 0, where the network is dead as a whole, is no ratio
      return std::isnan(census.gradient_norm_ratio)
                 ? kNan
                 : std::log10(std::max(kLeastRatio, census.gradient_norm_ratio));
  return kNan;
}

double seconds_per_step(const Run& run) {
  return run.epochs.empty() ? kNan
                            : run.train_seconds / static_cast<double>(run.epochs.back().step);
}

void count(const Study& study, Arm& arm) {
  arm.collapsed = arm.diverged = arm.missing = 0;
  for (ArmRun& run : arm.runs) {
    arm.missing += !run.present;
    if (!run.present) continue;
    run.outcome = study::outcome_of(study, run);
    arm.diverged += run.outcome == Outcome::kDiverged;
    arm.collapsed += run.outcome == Outcome::kCollapsed;
  }
}

// How finely one run's accuracy is known: the standard deviation of rounding to a step of 1 / test
// examples.
double rounding(const Study& study) {
  return study.test_examples == 0
             ? 0.0
             : 1.0 / static_cast<double>(study.test_examples) / std::sqrt(12.0);
}

Estimate mean_score(const Study& study, const Arm& arm) {
  std::vector<double> scores;
  for (const ArmRun& run : arm.runs)
    if (run.present && run.outcome == Outcome::kLearned)
      scores.push_back(study::score_of(study, run.run));
  if (is_relative(study.rules.metric))
    return trial::geometric_interval(scores, study.rules.loss_floor);
  return is_share(study.rules.metric) ? of_shares(mean_interval(scores, rounding(study)))
                                      : mean_interval(scores);
}

void count_epochs(Arm& arm) {
  arm.least_epochs = arm.most_epochs = 0;
  for (const ArmRun& run : arm.runs) {
    const std::int64_t kept = run.run.best_epoch;
    if (!run.present || kept == 0) continue;
    arm.least_epochs = arm.least_epochs == 0 ? kept : std::min(arm.least_epochs, kept);
    arm.most_epochs = std::max(arm.most_epochs, kept);
  }
}

void describe(const Study& study, Arm& arm) {
  count(study, arm);
  count_epochs(arm);
  arm.score = mean_score(study, arm);
  const auto mean_share = [&](auto part) { return of_shares(estimate(arm, part)); };
  arm.dead_share = mean_share([](const Run& run) {
    return has_last_census(run) ? share(run.ledger.dead(), run.ledger.units()) : kNan;
  });
  arm.born_dead_share = mean_share([](const Run& run) {
    return has_census(run) ? share(run.ledger.born_dead(), run.ledger.units()) : kNan;
  });
  arm.revived_share = mean_share([](const Run& run) {
    return share(run.ledger.revived(), run.ledger.died() + run.ledger.born_dead());
  });
  arm.always_negative_share = mean_share([](const Run& run) {
    return has_last_census(run) ? share(run.ledger.always_negative(), run.ledger.units()) : kNan;
  });
  arm.gradient_norm_ratio = estimate(arm, log_gradient_ratio);
  arm.seconds_per_step = estimate(arm, seconds_per_step);
}

double best_mean_accuracy(const Arm& arm) {
  return estimate(arm,
                  [](const Run& run) {
                    double best = kNan;
                    for (const EpochRecord& epoch : run.epochs)
                      best = std::fmax(best, epoch.test_accuracy);
                    return best;
                  })
      .mean;
}

double choose_target(const Study& study) {
  if (!is_of_classes(study.rules.metric)) return 0.0;
  if (study.settings.target_accuracy > 0.0) return study.settings.target_accuracy;
  const Arm& control = study.arms.front();
  double best = best_mean_accuracy(control);
  if (2 * (control.collapsed + control.diverged) >= static_cast<int>(control.runs.size()))
    for (const Arm& arm : study.arms) best = std::fmax(best, best_mean_accuracy(arm));
  return std::isfinite(best) ? 0.95 * best : 0.0;
}

void measure_target(const Study& study, Arm& arm) {
  if (study.target_accuracy <= 0.0) {
    arm.steps_to_target = mean_interval({});
    arm.reached_target = 0;
    return;
  }
  arm.steps_to_target =
      estimate(arm, [&](const Run& run) { return steps_to(run, study.target_accuracy); });
  arm.reached_target = arm.steps_to_target.n;
}

TrialRules rules_of(const Study& study) {
  TrialRules rules{.metric = study.baseline.metric, .examples = study.test_examples};
  rules.arms = static_cast<int>(std::ranges::count(study.arms, Role::kTreatment, &Arm::role));
  if (study.placebo_is_treatment) rules.comparisons = 2;
  rules.margin = study.settings.margin > 0.0 ? study.settings.margin : default_margin(rules.metric);
  if (study.redrawn)
    rules.overlap =
        static_cast<double>(study.test_examples) / static_cast<double>(study.train_examples);
  if (is_relative(rules.metric)) rules.loss_floor = study::loss_floor(study);
  return rules;
}

void compare(Study& study) {
  const trial::Sample control = study::sample_of(study, study.arms[0]);
  const trial::Sample placebo =
      study.arms.size() > 1 ? study::sample_of(study, study.arms[1]) : trial::Sample();
  const std::vector<trial::Sample> both = {control, placebo};
  const std::span<const trial::Sample> references =
      study.placebo_is_treatment ? std::span(both).first(1) : std::span(both);
  for (Arm& arm : study.arms) {
    const trial::Sample sample = study::sample_of(study, arm);
    if (trial::one_run(sample, study.rules))
      arm.score = {arm.score.mean, kNan, kNan, std::min(arm.score.n, 1)};
    if (arm.role == Role::kPlacebo)
      arm.comparison = {
          .difference = trial::difference(sample, std::span(&control, 1), study.rules),
          .doubt = Doubt::kNone};
    if (arm.role != Role::kTreatment) continue;
    arm.comparison = trial::compare(sample, references, study.rules);
    if (study.placebo_is_treatment) {
      arm.against_placebo = trial::compare(sample, std::span(&placebo, 1), study.rules);
      trial::require_both(arm.comparison, *arm.against_placebo);
    }
    // Then it is that comparison which is open.
    const bool by_placebo = arm.comparison.doubt == Doubt::kPlacebo;
    trial::look_ahead(arm.comparison, sample, by_placebo ? std::span(&placebo, 1) : references,
                      study.rules);
  }
}

}  // namespace

double study::loss_floor(const Study& study) {
  return std::max(kLeastLoss * study.baseline.score, std::numeric_limits<double>::min());
}

double study::score_of(const Study& study, const Run& run) {
  return undying::score_of(run, study.baseline.metric);
}

Outcome study::outcome_of(const Study& study, const ArmRun& run) {
  const double score = score_of(study, run.run);
  if (run.run.status == RunStatus::kDiverged || !std::isfinite(score)) return Outcome::kDiverged;
  return run.baseline.value_or(study.baseline).beaten_by(score) ? Outcome::kLearned
                                                                : Outcome::kCollapsed;
}

trial::Sample study::sample_of(const Study& study, const Arm& arm) {
  trial::Sample sample;
  for (const ArmRun& run : arm.runs) {
    if (!run.present) break;
    sample.push_back({.seed = run.seed,
                      .outcome = run.outcome,
                      .score = score_of(study, run.run),
                      .examples = run.run.examples});
    sample.back().repeats = arm.one_run && sample.size() > 1;
    if (!run.run.epochs.empty()) sample.back().training_loss = kept_epoch(run.run).train_loss;
  }
  return sample;
}

void analyse(Study& study) {
  study.rules = rules_of(study);
  study.missing = 0;
  for (Arm& arm : study.arms) {
    describe(study, arm);
    study.missing += arm.missing;
  }
  if (study.arms.empty()) return;
  study.target_accuracy = choose_target(study);
  for (Arm& arm : study.arms) measure_target(study, arm);
  compare(study);
  study::write_verdicts(study);
}

}  // namespace undying
