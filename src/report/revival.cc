// A trial of remedies: for a terminal, and as JSON.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/diagnosis_json.h"
#include "report/wrap.h"
#include "trial/words.h"
#include "undying/report.h"

namespace undying {
namespace {

using report::estimate_json;
using report::Json;
using report::number;

Json arm_json(const Arm& arm, const RevivalArm& remedy) {
  return {
      {"label", arm.label},
      {"swap", remedy.remedy.swap ? Json(remedy.remedy.swap->specification()) : Json(nullptr)},
      {"anneal", remedy.remedy.anneal},
      {"reinitialise", remedy.remedy.reinitialise},
      {"placebo", remedy.remedy.placebo},
      {"learning_rate_factor", remedy.remedy.learning_rate_factor},
      {"keep_alive", remedy.remedy.keep_alive.any() ? Json(remedy.remedy.keep_alive.specification())
                                                    : Json(nullptr)},
      {"units_reinitialised", remedy.effect.reinitialised},
      {"units_skipped", remedy.effect.skipped},
      {"activations_swapped", remedy.effect.swapped},
      {"output_difference", number(remedy.effect.output_difference)},
      {"output_scale", number(remedy.effect.output_scale)}};
}

Json score_json(const Trainer::Score& score) {
  return {{"accuracy", number(score.accuracy)}, {"loss", number(score.loss)}};
}

// What a remedy inside training came to: often it has not had its turn when a trial ends.
std::string inside_text(const Arm& arm) {
  std::int64_t runs = 0, replaced = 0, perturbed = 0;
  for (const ArmRun& each : arm.runs) {
    runs += each.present ? 1 : 0;
    replaced += each.run.keep_alive.replaced;
    perturbed += each.run.keep_alive.perturbed;
  }
  std::string text = arm.keep_alive.specification() + " inside training";
  const bool draws = std::ranges::any_of(arm.keep_alive.rules, [](const KeepAlive::Rule& rule) {
    return rule.name == "redo" || rule.name == "cbp";
  });
  if (draws) text += fmt::format(" (replaced {} units in {} runs)", replaced, runs);
  if (perturbed > 0) text += fmt::format(" (perturbed all weights {} times)", perturbed);
  return text;
}

std::string changed_text(const RevivalArm& arm, const Arm& in_study) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (arm.effect.swapped > 0) add(fmt::format("{} activations swapped", arm.effect.swapped));
  if (arm.effect.reinitialised > 0)
    add(fmt::format("{} units re-initialised", arm.effect.reinitialised));
  if (arm.effect.skipped > 0)
    add(
        fmt::format("{} left as they were (their weights serve something else too, or more than "
                    "weights reads them)",
                    arm.effect.skipped));
  if (arm.remedy.learning_rate_factor != 1.0)
    add(fmt::format("learning rate x {}", arm.remedy.learning_rate_factor));
  if (in_study.keep_alive.any()) add(inside_text(in_study));
  return text.empty() ? "nothing" : text;
}

// What each arm changed before its first step, and how far the outputs moved by that.
std::string changes_text(const Revival& revival, std::size_t limit) {
  std::string text =
      "Before the first step (largest difference of an output over the training set; outputs "
      "reach " +
      fmt::format("{:.3g}", revival.arms.empty() ? 0.0 : revival.arms[0].effect.output_scale) +
      "):\n";
  for (std::size_t i = 0; i < revival.arms.size(); ++i)
    text += report::wrap(fmt::format("   {}: {}; difference {:.3g}", revival.study.arms[i].label,
                                     changed_text(revival.arms[i], revival.study.arms[i]),
                                     revival.arms[i].effect.output_difference),
                         limit, 6) +
            "\n";
  return text;
}

std::string left_out_text(const Revival& revival, std::size_t limit) {
  std::string text;
  for (const std::string& each : revival.left_out)
    text += report::wrap("   " + each, limit, 6) + "\n";
  return text.empty() ? text
                      : "\nLeft out, as it would change nothing, or what another does:\n" + text;
}

// Each comparison, with the control and with the placebo, in words.
std::string comparison_text(const Revival& revival, std::size_t limit) {
  std::string text = "Against the control, and against the placebo:\n";
  for (const Arm& arm : revival.study.arms) {
    if (arm.role != Role::kTreatment) continue;
    text += report::wrap(fmt::format("   {} Against the placebo: {}.", arm.comparison.sentence,
                                     trial::difference_text(arm.against_placebo->difference,
                                                            revival.study.rules.metric)),
                         limit, 6) +
            "\n";
  }
  return text;
}

}  // namespace

std::string revival_text(const Revival& revival, int columns, bool color) {
  const auto limit = static_cast<std::size_t>(std::max(columns, 40));
  return study_table(revival.study, columns, color) + "\n" + changes_text(revival, limit) +
         left_out_text(revival, limit) + "\n" + comparison_text(revival, limit);
}

std::string revival_json(const std::string& command, const Revival& revival) {
  Json arms = Json::array();
  for (std::size_t i = 0; i < revival.arms.size(); ++i)
    arms.push_back(arm_json(revival.study.arms[i], revival.arms[i]));
  Study study = revival.study;
  study.command = command;
  return report::text(
      {{"format", "undying-revival 2"},
       {"command", command},
       {"outcome", revival.sentence},
       {"chosen", revival.chosen ? Json(revival.study.arms[*revival.chosen].label) : Json(nullptr)},
       {"chosen_seed", revival.chosen ? Json(revival.chosen_seed) : Json(nullptr)},
       {"held_out_examples", revival.held_out_examples},
       {"held_out_difference",
        revival.chosen ? estimate_json(revival.held_out_difference) : Json(nullptr)},
       {"held_out_before", score_json(revival.held_out_before)},
       {"held_out_after", revival.chosen ? score_json(revival.held_out_after) : Json(nullptr)},
       {"remedies", std::move(arms)},
       {"left_out", revival.left_out},
       {"before", report::diagnosis_json(revival.before)},
       {"after", revival.after ? report::diagnosis_json(*revival.after) : Json(nullptr)},
       {"study", Json::parse(study_json(study))}});
}

}  // namespace undying
