#include "study/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "study/scores.h"
#include "study/statistics.h"

namespace undying::study {
namespace {

bool is_regression(const Study& study) { return study.chance == 0.0; }

std::string p_text(double p) { return p < 1e-4 ? "p < 0.0001" : fmt::format("p = {:.2g}", p); }

// "+12.3 points test accuracy (95% interval +8.1 to +16.5, n = 5 pairs, p = 0.002 after Holm over 5 comparisons)"
std::string difference_text(const Study& study, const Comparison& comparison) {
  const Estimate& d = comparison.accuracy;
  const std::size_t arms = study.arms.size() - 1;
  const std::string p = fmt::format("{} after Holm over {} comparison{}", p_text(comparison.p_adjusted), arms, arms == 1 ? "" : "s");
  if (is_regression(study))
    return fmt::format("{:+.4g} test loss (95% interval {:+.4g} to {:+.4g}, n = {} pairs, {}; lower is better)", d.mean, d.lower, d.upper,
                       d.n, p);
  return fmt::format("{:+.1f} points test accuracy (95% interval {:+.1f} to {:+.1f}, n = {} pairs, {})", 100.0 * d.mean, 100.0 * d.lower,
                     100.0 * d.upper, d.n, p);
}

std::string trouble_text(const Arm& arm) {
  std::string text;
  const auto of = arm.runs.size();
  if (arm.collapsed > 0) text += fmt::format(" {} of its {} runs did hardly better than chance.", arm.collapsed, of);
  if (arm.diverged > 0) text += fmt::format(" {} of its {} runs diverged.", arm.diverged, of);
  if (arm.missing > 0) text += fmt::format(" {} of its {} runs {} missing.", arm.missing, of, arm.missing == 1 ? "is" : "are");
  return text;
}

std::string sentence(const Study& study, const Arm& arm) {
  const std::string where =
      fmt::format("{} against {} on {}, {}", arm.label, study.arms.front().label, study.data_name, study.settings.model);
  if (arm.comparison.verdict == Verdict::kTooFew)
    return fmt::format("{}: {} pair{} of finished runs, too few to tell.{}", where, arm.comparison.accuracy.n,
                       arm.comparison.accuracy.n == 1 ? "" : "s", trouble_text(arm));
  return fmt::format("{}: {}: {}.{}", where, difference_text(study, arm.comparison), name(arm.comparison.verdict), trouble_text(arm));
}

std::string list(const Study& study, Verdict verdict) {
  std::string text;
  for (const Arm& arm : study.arms) {
    if (arm.role != Role::kTreatment || arm.comparison.verdict != verdict) continue;
    const double difference = arm.comparison.accuracy.mean;
    text += text.empty() ? "" : ", ";
    text += is_regression(study) ? fmt::format("{} ({:+.4g})", arm.label, difference)
                                 : fmt::format("{} ({:+.1f} points)", arm.label, 100.0 * difference);
  }
  return text;
}

int treatments(const Study& study, Verdict verdict) {
  int count = 0;
  for (const Arm& arm : study.arms) count += arm.role == Role::kTreatment && arm.comparison.verdict == verdict;
  return count;
}

std::string headline(const Study& study) {
  const std::string where = fmt::format("On {} with {}", study.data_name, study.settings.model);
  const Arm& control = study.arms.front();
  if (study.arms.size() == 2) return fmt::format("{}, relu alone was run: there is nothing to compare it with.", where);
  if (control.accuracy.n == 0 && control.diverged > 0 && control.missing == 0)
    return fmt::format(
        "{}, every run of the control diverged: there is nothing to compare with. Lower --lr, or bring inputs and targets nearer to 1.",
        where);
  const std::string helps = list(study, Verdict::kHelps);
  const std::string hurts = list(study, Verdict::kHurts);
  const std::string even = list(study, Verdict::kNoDifference);
  if (helps.empty() && hurts.empty() && even.empty()) return fmt::format("{}: too few finished runs to tell.", where);
  std::string text = helps.empty() ? fmt::format("{}, no activation tried was shown to do better than relu.", where)
                                   : fmt::format("{}, instead of relu, {}: {}.", where,
                                                 treatments(study, Verdict::kHelps) == 1 ? "this helps" : "these help", helps);
  if (!hurts.empty()) text += fmt::format(" Worse than relu: {}.", hurts);
  if (!even.empty()) text += fmt::format(" No difference shown: {}.", even);
  return text;
}

std::string placebo_text(const Study& study) {
  for (const Arm& arm : study.arms) {
    if (arm.role != Role::kPlacebo || arm.comparison.accuracy.n < 2) continue;
    const std::string difference = difference_text(study, arm.comparison);
    if (arm.comparison.verdict == Verdict::kNoDifference)
      return fmt::format(
          "The placebo (relu again, from other initial draws) differs from the control by {}: no difference shown, as it should be.",
          difference);
    return fmt::format(
        "Caution: the placebo (relu again, from other initial draws) differs from the control by {}. Differences of that size can come "
        "from the initial draw alone; use more seeds before trusting the verdicts.",
        difference);
  }
  return "";
}

// Whether runs with more dead units scored worse, over the runs with ReLU.
std::string correlation_text(const Study& study) {
  std::vector<double> dead;
  std::vector<double> scores;
  for (const Arm& arm : study.arms) {
    if (arm.role == Role::kTreatment) continue;
    for (const ArmRun& run : arm.runs) {
      if (!run.present || run.run.status != RunStatus::kFinished || run.run.ledger.censuses.empty()) continue;
      dead.push_back(static_cast<double>(run.run.ledger.dead()) / static_cast<double>(run.run.ledger.units()));
      scores.push_back(is_regression(study) ? run.run.test_loss : run.run.test_accuracy);
    }
  }
  const Correlation found = correlation(dead, scores);
  if (!std::isfinite(found.r)) return "";
  return fmt::format(" Over the {} relu runs, the share of dead units and the {} correlate with r = {:+.2f} ({}).", found.n,
                     is_regression(study) ? "test loss" : "test accuracy", found.r, p_text(found.p_value));
}

bool some_undying_arm_helps(const Study& study) {
  for (const Arm& arm : study.arms)
    if (arm.role == Role::kTreatment && !arm.activation.can_be_dead() && arm.comparison.verdict == Verdict::kHelps) return true;
  return false;
}

// What a layer of the control lost.
struct LayerLoss {
  std::string layer;
  std::int64_t units = 0;
  double mean = 0.0;  // share dead at the end, over the finished runs
  double most = 0.0;  // in one run
};

std::vector<LayerLoss> losses_by_layer(const Arm& control) {
  std::vector<LayerLoss> layers;
  int runs = 0;
  for (const ArmRun& run : control.runs) {
    if (!run.present || run.run.status != RunStatus::kFinished || run.run.ledger.censuses.empty()) continue;
    const Ledger& ledger = run.run.ledger;
    ++runs;
    layers.resize(ledger.layers.size());
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const std::vector<UnitLife>& lives = ledger.lives[l];
      const auto dead = std::count_if(lives.begin(), lives.end(), [](const UnitLife& life) { return life.state == UnitState::kDead; });
      const double share = lives.empty() ? 0.0 : static_cast<double>(dead) / static_cast<double>(lives.size());
      layers[l].layer = ledger.layers[l];
      layers[l].units = static_cast<std::int64_t>(lives.size());
      layers[l].mean += share;
      layers[l].most = std::max(layers[l].most, share);
    }
  }
  for (LayerLoss& layer : layers) layer.mean /= runs;
  return layers;
}

// Below these shares dead units are too few to explain a difference: of all units, and of those of any layer in any run, since it may be
// a layer that everything has to pass.
constexpr double kFewOfAll = 0.01;
constexpr double kFewOfALayer = 0.1;

// ", the layer hit hardest is layer.3: 40.0% of its 20 units, 55.0% in one run"
std::string hardest_hit_text(std::span<const LayerLoss> layers) {
  const auto hit = std::max_element(layers.begin(), layers.end(), [](const LayerLoss& a, const LayerLoss& b) { return a.mean < b.mean; });
  if (layers.size() < 2 || hit->mean == 0.0) return "";
  const std::string worst = hit->most > hit->mean ? fmt::format(", {:.1f}% in one run", 100.0 * hit->most) : "";
  return fmt::format("; the layer hit hardest is {}: {:.1f}% of its {} units{}", hit->layer, 100.0 * hit->mean, hit->units, worst);
}

std::string dead_text(const Study& study) {
  const Arm& control = study.arms.front();
  if (control.dead_share.n == 0) return "";
  const std::int64_t units = [&] {
    for (const ArmRun& run : control.runs)
      if (run.present) return run.run.ledger.units();
    return std::int64_t{0};
  }();
  const std::vector<LayerLoss> layers = losses_by_layer(control);
  const bool few_of_each = std::all_of(layers.begin(), layers.end(), [](const LayerLoss& layer) { return layer.most < kFewOfALayer; });
  const std::string share = fmt::format(
      "{:.1f}% of the {} hidden units of the control were dead at the end on all {} training examples of {} (mean of {} run{}; {:.1f}% "
      "were born dead){}",
      100.0 * control.dead_share.mean, units, study.train_examples, study.data_name, control.dead_share.n,
      control.dead_share.n == 1 ? "" : "s", 100.0 * control.born_dead_share.mean, hardest_hit_text(layers));
  if (control.dead_share.mean < kFewOfAll && few_of_each)
    return fmt::format("Dead neurons: {}. So few can hardly explain a difference: what helps or hurts here does so by other means.", share);
  if (study.arms.size() == 2) return fmt::format("Dead neurons: {}.", share);
  if (treatments(study, Verdict::kTooFew) > 0)
    return fmt::format("Dead neurons: {}. Whether they mattered cannot be told from so few runs.", share);
  if (!some_undying_arm_helps(study))
    return fmt::format(
        "Dead neurons: {}. No activation whose units cannot die was shown to do better, so they were not shown to matter here.{}", share,
        correlation_text(study));
  return fmt::format(
      "Dead neurons: {}. Activations whose units cannot die did better, as they would if dead neurons mattered here; they also change the "
      "signal and the "
      "gradient of living units, so this alone does not prove the cause.{}",
      share, correlation_text(study));
}

// An interval that leaves out 0 beside "no difference shown" wants a word.
std::string open_text(const Study& study) {
  std::string text;
  for (const Arm& arm : study.arms) {
    const Estimate& d = arm.comparison.accuracy;
    if (arm.role != Role::kTreatment || arm.comparison.verdict != Verdict::kNoDifference || !(d.lower > 0.0 || d.upper < 0.0)) continue;
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", arm.label, p_text(arm.comparison.p_adjusted));
  }
  if (text.empty()) return "";
  return fmt::format("Open: {}. An interval by itself leaves out 0 there, but not after Holm over {} comparisons: more seeds would tell.",
                     text, study.arms.size() - 1);
}

// "relu (4 of 10 runs), elu (1 of 10 runs)", of the arms with a count.
template <class Count>
std::string counted(const Study& study, Count count) {
  std::string text;
  for (const Arm& arm : study.arms)
    if (count(arm) > 0) text += fmt::format("{}{} ({} of {} runs)", text.empty() ? "" : ", ", arm.label, count(arm), arm.runs.size());
  return text;
}

std::int64_t most_steps(const Study& study) {
  std::int64_t most = 0;
  for (const Arm& arm : study.arms)
    for (const ArmRun& run : arm.runs)
      if (run.present && run.run.status == RunStatus::kFinished && !run.run.epochs.empty())
        most = std::max(most, run.run.epochs.back().step);
  return most;
}

constexpr std::int64_t kFewSteps = 100;

}  // namespace

