#include "doctor/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "study/scores.h"
#include "study/statistics.h"
#include "study/verdict.h"

namespace undying::doctor {
namespace {

constexpr double kLevel = 0.05;

bool is_regression(const Study& study) { return study.chance == 0.0; }

bool better(const Study& study, double difference) { return (difference > 0.0) != is_regression(study) && difference != 0.0; }

std::string p_text(double p) { return p < 1e-4 ? "p < 0.0001" : fmt::format("p = {:.2g}", p); }

// The best mean of those that cure.
std::optional<std::size_t> best(const Revival& revival) {
  const Study& study = revival.study;
  std::optional<std::size_t> found;
  for (std::size_t i = 2; i < revival.arms.size(); ++i)
    if (revival.arms[i].cures && (!found || better(study, study.arms[i].accuracy.mean - study.arms[*found].accuracy.mean))) found = i;
  return found;
}

// Of those that cure and are not shown to do worse than the best of them, the one with the fewest dead units; the best itself in a draw.
std::optional<std::size_t> choose(const Revival& revival) {
  const Study& study = revival.study;
  const auto first = best(revival);
  if (!first || study.missing > 0) return std::nullopt;
  std::size_t chosen = *first;
  for (std::size_t i = 2; i < revival.arms.size(); ++i) {
    if (!revival.arms[i].cures || !(study.arms[i].dead_share.mean < study.arms[chosen].dead_share.mean)) continue;
    if (study::paired(study, study.arms[i], study.arms[*first]).p_value >= kLevel) chosen = i;
  }
  return chosen;
}

std::string score_text(const Study& study, double score) {
  return is_regression(study) ? fmt::format("loss {:.4g}", score) : fmt::format("{:.2f}%", 100.0 * score);
}

std::string estimate_text(const Study& study, const Estimate& estimate) {
  if (is_regression(study))
    return fmt::format("loss {:.4g} (95% interval {:.4g} to {:.4g}, n = {})", estimate.mean, estimate.lower, estimate.upper, estimate.n);
  return fmt::format("{:.2f}% (95% interval {:.2f} to {:.2f}, n = {})", 100.0 * estimate.mean, 100.0 * estimate.lower,
                     100.0 * estimate.upper, estimate.n);
}

std::string difference_text(const Study& study, const Estimate& estimate, double p) {
  if (is_regression(study))
    return fmt::format("{:+.4g} ({:+.4g} to {:+.4g}, {})", estimate.mean, estimate.lower, estimate.upper, p_text(p));
  return fmt::format("{:+.2f} points ({:+.2f} to {:+.2f}, {})", 100.0 * estimate.mean, 100.0 * estimate.lower, 100.0 * estimate.upper,
                     p_text(p));
}

double score_of(const Study& study, const Trainer::Score& score) { return is_regression(study) ? score.loss : score.accuracy; }

std::string missing_text(const Study& study) {
  std::size_t runs = 0;
  for (const Arm& arm : study.arms) runs += arm.runs.size();
  return fmt::format("Interrupted: {} of {} runs are missing; no remedy is chosen and no network is written.", study.missing, runs);
}

std::string outcome(const Revival& revival) {
  const Study& study = revival.study;
  if (study.missing > 0) return missing_text(study);
  const Arm& control = study.arms[0];
  const Arm& placebo = study.arms[1];
  if (!revival.chosen)
    return fmt::format(
        "Nothing helped: {} was shown to do better than both training on as before ({}) and the placebo ({}) on "
        "held-out {}.",
        study.arms.size() == 3 ? "the one remedy tried" : fmt::format("none of the {} remedies tried", study.arms.size() - 2),
        estimate_text(study, control.accuracy), estimate_text(study, placebo.accuracy), study.data_name);
  const Arm& arm = study.arms[*revival.chosen];
  const RevivalArm& chosen = revival.arms[*revival.chosen];
  return fmt::format("{} helps on held-out {}: {}, against control {} and against placebo {}, {} comparisons adjusted by Holm.", arm.label,
                     study.data_name, estimate_text(study, arm.accuracy), difference_text(study, arm.comparison.accuracy, chosen.p_control),
                     difference_text(study, chosen.against_placebo, chosen.p_placebo), 2 * (study.arms.size() - 2));
}

std::string preferred_text(const Revival& revival) {
  const auto first = revival.chosen ? best(revival) : std::nullopt;
  if (first == revival.chosen) return "";
  const Study& study = revival.study;
  const Arm& scores_best = study.arms[*first];
  const Arm& arm = study.arms[*revival.chosen];
  const double p = study::paired(study, arm, scores_best).p_value;
  return fmt::format(
      "{} scores {}, which is not shown to be better ({}); {} is taken because fewer of its units are dead: {:.1f}% against {:.1f}%.",
      scores_best.label, estimate_text(study, scores_best.accuracy), p_text(p), arm.label, 100.0 * arm.dead_share.mean,
      100.0 * scores_best.dead_share.mean);
}

std::string before_text(const Revival& revival) {
  return fmt::format("As it came the network scores {} there; {} of its {} units are dead on {} (n = {}), {} of them locked.",
                     score_text(revival.study, score_of(revival.study, revival.held_out_before)), revival.before.dead(),
                     revival.before.units(), revival.before.data, revival.before.examples, revival.before.locked());
}

std::string after_text(const Revival& revival) {
  if (!revival.after) return "";
  return fmt::format("The healed network is the run of the median score, seed {}: {} held out; {} of its {} units are dead on {} (n = {}).",
                     revival.chosen_seed, score_text(revival.study, score_of(revival.study, revival.held_out_after)), revival.after->dead(),
                     revival.after->units(), revival.after->data, revival.after->examples);
}

// Where all units are dead, or feed what is no weight alone, there is none to re-initialise.
std::string placebo_text(const Revival& revival) {
  const RevivalArm& placebo = revival.arms[1];
  if (!placebo.remedy.placebo || placebo.effect.reinitialised > 0) return "";
  return "The placebo could re-initialise no unit: it is a second control.";
}

std::string others_text(const Revival& revival) {
  std::string text;
  for (std::size_t i = 2; i < revival.arms.size(); ++i)
    if (revival.arms[i].cures && revival.chosen != i) text += (text.empty() ? "" : ", ") + revival.study.arms[i].label;
  return text.empty() ? "" : fmt::format("Better than both too: {}.", text);
}

}  // namespace

void judge(Revival& revival) {
  Study& study = revival.study;
  std::vector<double> p_values;
  for (std::size_t i = 2; i < study.arms.size(); ++i) {
    const study::Paired paired = study::paired(study, study.arms[i], study.arms[1]);
    revival.arms[i].against_placebo = paired.difference;
    p_values.push_back(study.arms[i].comparison.p_value);
    p_values.push_back(paired.p_value);
  }
  const std::vector<double> adjusted = study::holm(p_values);
  for (std::size_t i = 2; i < study.arms.size(); ++i) {
    RevivalArm& arm = revival.arms[i];
    arm.p_control = adjusted[2 * (i - 2)];
    arm.p_placebo = adjusted[2 * (i - 2) + 1];
    arm.cures = arm.p_control < kLevel && arm.p_placebo < kLevel && better(study, study.arms[i].comparison.accuracy.mean) &&
                better(study, arm.against_placebo.mean);
  }
  revival.chosen = choose(revival);
}

void write_verdict(Revival& revival) {
  revival.sentence = outcome(revival);
  revival.study.verdict = {revival.sentence};
  for (const std::string& text :
       {preferred_text(revival), before_text(revival), after_text(revival), others_text(revival), placebo_text(revival)})
    if (!text.empty()) revival.study.verdict.push_back(text);
  for (const std::string& text : study::trouble(revival.study)) revival.study.verdict.push_back(text);
}

std::uint64_t median_seed(const Study& study, const Arm& arm) {
  std::vector<std::pair<double, std::uint64_t>> scores;
  for (const auto& [seed, score] : study::scores_by_seed(study, arm)) scores.emplace_back(score, seed);
  std::ranges::sort(scores);
  return scores[(scores.size() - 1) / 2].second;
}

}  // namespace undying::doctor
