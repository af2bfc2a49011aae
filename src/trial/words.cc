#include "trial/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "trial/boundary.h"
#include "trial/judge.h"
#include "trial/phrases.h"

namespace undying::trial {
namespace {

constexpr double kStriking = 0.05;  // p below which a reader takes a difference for shown
constexpr int kWorthRunning = 200;  // seeds

// What p would have to be, where it looks small and shows nothing yet.
std::string level_text(const Failures& failures, const TrialRules& rules) {
  if (failures.p_value > kStriking) return "";
  if (failures.runs < kFirstLook)
    return fmt::format("; it takes at least {} runs to show anything", kFirstLook);
  const int seeds = runs_to_show(failures, rules);
  return fmt::format("; shown from p = {:.2g} down, for all arms and looks together{}",
                     failure_level_of(failures.runs, rules),
                     seeds > 0 ? fmt::format(", which --seeds {} would reach if the shares stay as "
                                             "they are",
                                             seeds)
                               : std::string());
}

std::string failures_text(const Subject& subject, const Failures& failures,
                          const TrialRules& rules) {
  if (failures.failed() + failures.reference_failed() == 0) return "";
  const std::string seen = fmt::format(
      "failed: {}, of {} {}", failed_text(failures.diverged, failures.collapsed, failures.runs),
      subject.reference,
      failed_text(failures.reference_diverged, failures.reference_collapsed,
                  failures.reference_runs));
  if (!std::isfinite(failures.p_value)) return seen + ". ";
  const char* shown = failures.shown > 0   ? "it fails more often"
                      : failures.shown < 0 ? "it fails less often"
                                           : "not shown to differ";
  const std::string why = failures.unconfirmed
                              ? "; the scores do not confirm it on these held-out examples"
                          : failures.shown == 0 ? level_text(failures, rules)
                                                : "";
  // Beside the level that it misses, "p < 0.0001" would read as if it were shown.
  const std::string p = why.empty() || failures.unconfirmed
                            ? p_text(failures.p_value)
                            : fmt::format("p = {:.2g}", failures.p_value);
  return fmt::format("{}: {} (exact test, one-sided, {}{}). ", seen, shown, p, why);
}

std::string wish(const Comparison& comparison, Metric metric) {
  std::string text;
  if (std::isfinite(comparison.smallest_margin))
    text = fmt::format("; the same within {}, not within less",
                       margin_text(comparison.smallest_margin, metric));
  if (comparison.seeds_needed > 0)
    return text +
           fmt::format(
               "; {} seeds would likely decide it (four chances in five), if the figures stay as "
               "they are{}",
               comparison.seeds_needed,
               comparison.seeds_needed > kWorthRunning
                   ? ": more than it is worth, a difference so small can be taken for none"
                   : "");
  if (comparison.more_data) return text + "; more seeds would not decide it, more data might";
  return comparison.difference.n >= kFirstLook
             ? text + fmt::format("; not even {} seeds would likely decide it", kMostForeseen)
             : text;
}

// Which of the two did not learn often enough for five pairs.
std::string too_few_text(const Subject& subject, const Comparison& comparison) {
  const Failures& failures = comparison.failures;
  const bool none = failures.runs > 0 && failures.failed() == failures.runs;
  const bool no_reference =
      failures.reference_runs > 0 && failures.reference_failed() == failures.reference_runs;
  if (none && no_reference)
    return fmt::format("neither it nor {} learned in any run", subject.reference);
  if (none)
    return fmt::format("it learned in none of its {} run{}", failures.runs, plural(failures.runs));
  if (no_reference)
    return fmt::format("{} learned in none of {} runs, it in {} of {}", subject.reference,
                       failures.reference_runs, failures.runs - failures.failed(), failures.runs);
  return fmt::format("{} pair{} of runs that learned, a verdict takes at least {}",
                     comparison.difference.n, plural(comparison.difference.n), kFirstLook);
}

// Why it is undecided.
std::string doubt_text(const Subject& subject, const Comparison& comparison, Metric metric) {
  const Failures& failures = comparison.failures;
  const std::string seen =
      comparison.difference.n > 0
          ? difference_text(comparison.difference, metric) + " where both learned"
          : std::string("no seed of which both learned");
  switch (comparison.doubt) {
    case Doubt::kSameRun:
      return fmt::format(
          "the seeds change nothing, its {} runs are one run and so are those of {}; one sample is "
          "no trial. More training examples, or a "
          "smaller --batch, make runs differ",
          failures.runs, subject.reference);
    case Doubt::kDiverged:
      return fmt::format(
          "better by what was seen, {}, but {} of its {} runs diverged and none of {} did", seen,
          failures.diverged, failures.runs, subject.reference);
    case Doubt::kConflict:
      return fmt::format("it fails {} often and scores {}, {}",
                         failures.shown > 0 ? "more" : "less",
                         failures.shown > 0 ? "better" : "worse", seen);
    case Doubt::kPlacebo:
      return fmt::format("better than {}, {}, but not shown to be better than the placebo{}",
                         subject.reference, seen, wish(comparison, metric));
    case Doubt::kTooFew:
      return too_few_text(subject, comparison);
    case Doubt::kOpen:
    case Doubt::kNone:
      break;
  }
  return difference_text(comparison.difference, metric) + wish(comparison, metric);
}

std::string decided_text(const Comparison& comparison, const TrialRules& rules) {
  const std::string seen = comparison.difference.n > 0
                               ? difference_text(comparison.difference, rules.metric)
                               : std::string("no seed of which both learned");
  if (comparison.verdict == Verdict::kSame)
    return fmt::format("the same within {}: {}", margin_text(rules.margin, rules.metric), seen);
  return fmt::format("{}: {}", name(comparison.verdict), seen);
}

// "elu (+14.8 points)", of the arms with a verdict.
std::vector<std::string> with_verdict(std::span<const Judged> arms, Verdict verdict,
                                      Metric metric) {
  std::vector<std::string> found;
  for (const Judged& arm : arms) {
    const Comparison& comparison = *arm.comparison;
    if (comparison.verdict != verdict) continue;
    const double mean = comparison.difference.mean;
    const bool by_failures = comparison.failures.shown != 0;
    std::string figure = std::isfinite(mean) ? mean_text(mean, metric) : std::string();
    if (by_failures)
      figure += std::string(figure.empty() ? "" : ", ") +
                (comparison.failures.shown > 0 ? "fails more often" : "fails less often");
    found.push_back(fmt::format("{} ({})", arm.arm, figure));
  }
  return found;
}

std::vector<std::string> labels(std::span<const Judged> arms, Verdict verdict) {
  std::vector<std::string> found;
  for (const Judged& arm : arms)
    if (arm.comparison->verdict == verdict) found.push_back(arm.arm);
  return found;
}

constexpr std::int64_t kFewExamples = 30;

// Whether they mattered.
std::string matter_text(const Dead& dead, Metric metric) {
  std::string text;
  if (dead.undying_judged + dead.undying_open == 0) return text;
  if (dead.undying_helps)
    text +=
        " Activations whose units cannot die did better, as they would if dead neurons mattered "
        "here; they also change the signal and the "
        "gradient of living units, so this alone does not prove the cause.";
  else if (dead.undying_judged == 0)
    text +=
        " Whether they matter is not known: no activation whose units cannot die has a verdict.";
  else
    text += fmt::format(
        " No activation whose units cannot die was shown to do better, so they were not shown to "
        "matter here{}.",
        dead.undying_open > 0 ? fmt::format(" ({} of {} such arms undecided)", dead.undying_open,
                                            dead.undying_judged + dead.undying_open)
                              : "");
  if (std::isfinite(dead.correlation))
    text += fmt::format(
        " Over the {} relu runs that learned, the share of dead units and the {} correlate with r "
        "= {:+.2f} ({}).",
        dead.correlation_runs, name(metric), dead.correlation, p_text(dead.correlation_p));
  return text;
}

}  // namespace

std::string p_text(double p) { return p < 1e-4 ? "p < 0.0001" : fmt::format("p = {:.2g}", p); }

std::string margin_text(double margin, Metric metric) {
  if (is_relative(metric)) return fmt::format("{:.3g}% of the {}", 100.0 * margin, name(metric));
  if (!is_percent(metric)) return fmt::format("{:.3g} {}", margin, name(metric));
  return fmt::format("{:.3g} point{}", 100.0 * margin, 100.0 * margin == 1.0 ? "" : "s");
}

std::string difference_text(const Estimate& d, Metric metric) {
  const std::string pairs = fmt::format("{} pair{}", d.n, plural(d.n));
  if (!std::isfinite(d.mean)) return pairs;
  const std::string mean = mean_text(d.mean, metric);
  if (!std::isfinite(d.lower)) return fmt::format("{} ({})", mean, pairs);
  if (is_relative(metric))
    return fmt::format("{} ({} to {}, {})", mean, bound(d.lower), bound(d.upper), pairs);
  if (!is_percent(metric))
    return fmt::format("{} ({:+.3f} to {:+.3f}, {})", mean, d.lower, d.upper, pairs);
  return fmt::format("{} ({:+.1f} to {:+.1f}, {})", mean, 100.0 * d.lower, 100.0 * d.upper, pairs);
}

std::string score_text(const Estimate& score, Metric metric) {
  if (score.n == 0) return "no run that learned";
  const std::string mean = undying::score_text(metric, score.mean);
  if (!std::isfinite(score.lower)) return fmt::format("{} (n = {})", mean, score.n);
  if (is_relative(metric))
    return fmt::format("{} ({:.4g} to {:.4g}, n = {})", mean, score.lower, score.upper, score.n);
  if (!is_percent(metric))
    return fmt::format("{} ({:.4f} to {:.4f}, n = {})", mean, score.lower, score.upper, score.n);
  return fmt::format("{} ({:.2f} to {:.2f}, n = {})", mean, 100.0 * score.lower,
                     100.0 * score.upper, score.n);
}

std::string comparison_sentence(const Subject& subject, const Comparison& comparison,
                                const TrialRules& rules) {
  const std::string verdict = comparison.verdict == Verdict::kUndecided
                                  ? "undecided: " + doubt_text(subject, comparison, rules.metric)
                                  : decided_text(comparison, rules);
  const std::string where =
      subject.data.empty() ? "" : fmt::format(" on {}, {}", subject.data, subject.model);
  return fmt::format("{} against {}{}: {}{}.", subject.arm, subject.reference, where,
                     failures_text(subject, comparison.failures, rules), verdict);
}

std::string headline(const Subject& where, std::span<const Judged> arms, const TrialRules& rules) {
  const std::string begin = fmt::format("On {} with {}", where.data, where.model);
  if (arms.empty())
    return fmt::format("{}, {} alone was run: there is nothing to compare it with.", begin,
                       where.reference);
  const auto helps = with_verdict(arms, Verdict::kHelps, rules.metric);
  const auto hurts = with_verdict(arms, Verdict::kHurts, rules.metric);
  const auto same = labels(arms, Verdict::kSame);
  const auto open = labels(arms, Verdict::kUndecided);
  std::string text =
      helps.empty() ? fmt::format("{}, nothing that was tried is shown to do better than {}.",
                                  begin, where.reference)
                    : fmt::format("{}, instead of {}, {}: {}.", begin, where.reference,
                                  helps.size() == 1 ? "this helps" : "these help", join(helps));
  if (!hurts.empty()) text += fmt::format(" Worse than {}: {}.", where.reference, join(hurts));
  if (!same.empty())
    text += fmt::format(" The same within {}: {}.", margin_text(rules.margin, rules.metric),
                        join(same));
  if (!open.empty()) text += fmt::format(" Undecided: {}.", join(open));
  return text;
}

std::string open_text(const Subject& where, std::span<const Judged> arms, const TrialRules& rules) {
  std::vector<std::pair<std::string, std::string>> doubts;  // why, and of which arms
  for (const Judged& arm : arms) {
    if (arm.comparison->verdict != Verdict::kUndecided) continue;
    std::string why = doubt_text({arm.arm, where.reference, where.data, where.model},
                                 *arm.comparison, rules.metric);
    const auto known = std::ranges::find(doubts, why, &std::pair<std::string, std::string>::first);
    if (known == doubts.end())
      doubts.emplace_back(std::move(why), arm.arm);
    else
      known->second += ", " + arm.arm;
  }
  std::string text;
  for (const auto& [why, who] : doubts)
    text += fmt::format("{}{}: {}.", text.empty() ? "Open: " : " ", who, why);
  return text;
}

std::string error_text(const TrialRules& rules) {
  return fmt::format(
      "Intervals hold for {}all looks together: the chance of any false \"helps\" or \"hurts\" "
      "here is at most {:g}%, also when the study "
      "is "
      "stopped early or continued (docs/verdicts.md).",
      rules.arms == 1 ? std::string() : fmt::format("all {} arms and ", rules.arms), kErrorPercent);
}

std::string missing_text(std::size_t missing, std::size_t runs, const std::string& consequence) {
  if (missing == runs) return fmt::format("Interrupted before any of {} runs was finished.", runs);
  return fmt::format("Interrupted: {} of {} runs are missing; {}.", missing, runs, consequence);
}

std::string placebo_text(const Estimate& difference, Metric metric) {
  if (difference.n < 2) return "";
  const bool apart = difference.lower > 0.0 || difference.upper < 0.0;
  return fmt::format(
      "The placebo (relu again, from other initial draws) differs from the control by {}: {}.",
      difference_text(difference, metric),
      apart ? "as 1 placebo in 20 does by chance; arms are compared with the mean of both"
            : "no difference shown, as it should be");
}

std::string held_out_text(const TrialRules& rules) {
  std::string text;
  if (rules.overlap > 0.0)
    text =
        "Every seed draws another split into training and held-out examples, the same for all "
        "arms; intervals allow for their overlap "
        "(Nadeau & Bengio 2003).";
  if (rules.examples > 0 && rules.examples < kFewExamples)
    text +=
        fmt::format("{}Only {} example{} held out: {} moves {} by {}.", text.empty() ? "" : " ",
                    rules.examples, rules.examples == 1 ? " is" : "s are", "a single one",
                    rules.metric == Metric::kAccuracy ? "an accuracy"
                    : rules.metric == Metric::kLoss   ? "a loss"
                                                      : "a score",
                    is_percent(rules.metric)
                        ? fmt::format("{:.3g} points", 100.0 / static_cast<double>(rules.examples))
                    : is_relative(rules.metric)
                        ? fmt::format("1/{} of its own", rules.examples)
                        : fmt::format("about {:.2g}", 1.0 / static_cast<double>(rules.examples)));
  return text;
}

std::string dead_text(const Dead& dead, Metric metric) {
  if (dead.runs == 0) return "";
  std::string text = fmt::format(
      "Dead neurons: {} of the {} hidden units of the control were dead at the end on all {} "
      "training examples of {} (mean of {} run{}; {} "
      "were born dead)",
      percent(dead.share), dead.units, dead.examples, dead.data, dead.runs, plural(dead.runs),
      percent(dead.born));
  if (!dead.hardest_layer.empty())
    text += fmt::format("; the layer hit hardest is {}: {} of its {} units{}", dead.hardest_layer,
                        percent(dead.hardest_share), dead.hardest_units,
                        dead.hardest_most > dead.hardest_share
                            ? fmt::format(", {} in one run", percent(dead.hardest_most))
                            : "");
  text += ".";
  if (dead.few)
    return text + (dead.differences ? " So few can hardly explain a difference: what helps or "
                                      "hurts here does so by other means."
                                    : "");
  return text + matter_text(dead, metric);
}

}  // namespace undying::trial