std::vector<std::string> trouble(const Study& study) {
  std::vector<std::string> paragraphs;
  const std::int64_t steps = most_steps(study);
  if (const std::string arms = counted(study, [](const Arm& arm) { return arm.diverged; }); !arms.empty()) {
    const double score = score_when_diverged(study);
    const std::string counts = !std::isfinite(score)  ? "has no score"
                               : is_regression(study) ? fmt::format("counts with the worst test loss of a run that did not, {:.4g}", score)
                                                      : fmt::format("counts with the accuracy of chance, {:.1f}%", 100.0 * score);
    paragraphs.push_back(fmt::format("Diverged: {}. Such a run {}.", arms, counts));
  }
  if (const std::string arms = counted(study, [](const Arm& arm) { return arm.collapsed; }); !arms.empty())
    paragraphs.push_back(
        fmt::format("Hardly better than chance (at most {:.1f}%) after {} steps: {}.", 100.0 * collapse_bound(study), steps, arms));
  if (steps > 0 && steps < kFewSteps)
    paragraphs.push_back(fmt::format("No run took more than {} steps, which may be too few to tell: a larger {} makes runs longer.", steps,
                                     study.settings.train.max_steps > 0 ? "--steps" : "--epochs"));
  return paragraphs;
}

void write_verdicts(Study& study) {
  for (std::size_t i = 1; i < study.arms.size(); ++i) study.arms[i].comparison.sentence = sentence(study, study.arms[i]);
  study.verdict.clear();
  if (study.missing > 0) {
    std::size_t runs = 0;
    for (const Arm& arm : study.arms) runs += arm.runs.size();
    const bool none = study.missing == static_cast<int>(runs);
    study.verdict.push_back(
        none ? fmt::format("Interrupted before any of {} runs was finished.", runs)
             : fmt::format("Interrupted: {} of {} runs are missing; what follows rests on the others.", study.missing, runs));
    if (none) return;
  }
  study.verdict.push_back(headline(study));
  for (const std::string& paragraph : {open_text(study), dead_text(study), placebo_text(study)})
    if (!paragraph.empty()) study.verdict.push_back(paragraph);
  for (const std::string& paragraph : trouble(study)) study.verdict.push_back(paragraph);
  if (!study.data_note.empty()) study.verdict.push_back(fmt::format("Data: {}.", study.data_note));
}

}  // namespace undying::study
