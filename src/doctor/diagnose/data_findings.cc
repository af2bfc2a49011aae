// Findings that no unit is to blame for: the scale of the inputs, what the end of the network can
// put out, the loss, nothing learned.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "doctor/diagnose/finding_names.h"
#include "doctor/diagnose/judge_layers.h"

namespace undying::doctor {
namespace {

constexpr double kFewTargets = 0.01;  // out of reach, up to which it is taken for noise

bool is_death(const Finding& finding) {
  return finding.what == kDeadNetwork || finding.what == kDeadBranch || finding.what == kDeadUnits;
}

std::string figures(const InputColumn& column) {
  std::string text =
      fmt::format("{}: mean {:.3g}, deviation {:.3g}, 98% from {:.3g} to {:.3g}", column.name,
                  column.mean, column.deviation, column.low, column.high);
  if (column.outlier()) {
    text += fmt::format(", but {:.4g} in example {}", column.farthest_value, column.farthest);
    if (column.farthest_row != column.farthest)
      text += fmt::format(", row {} of its source (both counted from 0)", column.farthest_row);
  }
  return text;
}

// The columns in figures; outliers before the others, for one row may be all that is wrong.
std::string columns_text(const InputScale& scale) {
  std::vector<InputColumn> columns = scale.columns;
  std::ranges::stable_partition(columns,
                                [](const InputColumn& column) { return column.outlier(); });
  std::string text;
  for (const InputColumn& column : columns) text += (text.empty() ? "" : "; ") + figures(column);
  const auto named = static_cast<std::int64_t>(columns.size());
  return text + (scale.far > named ? fmt::format("; and {} more", scale.far - named) : "");
}

void add(std::vector<Finding>& findings, std::string_view what, std::string layer, double cost,
         std::string evidence, std::string remedy) {
  findings.push_back({std::string(what),
                      std::move(layer),
                      {},
                      std::min(1.0, cost),
                      std::move(evidence),
                      std::move(remedy)});
}

std::string n_of(const Diagnosis& diagnosis) {
  return fmt::format("(n = {} examples of {})", diagnosis.examples, diagnosis.data);
}

std::string scale_evidence(const Diagnosis& diagnosis, bool outlier) {
  const InputScale& scale = diagnosis.scale;
  std::string text = fmt::format("{} of {} columns are far from unit scale {}: {}", scale.far,
                                 scale.total, n_of(diagnosis), columns_text(scale));
  if (!diagnosis.finite()) return text + ". Whether that is why nothing is finite is not shown";
  if (scale.dead_standardised < 0) return text;
  return text + fmt::format(
                    ". Over the same examples at zero mean and unit variance{} the same weights "
                    "leave {} units dead, not {}",
                    outlier ? ", that value brought in," : "", scale.dead_standardised, scale.dead);
}

// Blamed where unit scale takes most deaths away; where nothing is finite any more; and a single
// value far off all others, where the network is not well, whatever the what-if makes of it.
void look_at_scale(const Diagnosis& diagnosis, std::vector<Finding>& findings) {
  constexpr double kManyDead = 0.1;
  const InputScale& scale = diagnosis.scale;
  const bool outlier = std::ranges::any_of(scale.columns, &InputColumn::outlier);
  const bool many_dead =
      static_cast<double>(scale.dead) > kManyDead * static_cast<double>(diagnosis.units());
  const bool lost = !diagnosis.finite() && scale.far > 0;
  if (!scale.cause() && !lost && !(outlier && (many_dead || !diagnosis.learned()))) return;
  double cost = lost ? 1.0 : scale.cause() ? 0.0 : 0.5;
  for (const Finding& finding : findings)
    cost += scale.cause() && is_death(finding) ? finding.cost : 0.0;
  add(findings, kScaleOfInputs, "", cost, scale_evidence(diagnosis, outlier),
      std::string(
          outlier
              ? "look at that example first, it may be a slip or stand for a missing value; then "
              : "") +
          "train from fresh weights on inputs at unit scale (--normalize standard)");
  std::ranges::rotate(findings, findings.end() - 1);  // before what it causes
}

// "from 0 to 1", "from 0 up"
std::string interval(const Interval& interval) {
  if (std::isinf(interval.least)) return fmt::format("up to {:.3g}", interval.greatest);
  if (std::isinf(interval.greatest)) return fmt::format("from {:.3g} up", interval.least);
  return fmt::format("from {:.3g} to {:.3g}", interval.least, interval.greatest);
}

void look_at_reach(const Diagnosis& diagnosis, std::vector<Finding>& findings) {
  if (!diagnosis.reach || diagnosis.reach->share <= kFewTargets) return;
  const OutputReach& reach = *diagnosis.reach;
  const std::string_view loss = name(diagnosis.judged_by);
  const bool probabilities = kind(diagnosis.judged_by) != LossKind::kValues;
  if (reach.twice)
    return add(
        findings, kWrongLoss, reach.node, 1.0,
        fmt::format("{} takes what stands before a softmax or sigmoid, and the network ends in {}: "
                    "applied twice, probabilities run {} {}",
                    loss, reach.what, interval(reach.outputs), n_of(diagnosis)),
        fmt::format("take the {} out, or train on a loss of probabilities (mse)", reach.what));
  add(findings, kOutOfReach, reach.node, reach.share,
      fmt::format("the network ends in {}, so {} run {}; the targets run {}, and {:.1f}% of them "
                  "are out of reach {}",
                  reach.what, probabilities ? "its probabilities" : "its outputs",
                  interval(reach.outputs), interval(reach.targets), 100.0 * reach.share,
                  n_of(diagnosis)),
      probabilities ? fmt::format("no activation at the end: {} applies its own", loss)
                    : std::string("no activation at the end, or targets brought into its range"));
}

// The outputs order the classes, but are not near their 0 and 1: they are logits.
void look_at_logits(const Diagnosis& diagnosis, std::vector<Finding>& findings) {
  const bool of_values = kind(diagnosis.judged_by) == LossKind::kValues;
  if (!of_values || !std::isfinite(diagnosis.accuracy) || !diagnosis.learned() ||
      !(diagnosis.loss > 1.0))
    return;
  add(findings, kWrongLoss, "", 0.5,
      fmt::format("{} compares the outputs with 0 and 1, one a class, and is {:.3g}, though "
                  "accuracy is {:.1f}%: they are logits {}",
                  name(diagnosis.judged_by), diagnosis.loss, 100.0 * diagnosis.accuracy,
                  n_of(diagnosis)),
      "--loss cross-entropy, which takes logits");
}

void look_at_learning(const Diagnosis& diagnosis, std::vector<Finding>& findings) {
  if (!diagnosis.baseline || diagnosis.learned() || !diagnosis.finite()) return;
  const Baseline& baseline = *diagnosis.baseline;
  const double score = baseline.metric == Metric::kAccuracy ? diagnosis.accuracy : diagnosis.loss;
  const bool explained = std::ranges::any_of(findings, [](const Finding& finding) {
    return finding.what == kDeadNetwork || finding.what == kScaleOfInputs ||
           finding.what == kOutOfReach || finding.what == kWrongLoss || finding.what == kNoGradient;
  });
  add(findings, kNotLearned, "", 0.5, not_learned_text(baseline, score) + " " + n_of(diagnosis),
      explained ? "see to the other findings first"
                : "train it (a fresh draw has learned nothing), longer, or at another learning "
                  "rate; then look at the data");
}

}  // namespace

std::string not_learned_text(const Baseline& baseline, double score) {
  return fmt::format(
      "{} {} {}, an answer that looks at no input", score_text(baseline.metric, score),
      better(baseline.metric, score, baseline.score) ? "is within chance of" : "does not beat",
      baseline.text());
}

void find_in_data(const Diagnosis& diagnosis, std::vector<Finding>& findings) {
  look_at_scale(diagnosis, findings);
  look_at_reach(diagnosis, findings);
  look_at_logits(diagnosis, findings);
  look_at_learning(diagnosis, findings);
}

}  // namespace undying::doctor
