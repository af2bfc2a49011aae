// What is said of a trial's course: runs that failed, learning rates, what hides the truth.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdlib>

#include "trial/phrases.h"
#include "trial/words.h"

namespace undying::trial {
namespace {

// "relu (control) (4 of 10 runs), elu (1 of 10 runs)"
std::string counted(std::span<const Ended> arms, int Ended::*count) {
  std::vector<std::string> found;
  for (const Ended& arm : arms)
    if (arm.*count > 0)
      found.push_back(
          fmt::format("{} ({} of {} run{})", arm.arm, arm.*count, arm.runs, plural(arm.runs)));
  return join(found);
}

// "it is 0.1", of the control's rate.
std::string rate_text(const Course& course) {
  return fmt::format("{} {:g}", course.tuned ? "the best of those tried is" : "it is",
                     course.learning_rate);
}

// "relu (control) and elu at 0.03, tanh at 0.3"
std::string rates_text(const Tuning& tuning) {
  std::vector<std::string> parts;
  for (const float rate : tuning.rates) {
    std::vector<std::string> arms;
    for (const Tuned& arm : tuning.arms)
      if (arm.learning_rate == rate) arms.push_back(arm.arm);
    if (!arms.empty()) parts.push_back(fmt::format("{} at {}", join(arms), rate));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

// One rate beyond the end of a list, as far from it as the one before.
float beyond(float end, float before) {
  return std::strtof(fmt::format("{:.3g}", end * (end / before)).c_str(), nullptr);
}

constexpr std::int64_t kFewSteps = 100;

}  // namespace

std::string control_text(const Course& course) {
  const Ended& control = course.arms.front();
  if (control.runs == 0 || 2 * (control.diverged + control.collapsed) <= control.runs) return "";
  const std::string scale =
      course.scaled ? "" : ", or standardise the inputs (--normalize standard)";
  const std::string failed = failed_text(control.diverged, control.collapsed, control.runs);
  if (control.diverged >= control.collapsed)
    return fmt::format(
        "{} failed in {}, so there is little to compare with. First lower --lr ({}){}{}: a run "
        "that diverges says more about these "
        "than "
        "about its activation.",
        control.arm, failed, rate_text(course), scale,
        course.values ? ", or bring the targets near 1" : "");
  return fmt::format(
      "{} learned nothing in most runs: it failed in {}; the baseline is {}. What follows says "
      "more about that than about activations; try "
      "another "
      "--lr ({}), more --epochs{}.",
      control.arm, failed, course.baseline, rate_text(course), scale);
}

std::string imbalance_text(bool weighed) {
  return fmt::format(
      "One class is most of the examples, and always naming it looks like success by accuracy: "
      "{}--metric balanced-accuracy (or f1, auc, "
      "log-loss) scores what is made of the others.",
      weighed ? "" : "--class-weights balanced makes every class count as much in training, ");
}

std::string budget_text(int seeds) {
  return fmt::format(
      "Stopped by --budget at {} seeds, with arms undecided; with --store the same command and a "
      "larger budget goes on.",
      seeds);
}

std::vector<std::string> trouble(const Course& course) {
  std::vector<std::string> paragraphs;
  const char* longer = course.limited_by_steps ? "--steps" : "--epochs";
  if (const std::string arms = counted(course.arms, &Ended::diverged); !arms.empty())
    paragraphs.push_back(
        fmt::format("Diverged: {}. Such a run has no score; it is counted as a failure.", arms));
  if (const std::string arms = counted(course.arms, &Ended::collapsed); !arms.empty())
    paragraphs.push_back(
        fmt::format("Did not beat the baseline, {}, after {} steps: {}. Such a run is counted as a "
                    "failure, its score is in no mean.{}",
                    course.baseline, course.steps, arms,
                    course.imbalanced ? " " + imbalance_text(course.weighed) : ""));
  if (course.steps > 0 && course.steps < kFewSteps)
    paragraphs.push_back(
        fmt::format("No run took more than {} steps, which may be too few to tell: a larger {} "
                    "makes runs longer.",
                    course.steps, longer));
  if (std::isfinite(course.improvement))
    paragraphs.push_back(
        fmt::format("Still learning: in the last epoch the scores changed by {}, a mean over the "
                    "runs that learned. A larger {} may change what helps.",
                    mean_text(course.improvement, course.metric), longer));
  return paragraphs;
}

std::string tuning_text(const Tuning& tuning, Metric metric) {
  const char* mean = is_relative(metric) ? "geometric mean" : "mean";
  if (tuning.searched)
    return fmt::format(
        "{} is judged at {}, with which it won the search; {} at {}, the best of {} for it (the "
        "placebo too), by the {} {} of {} runs at each rate on {} validation rows, from seeds that "
        "no judged run has; the held-out examples had no part in it.",
        tuning.arms.back().arm, tuning.arms.back().learning_rate, tuning.arms.front().arm,
        tuning.arms.front().learning_rate, fmt::join(tuning.rates, ", "), mean, name(metric),
        tuning.runs, tuning.examples);
  return fmt::format(
      "Every arm has its own learning rate, the best of {}: {} (the placebo has the control's). "
      "Chosen by the {} {} of {} runs at each rate on {} validation rows, cut off the training "
      "rows, from seeds that no judged run has; the "
      "held-out examples had no "
      "part in it.",
      fmt::join(tuning.rates, ", "), rates_text(tuning), mean, name(metric), tuning.runs,
      tuning.examples);
}

std::string edge_text(const Tuning& tuning) {
  std::vector<std::string> low;
  std::vector<std::string> high;
  for (const Tuned& arm : tuning.arms) {
    if (arm.learning_rate == tuning.rates.front()) low.push_back(arm.arm);
    if (arm.learning_rate == tuning.rates.back()) high.push_back(arm.arm);
  }
  if (low.empty() && high.empty()) return "";
  std::vector<float> longer = tuning.rates;
  if (!low.empty()) longer.insert(longer.begin(), beyond(tuning.rates[0], tuning.rates[1]));
  if (!high.empty())
    longer.push_back(beyond(tuning.rates.back(), tuning.rates[tuning.rates.size() - 2]));
  std::vector<std::string> ends;
  if (!low.empty())
    ends.push_back(
        fmt::format("the lowest, {}, is the best for {}", tuning.rates.front(), join(low)));
  if (!high.empty())
    ends.push_back(
        fmt::format("the highest, {}, is the best for {}", tuning.rates.back(), join(high)));
  return fmt::format(
      "Of the rates tried, {}: a better one may lie beyond. To see: --lr {} (with --store, what "
      "was run is kept).",
      fmt::join(ends, "; "), fmt::join(longer, ","));
}
}  // namespace undying::trial
