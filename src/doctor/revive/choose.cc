#include "doctor/revive/choose.h"

#include <algorithm>

#include "study/samples.h"
#include "study/tell.h"
#include "trial/words.h"

namespace undying::doctor {
namespace {

bool helps(const Arm& arm) {
  return arm.role == Role::kTreatment && arm.comparison.verdict == Verdict::kHelps;
}

// The best mean of those that help.
std::optional<std::size_t> best(const Study& study) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < study.arms.size(); ++i)
    if (helps(study.arms[i]) && (!found || better(study.rules.metric, study.arms[i].score.mean,
                                                  study.arms[*found].score.mean)))
      found = i;
  return found;
}

bool shown_worse(const Study& study, const Arm& arm, const Arm& than) {
  const trial::Sample reference = study::sample_of(study, than);
  const Estimate d =
      trial::difference(study::sample_of(study, arm), std::span(&reference, 1), study.rules);
  return higher_is_better(study.rules.metric) ? d.upper < 0.0 : d.lower > 0.0;
}

trial::Patient patient_of(const Diagnosis& diagnosis, const Trainer::Score& score) {
  return {.score = score.score,
          .dead = diagnosis.dead(),
          .locked = diagnosis.locked(),
          .units = diagnosis.units(),
          .data = diagnosis.data,
          .examples = diagnosis.examples};
}

trial::Remedied remedied(const Revival& revival) {
  const Study& study = revival.study;
  trial::Remedied found{.data = study.data_name,
                        .tried = study.rules.arms,
                        .control = study.arms[0].score,
                        .placebo = study.arms[1].score,
                        .held_out = revival.held_out_difference,
                        .held_out_examples = revival.held_out_examples};
  found.open = std::ranges::any_of(study.arms, [](const Arm& arm) {
    return arm.role == Role::kTreatment && arm.comparison.verdict == Verdict::kUndecided;
  });
  if (!revival.chosen) return found;
  const Arm& chosen = study.arms[*revival.chosen];
  found.remedy = chosen.label;
  found.chosen = chosen.score;
  found.against_control = chosen.comparison.difference;
  if (chosen.against_placebo) found.against_placebo = chosen.against_placebo->difference;
  return found;
}

std::string preferred_text(const Revival& revival) {
  const auto first = best(revival.study);
  if (!revival.chosen || !first || first == revival.chosen) return "";
  const Arm& scores_best = revival.study.arms[*first];
  const Arm& arm = revival.study.arms[*revival.chosen];
  return trial::preferred_text(scores_best.label, scores_best.score, arm.label, arm.dead_share.mean,
                               scores_best.dead_share.mean, revival.study.rules.metric);
}

std::string others_text(const Revival& revival) {
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < revival.study.arms.size(); ++i)
    if (revival.chosen && i != *revival.chosen && helps(revival.study.arms[i]))
      labels.push_back(revival.study.arms[i].label);
  return trial::others_text(labels);
}

// Where all units are dead, or feed what is no weight alone, there is none to re-initialise.
std::string second_control_text(const Revival& revival) {
  const RevivalArm& placebo = revival.arms[1];
  return placebo.remedy.placebo && placebo.effect.reinitialised == 0 ? trial::second_control_text()
                                                                     : "";
}

std::string outcome(const Revival& revival, const std::string& spoiled) {
  const Study& study = revival.study;
  std::size_t runs = 0;
  for (const Arm& arm : study.arms) runs += arm.runs.size();
  if (study.missing > 0)
    return trial::missing_text(static_cast<std::size_t>(study.missing), runs,
                               "no remedy is chosen and no network is written");
  if (const auto first = best(study); first && revival.interrupted)
    return trial::unfinished_text(study.arms[*first].label);
  return spoiled.empty() ? trial::remedy_outcome(remedied(revival), study.rules)
                         : trial::not_finite_text(spoiled);
}

}  // namespace

std::optional<std::size_t> choose(const Revival& revival) {
  const Study& study = revival.study;
  const auto first = best(study);
  if (!first || study.missing > 0) return std::nullopt;
  std::size_t chosen = *first;
  for (std::size_t i = 0; i < study.arms.size(); ++i) {
    const Arm& arm = study.arms[i];
    if (!helps(arm) || !(arm.dead_share.mean < study.arms[chosen].dead_share.mean)) continue;
    if (!shown_worse(study, arm, study.arms[*first])) chosen = i;
  }
  return chosen;
}

void write_verdict(Revival& revival, const std::string& spoiled) {
  Study& study = revival.study;
  const Metric metric = study.rules.metric;
  const trial::Course course = study::course_of(study);
  revival.sentence = outcome(revival, spoiled);
  // A control that learns nothing is what a dead network does; where it diverges, or no arm learns,
  // the trial itself is wrong.
  const bool wrong = course.arms.front().diverged > course.arms.front().collapsed ||
                     std::ranges::all_of(course.arms, [](const trial::Ended& arm) {
                       return arm.diverged + arm.collapsed == arm.runs;
                     });
  std::vector<std::string> texts = {wrong ? trial::control_text(course) : "", revival.sentence};
  if (study.missing == 0) texts.push_back(trial::held_out_outcome(remedied(revival), study.rules));
  texts.push_back(preferred_text(revival));
  texts.push_back(trial::before_text(patient_of(revival.before, revival.held_out_before), metric));
  if (revival.after)
    texts.push_back(trial::after_text(patient_of(*revival.after, revival.held_out_after),
                                      revival.chosen_seed, metric));
  texts.push_back(others_text(revival));
  if (study.missing == 0) texts.push_back(study::open_text(study));
  texts.push_back(second_control_text(revival));
  for (const std::string& text : trial::trouble(course)) texts.push_back(text);
  texts.push_back(trial::held_out_text(study.rules));
  texts.push_back(trial::error_text(study.rules));
  std::erase(texts, std::string());
  study.verdict = std::move(texts);
}

std::uint64_t median_seed(const Study& study, const Arm& arm) {
  std::vector<std::pair<double, std::uint64_t>> scores;
  for (const ArmRun& run : arm.runs)
    if (run.present && run.outcome == Outcome::kLearned)
      scores.emplace_back(study::score_of(study, run.run), run.seed);
  std::ranges::sort(scores);
  return scores[(scores.size() - 1) / 2].second;
}

}  // namespace undying::doctor
