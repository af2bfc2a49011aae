// What revive says of its trial.

#include <fmt/format.h>

#include <cmath>

#include "trial/phrases.h"
#include "trial/words.h"

namespace undying::trial {

std::string remedy_outcome(const Remedied& found, const TrialRules& rules) {
  const std::string control = score_text(found.control, rules.metric);
  const std::string placebo = score_text(found.placebo, rules.metric);
  if (found.remedy.empty())
    return fmt::format(
        "Nothing {}: {} shown to do better than both training on as before ({}) and the placebo "
        "({}) on validation rows of {}.",
        found.open ? "is shown to help" : "helped",
        found.tried == 1 ? "the one remedy tried was not"
                         : fmt::format("none of the {} remedies tried was", found.tried),
        control, placebo, found.data);
  const auto against = [&](const Estimate& d) {
    return d.n > 0 ? " " + difference_text(d, rules.metric) : std::string();
  };
  return fmt::format(
      "{} helps: {} on validation rows of {}; against training on as before ({}){}, against the "
      "placebo ({}){}.",
      found.remedy, score_text(found.chosen, rules.metric), found.data, control,
      against(found.against_control), placebo, against(found.against_placebo));
}

std::string held_out_outcome(const Remedied& found, const TrialRules& rules) {
  if (found.remedy.empty()) return "";
  if (!std::isfinite(found.held_out.mean))
    return fmt::format(
        "On the {} held-out examples, which no choice has seen, there was no pair of runs that "
        "learned to compare.",
        found.held_out_examples);
  const bool apart =
      higher_is_better(rules.metric) ? found.held_out.lower > 0.0 : found.held_out.upper < 0.0;
  return fmt::format(
      "On the {} held-out examples, in fresh runs, neither of which any choice has seen, it "
      "differs from training on as before by {}: {}.",
      found.held_out_examples, difference_text(found.held_out, rules.metric),
      apart ? "they confirm it (95% interval)"
            : "too few, or too small a difference, to confirm it there (95% interval)");
}

std::string before_text(const Patient& patient, Metric metric) {
  return fmt::format(
      "As it came the network scores {} on the held-out examples; {} of its {} units are dead on "
      "{} (n = {}), {} of them locked.",
      undying::score_text(metric, patient.score), patient.dead, patient.units, patient.data,
      patient.examples, patient.locked);
}

std::string after_text(const Patient& patient, std::uint64_t seed, Metric metric) {
  return fmt::format(
      "The healed network is the run of the median validation score, seed {}: {} on the held-out "
      "examples; {} of its {} units are dead on "
      "{} (n = {}).",
      seed, undying::score_text(metric, patient.score), patient.dead, patient.units, patient.data,
      patient.examples);
}

std::string others_text(std::span<const std::string> remedies) {
  return remedies.empty() ? "" : fmt::format("Better than both too: {}.", join(remedies));
}

std::string second_control_text() {
  return "The placebo could re-initialise no unit: it is a second control.";
}

std::string not_finite_text(const std::string& remedy) {
  return fmt::format(
      "{} was chosen, but its network is not finite on the held-out examples: no network is "
      "written. Lower --lr.",
      remedy);
}

std::string unfinished_text(const std::string& best) {
  return fmt::format(
      "Interrupted after the last run: {} scored best and helps, but its network was not made: no "
      "remedy is chosen and no network is written.",
      best);
}

std::string preferred_text(const std::string& best, const Estimate& score, const std::string& taken,
                           double taken_dead, double best_dead, Metric metric) {
  return fmt::format(
      "{} scores {}, which is not shown to be better; {} is taken because fewer of its units are "
      "dead: {} against {}.",
      best, score_text(score, metric), taken, percent(taken_dead), percent(best_dead));
}

}  // namespace undying::trial
