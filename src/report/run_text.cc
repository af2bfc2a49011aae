// A run in words and figures, for a terminal.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "doctor/diagnose/judge_layers.h"
#include "report/wrap.h"
#include "trial/words.h"
#include "undying/report.h"

namespace undying {
namespace {

using report::wrap;

std::string plural(std::int64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string headline(const Run& run) {
  const double rate =
      run.train_seconds > 0.0 ? static_cast<double>(run.samples) / run.train_seconds : 0.0;
  return fmt::format("{}{}{}: {} steps, {} samples in {:.2f} s ({:.0f} samples/s), {}, {}\n",
                     name(run.status), run.reason.empty() ? "" : ": ", run.reason, steps_taken(run),
                     run.samples, run.train_seconds, rate, plural(run.threads, "thread"),
                     plural(run.shards, "shard"));
}

// What must be beaten stands behind the score it is of.
std::string scores(const Run& run, const std::optional<Baseline>& baseline) {
  const auto beside = [&](Metric metric) {
    return baseline && baseline->metric == metric ? "; baseline " + baseline->text() + "\n"
                                                  : std::string("\n");
  };
  std::string text;
  if (std::isfinite(run.test_loss))
    text += fmt::format("test loss {:.6g}", run.test_loss) + beside(Metric::kLoss);
  if (std::isfinite(run.test_accuracy))
    text +=
        fmt::format("test accuracy {:.2f}%", 100.0 * run.test_accuracy) + beside(Metric::kAccuracy);
  if (baseline && baseline->metric != Metric::kLoss && baseline->metric != Metric::kAccuracy &&
      std::isfinite(run.test_score))
    text += fmt::format("test {}{}", is_percent(baseline->metric) ? "balanced accuracy " : "",
                        score_text(baseline->metric, run.test_score)) +
            beside(baseline->metric);
  return text;
}

// Of a run that stops early.
std::string early_text(const Run& run) {
  if (run.best_epoch == 0) return "";
  return fmt::format(
      "{} epochs; the weights are those of epoch {}, the best on the validation rows\n",
      run.epochs.size(), run.best_epoch);
}

// Of a stream: the online error over its stretches, at most so many of them, evenly spread.
std::string online_text(const Run& run) {
  constexpr std::size_t kMost = 12;
  if (run.epochs.empty()) return "";
  const bool classes = std::isfinite(run.epochs.front().train_accuracy);
  const bool census =
      std::ranges::any_of(run.epochs, [](const EpochRecord& epoch) { return epoch.units > 0; });
  std::string text = fmt::format("\n{:>9} {:>12} {:>14}{}{}\n", "stretch", "to step", "online loss",
                                 classes ? fmt::format(" {:>12}", "right") : "",
                                 census ? fmt::format(" {:>11}", "dead") : "");
  const std::size_t shown = std::min(kMost, run.epochs.size());
  for (std::size_t i = 1; i <= shown; ++i) {
    const EpochRecord& epoch = run.epochs[i * run.epochs.size() / shown - 1];
    text += fmt::format(
        "{:>9} {:>12} {:>14.6g}{}{}\n", epoch.epoch, epoch.step, epoch.train_loss,
        classes ? fmt::format(" {:>11.2f}%", 100.0 * epoch.train_accuracy) : "",
        !census            ? ""
        : epoch.units == 0 ? fmt::format(" {:>11}", "not counted")
                           : fmt::format(" {:>11}", fmt::format("{}/{}", epoch.dead, epoch.units)));
  }
  return text + "over the last tenth of the stretches: " +
         (classes ? fmt::format("{:.2f}% right, ", 100.0 * run.test_accuracy) : "") +
         fmt::format("online loss {:.6g}\n", run.test_loss);
}

// What the remedies inside training did.
std::string keep_alive_text(const KeepAliveRecord& record) {
  std::string text;
  if (record.replaced > 0)
    text += fmt::format(
        "{} replaced, {} of them silent; the largest change of an output that was measured: "
        "{:.3g}\n",
        plural(record.replaced, "unit"), record.silent, record.output_change);
  if (record.perturbed > 0)
    text += fmt::format("weights shrunk and perturbed {}\n", plural(record.perturbed, "time"));
  for (const std::string& layer : record.left_out)
    text += fmt::format("no unit is replaced in {}\n", layer);
  return text;
}

std::string ledger_text(const Ledger& ledger) {
  if (ledger.censuses.empty()) return "";
  const CensusRecord& census = ledger.censuses.back();
  std::string text = fmt::format("\nUnits on {} (n = {}), after step {}:\n", ledger.data,
                                 ledger.examples, census.step);
  const bool ranks = std::ranges::any_of(
      census.layers, [](const LayerHealth& layer) { return std::isfinite(layer.effective_rank); });
  text += fmt::format("{:<12} {:>6} {:>6} {:>10} {:>9} {:>9} {:>8} {:>8} {:>10} {:>10}{}\n",
                      "layer", "units", "dead", "born dead", "always -", "always +", "dormant",
                      "firing", "grad norm", "update/w", ranks ? "    rank" : "");
  for (const LayerHealth& layer : census.layers)
    text += fmt::format(
        "{:<12} {:>6} {:>6} {:>10} {:>9} {:>9} {:>8} {:>7.1f}% {:>10.3g} {:>10.3g}{}\n", layer.name,
        layer.units, layer.dead, layer.born_dead, layer.always_negative, layer.always_positive,
        layer.dormant, 100.0 * layer.firing_rate, layer.gradient_norm, layer.update_ratio,
        ranks ? fmt::format(" {:>7.1f}", layer.effective_rank) : "");
  if (ledger.dead() > 0)
    text += fmt::format(
        "A unit counted dead fired on none of the {} examples: with 95% confidence its firing rate "
        "there is below {:.2g}.\n",
        ledger.examples, 3.0 / static_cast<double>(ledger.examples));
  return text;
}

// "layer.1 (since step 17), layer.2 (from the start)"
std::string dead_layers(const Ledger& ledger) {
  constexpr int kMost = 4;
  std::string text;
  int count = 0;
  for (std::size_t l = 0; l < ledger.lives.size(); ++l) {
    if (!doctor::all_dead(ledger.lives[l]) || ++count > kMost) continue;
    std::int64_t since = 0;
    for (const UnitLife& life : ledger.lives[l])
      since = std::max(since, life.died.empty() ? 0 : life.died.back());
    text += fmt::format(
        "{}{} ({})", text.empty() ? "" : ", ", ledger.layers[l],
        since == 0 ? std::string("from the start") : fmt::format("since step {}", since));
  }
  return text + (count > kMost ? fmt::format(" and {} more", count - kMost) : "");
}

double dead_share(const Ledger& ledger) {
  return ledger.units() == 0
             ? 0.0
             : static_cast<double>(ledger.dead()) / static_cast<double>(ledger.units());
}
bool many_dead(const Ledger& ledger) { return dead_share(ledger) >= 0.1; }

// The most frequent class, and how the rest is seen.
bool hides_the_rest(const Run& run, const std::optional<Baseline>& baseline) {
  return baseline && baseline->imbalanced && std::isfinite(run.test_loss) &&
         !baseline->beaten_by(run.test_accuracy);
}

}  // namespace

bool needs_a_look(const Run& run, const std::optional<Baseline>& baseline) {
  if (run.status == RunStatus::kDiverged ||
      std::ranges::any_of(run.ledger.lives, doctor::all_dead) || many_dead(run.ledger))
    return true;
  if (!baseline || !std::isfinite(run.test_loss)) return false;
  return !baseline->beaten_by(score_of(run, baseline->metric));
}

std::string run_text(const Run& run, const RunOutcome& outcome, int columns) {
  const auto limit = static_cast<std::size_t>(std::max(columns, 40));
  std::string text = headline(run) +
                     (outcome.online ? online_text(run) : scores(run, outcome.baseline)) +
                     early_text(run) + keep_alive_text(run.keep_alive) + ledger_text(run.ledger);
  if (!needs_a_look(run, outcome.baseline)) return text;
  const auto say = [&](const std::string& sentence) { text += wrap(sentence, limit) + "\n"; };
  text += "\n";
  if (run.status == RunStatus::kDiverged)
    say("The run diverged: its weights are no result. A lower learning rate (--lr), --clip-norm or "
        "inputs at unit scale keep it finite.");
  else if (outcome.baseline && std::isfinite(run.test_loss) &&
           !outcome.baseline->beaten_by(score_of(run, outcome.baseline->metric)))
    say("Nothing was learned: " +
        doctor::not_learned_text(*outcome.baseline, score_of(run, outcome.baseline->metric)) + ".");
  if (hides_the_rest(run, outcome.baseline)) say(trial::imbalance_text(outcome.weighed));
  if (many_dead(run.ledger))
    say(fmt::format("{} of {} units are dead, {:.1f}%.", run.ledger.dead(), run.ledger.units(),
                    100.0 * dead_share(run.ledger)));
  if (const std::string layers = dead_layers(run.ledger); !layers.empty())
    say("Every unit is dead in " + layers +
        ": nothing of the input passes such a layer, and no gradient comes back.");
  for (const Finding& cause : outcome.causes)
    say("Found: " + cause.what + ": " + cause.evidence + ". To try: " + cause.remedy + ".");
  for (const std::string& command : outcome.next) text += "Next: " + command + "\n";
  return text;
}

}  // namespace undying
