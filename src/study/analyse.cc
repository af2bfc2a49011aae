// From the runs of a study to its estimates and comparisons. Pure: the same runs give the same study.

#include <algorithm>
#include <cmath>
#include <limits>

#include "study/scores.h"
#include "study/statistics.h"
#include "study/verdict.h"
#include "undying/study.h"

namespace undying {
namespace {

using study::mean_interval;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A gradient norm ratio below this is reported as this: float32 gradients that small are as good as none.
constexpr double kLeastRatio = 1e-30;

bool is_regression(const Study& study) { return study.chance == 0.0; }

// Test accuracy, or test loss for regression.
double raw_score(const Study& study, const Run& run) { return is_regression(study) ? run.test_loss : run.test_accuracy; }

bool diverged(const Study& study, const ArmRun& run) {
  return run.present && (run.run.status == RunStatus::kDiverged || !std::isfinite(raw_score(study, run.run)));
}

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
bool has_last_census(const Run& run) { return has_census(run) && run.status == RunStatus::kFinished; }

double share(std::int64_t part, std::int64_t whole) { return whole == 0 ? kNan : static_cast<double>(part) / static_cast<double>(whole); }

double steps_to(const Run& run, double target) {
  for (const EpochRecord& epoch : run.epochs)
    if (epoch.test_accuracy >= target) return static_cast<double>(epoch.step);
  return kNan;
}

double log_gradient_ratio(const Run& run) {
  for (const CensusRecord& census : run.ledger.censuses)
    if (census.step > 0)  // 0 / 0, where the network is dead as a whole, is no ratio
      return std::isnan(census.gradient_norm_ratio) ? kNan : std::log10(std::max(kLeastRatio, census.gradient_norm_ratio));
  return kNan;
}

double seconds_per_step(const Run& run) {
  return run.epochs.empty() ? kNan : run.train_seconds / static_cast<double>(run.epochs.back().step);
}

void count(const Study& study, Arm& arm) {
  arm.collapsed = arm.diverged = arm.missing = 0;
  for (ArmRun& run : arm.runs) {
    arm.missing += !run.present;
    arm.diverged += diverged(study, run);
    run.collapsed = run.present && !diverged(study, run) && !is_regression(study) && run.run.test_accuracy <= study::collapse_bound(study);
    arm.collapsed += run.collapsed;
  }
}

void describe(const Study& study, Arm& arm) {
  count(study, arm);
  std::vector<double> scores;
  for (const auto& [seed, score] : study::scores_by_seed(study, arm)) scores.push_back(score);
  arm.accuracy = mean_interval(scores, study::score_deviation(study));
  if (!is_regression(study)) arm.accuracy = of_shares(arm.accuracy);
  const auto mean_share = [&](auto part) { return of_shares(estimate(arm, part)); };
  arm.dead_share = mean_share([](const Run& run) { return has_last_census(run) ? share(run.ledger.dead(), run.ledger.units()) : kNan; });
  arm.born_dead_share =
      mean_share([](const Run& run) { return has_census(run) ? share(run.ledger.born_dead(), run.ledger.units()) : kNan; });
  arm.revived_share = mean_share([](const Run& run) { return share(run.ledger.revived(), run.ledger.died() + run.ledger.born_dead()); });
  arm.always_negative_share =
      mean_share([](const Run& run) { return has_last_census(run) ? share(run.ledger.always_negative(), run.ledger.units()) : kNan; });
  arm.gradient_norm_ratio = estimate(arm, log_gradient_ratio);
  arm.seconds_per_step = estimate(arm, seconds_per_step);
}

double best_mean_accuracy(const Arm& arm) {
  return estimate(arm,
                  [](const Run& run) {
                    double best = kNan;
                    for (const EpochRecord& epoch : run.epochs) best = std::fmax(best, epoch.test_accuracy);
                    return best;
                  })
      .mean;
}

double choose_target(const Study& study) {
  if (is_regression(study)) return 0.0;
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
  arm.steps_to_target = estimate(arm, [&](const Run& run) { return steps_to(run, study.target_accuracy); });
  arm.reached_target = arm.steps_to_target.n;
}

Verdict judge(const Study& study, const Comparison& comparison) {
  if (comparison.accuracy.n < 2) return Verdict::kTooFew;
  if (comparison.p_adjusted >= 0.05) return Verdict::kNoDifference;
  return (comparison.accuracy.mean > 0.0) != is_regression(study) ? Verdict::kHelps : Verdict::kHurts;
}

void compare(Study& study) {
  std::vector<double> p_values;
  for (std::size_t i = 1; i < study.arms.size(); ++i) {
    const study::Paired paired = study::paired(study, study.arms[i], study.arms.front());
    Comparison& comparison = study.arms[i].comparison;
    comparison.accuracy = paired.difference;
    comparison.p_value = paired.p_value;
    p_values.push_back(comparison.p_value);
  }
  const auto adjusted = study::holm(p_values);
  for (std::size_t i = 1; i < study.arms.size(); ++i) {
    study.arms[i].comparison.p_adjusted = adjusted[i - 1];
    study.arms[i].comparison.verdict = judge(study, study.arms[i].comparison);
  }
}

}  // namespace

double study::collapse_bound(const Study& study) { return study.chance + 0.2 * std::min(study.chance, 1.0 - study.chance); }

double study::score_when_diverged(const Study& study) {
  if (!is_regression(study)) return study.chance;
  double worst = kNan;
  for (const Arm& arm : study.arms)
    for (const ArmRun& run : arm.runs)
      if (run.present && !diverged(study, run)) worst = std::fmax(worst, run.run.test_loss);
  return worst;
}

std::map<std::uint64_t, double> study::scores_by_seed(const Study& study, const Arm& arm) {
  std::map<std::uint64_t, double> scores;
  for (const ArmRun& run : arm.runs) {
    if (!run.present) continue;
    const double score = diverged(study, run) ? score_when_diverged(study) : raw_score(study, run.run);
    if (std::isfinite(score)) scores[run.seed] = score;
  }
  return scores;
}

double study::score_deviation(const Study& study) {
  if (is_regression(study) || study.test_examples == 0) return 0.0;
  return 1.0 / static_cast<double>(study.test_examples) / std::sqrt(12.0);
}

study::Paired study::paired(const Study& study, const Arm& arm, const Arm& other) {
  const auto base = scores_by_seed(study, other);
  std::vector<double> values;
  for (const auto& [seed, score] : scores_by_seed(study, arm))
    if (const auto paired = base.find(seed); paired != base.end()) values.push_back(score - paired->second);
  const double least = std::sqrt(2.0) * score_deviation(study);
  return {mean_interval(values, least), paired_p_value(values, least)};
}

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHelps:
      return "helps";
    case Verdict::kNoDifference:
      return "no difference shown";
    case Verdict::kHurts:
      return "hurts";
    case Verdict::kTooFew:
      break;
  }
  return "too few runs";
}

void analyse(Study& study) {
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
