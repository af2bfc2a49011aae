// A replay for a terminal: the last living moments of a unit, or a table of what made many die.

#include "report/replay.h"

#include <fmt/format.h>

#include <cmath>

#include "report/wrap.h"

namespace undying {
namespace {

using doctor::Cause;
using doctor::Change;
using doctor::Explanation;
using doctor::Range;
using doctor::UnitEvent;
using doctor::UnitUpdate;

bool is_death(const Explanation& found) { return found.event.kind == UnitEvent::Kind::kDeath; }

std::string headline(const doctor::Replay& replay, const RecordedRun& run) {
  const std::string compared =
      replay.checked > 0 ? fmt::format("{} losses on record, all of them the same", replay.checked)
                         : "no loss on record: nothing shows that it is the same run";
  return fmt::format("{}: {} steps trained again, {}\n", run.course.name, replay.steps, compared);
}

// Whole, and never "-0"; "-" of no change at all.
std::string percent(const Change& change, std::size_t part) {
  const double share = change.shares[part].value_or(0.0);
  if (change.after == change.before) return "-";
  return fmt::format("{:.0f}%", std::round(100.0 * share / (change.after - change.before)) + 0.0);
}

std::string cause_text(const Change& change) {
  switch (change.cause) {
    case Cause::kBias:
      return "its bias";
    case Cause::kWeights:
      return "its weights";
    case Cause::kBelow:
      return "the layers below";
    case Cause::kStatistics:
      return "the running statistics of its norm";
    case Cause::kMixed:
      break;
  }
  return "mixed, no part is clear of the others";
}

std::string shares_text(const Change& change) {
  std::string text;
  for (std::size_t part = 0; part < doctor::kParts; ++part)
    if (const std::optional<double>& share = change.shares[part])
      text += fmt::format("    {:<11}{:>+12.5g}{:>9}\n", doctor::kPartNames[part], *share,
                          percent(change, part));
  return text;
}

std::string event_text(const RecordedRun& run, const Explanation& found) {
  const UnitEvent& event = found.event;
  const std::string unit = fmt::format("unit {} of {}", event.unit, run.layers[event.layer]);
  if (is_death(found) && event.step == 0)
    return unit + " was born dead: dead as drawn, before the first step\n";
  const char* what = is_death(found) ? "died" : "was revived";
  if (found.dated) return fmt::format("{} {} at step {}\n", unit, what, event.step);
  return fmt::format("{} {} between two censuses, the later after step {}\n", unit, what,
                     event.step);
}

std::string change_text(const Explanation& found) {
  if (!found.change) return fmt::format("  no cause: {}\n", found.missing);
  const Change& change = *found.change;
  return fmt::format(
             "  cause: {}\n"
             "  Its largest pre-activation over {} rows {} from {:.5g} after step {} to {:.5g} "
             "after step {}:\n",
             cause_text(change), found.rows, is_death(found) ? "fell" : "rose", change.before,
             change.from, change.after, change.to) +
         shares_text(change);
}

std::string beside(double value, double usual) {
  if (!std::isfinite(usual) || usual == 0.0) return fmt::format("{:.5g}", value);
  return fmt::format("{:.5g} ({:.3g} times the median of the steps before)", value, value / usual);
}

std::string moved_text(const UnitUpdate& update) {
  if (!update.weights) return "";
  std::string text = fmt::format("    it moved the unit's weights by {:.4g}", *update.weights);
  if (update.bias) text += fmt::format(", its bias by {:.4g}", *update.bias);
  return text + "\n";
}

std::string batch_text(const UnitUpdate& update, const Dataset& data) {
  const Range& z = update.z;
  std::string text = fmt::format(
      "    on its {} examples, before it, the unit read {:.5g} to {:.5g} and fired on {} of {}",
      update.rows.size(), z.least, z.largest, z.fired, z.n);
  if (z.row >= 0) text += fmt::format("; most in row {}", z.row);
  if (z.row >= 0 && data.classes > 0)
    text += fmt::format(" (class {})", data.labels[static_cast<std::size_t>(z.row)]);
  return text + "\n";
}

std::string update_text(const UnitUpdate& update, const Dataset& data) {
  const Change& change = update.change;
  return fmt::format(
             "  {} step {} (epoch {}):\n"
             "    loss {}, learning rate {:.4g}\n"
             "    gradient norm {}\n",
             !update.decisive                             ? "The last that fired in training,"
             : update.change.after < update.change.before ? "The update that silenced it,"
                                                          : "The update that woke it,",
             update.record.step, update.epoch, beside(update.record.loss, update.usual_loss),
             update.record.learning_rate,
             beside(update.record.gradient_norm, update.usual_gradient)) +
         moved_text(update) + batch_text(update, data) +
         fmt::format("    it took the largest pre-activation from {:.5g} to {:.5g}:\n",
                     change.before, change.after) +
         shares_text(change);
}

// At most so many moments, the last always among them.
std::string life_text(const std::vector<doctor::Moment>& life) {
  constexpr std::size_t kMost = 20;
  if (life.empty()) return "";
  const std::size_t shown = std::min(kMost, life.size());
  std::string text = fmt::format("  {:>10} {:>12} {:>12} {:>12} {:>10}\n", "after step", "least z",
                                 "mean z", "largest z", "fires on");
  for (std::size_t i = 1; i <= shown; ++i) {
    const auto& [step, z] = life[i * life.size() / shown - 1];
    text +=
        fmt::format("  {:>10} {:>12.5g} {:>12.5g} {:>12.5g} {:>9.2f}%\n", step, z.least, z.mean(),
                    z.largest, 100.0 * static_cast<double>(z.fired) / static_cast<double>(z.n));
  }
  return text;
}

std::string share_cell(const Change& change, std::size_t part) {
  return change.shares[part] ? percent(change, part) : "-";
}

std::string row_text(const RecordedRun& run, const Explanation& found, std::size_t width) {
  const UnitEvent& event = found.event;
  std::string text = fmt::format("{:<{}} {:>6} {:>9} {:<8}", run.layers[event.layer], width,
                                 event.unit, event.step, is_death(found) ? "died" : "revived");
  if (!found.change) return text + " " + found.missing + "\n";
  const Change& change = *found.change;
  text += fmt::format(" {:>10.4g} {:>10.4g}", change.before, change.after);
  for (std::size_t part = 0; part < doctor::kParts; ++part)
    text += fmt::format(" {:>10}", share_cell(change, part));
  return text + fmt::format("  {}\n", name(change.cause));
}

std::string totals_text(const doctor::Replay& replay) {
  std::string text;
  for (int cause = 0; cause <= static_cast<int>(Cause::kMixed); ++cause) {
    const auto count = std::ranges::count_if(replay.explanations, [&](const Explanation& found) {
      return is_death(found) && found.change && found.change->cause == static_cast<Cause>(cause);
    });
    if (count > 0)
      text +=
          fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name(static_cast<Cause>(cause)));
  }
  return text.empty() ? "" : "\ndeaths by cause: " + text + "\n";
}

constexpr const char* kLegend =
    "Shares are of the change of the largest pre-activation over the rows, from the steps before "
    "to the event; below: the layers below; statistics: the running ones of a norm in between. "
    "They add up to 100%.";

}  // namespace

std::string unit_text(const RecordedRun& run, const Dataset& data, const doctor::Replay& replay) {
  std::string text = headline(replay, run);
  for (const Explanation& found : replay.explanations) {
    text += "\n" + event_text(run, found);
    text += change_text(found);
    if (found.update) text += update_text(*found.update, data);
    text += life_text(found.life);
  }
  return text;
}

std::string replay_text(const ReplayRecord& record, int columns) {
  const auto& [command, run, settings, replay, events] = record;
  std::size_t width = 8;
  for (const std::string& layer : run.layers) width = std::max(width, layer.size());
  std::string text = headline(replay, run) + "\n";
  text += fmt::format("{:<{}} {:>6} {:>9} {:<8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}  cause\n",
                      "layer", width, "unit", "step", "what", "z before", "z after", "bias",
                      "weights", "below", "statistics");
  for (const Explanation& found : replay.explanations) text += row_text(run, found, width);
  text += totals_text(replay);
  if (replay.explanations.size() < events)
    text += fmt::format("{} of {} events{}\n", replay.explanations.size(), events,
                        replay.interrupted ? ": interrupted" : "; --first 0 explains all");
  return text + report::wrap(kLegend, static_cast<std::size_t>(columns)) + "\n";
}

}  // namespace undying
