// Findings that no unit is to blame for: the scale of the inputs, what the end of the network can put out, the loss, nothing learned.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "doctor/finding_names.h"
#include "doctor/judge.h"

namespace undying::doctor {
namespace {

constexpr double kFewTargets = 0.01;  // out of reach, up to which it is taken for noise

bool is_death(const Finding& finding) { return finding.what == kDeadNetwork || finding.what == kDeadBranch || finding.what == kDeadUnits; }

std::string figures(const InputColumn& column) {
  std::string text = fmt::format("{}: mean {:.3g}, deviation {:.3g}, 98% from {:.3g} to {:.3g}", column.name, column.mean, column.deviation,
                                 column.low, column.high);
  if (column.outlier()) text += fmt::format(", but {:.4g} in example {}", column.farthest_value, column.farthest);
  return text;
}

// The columns in figures; outliers before the others, for one row may be all that is wrong.
std::string columns_text(const InputScale& scale) {
  std::vector<InputColumn> columns = scale.columns;
  std::ranges::stable_partition(columns, [](const InputColumn& column) { return column.outlier(); });
  std::string text;
  for (const InputColumn& column : columns) text += (text.empty() ? "" : "; ") + figures(column);
  const auto named = static_cast<std::int64_t>(columns.size());
  return text + (scale.far > named ? fmt::format("; and {} more", scale.far - named) : "");
}

void look_at_scale(const Diagnosis& diagnosis, std::vector<Finding>& findings) {
  const InputScale& scale = diagnosis.scale;
  const bool lost = !diagnosis.finite() && scale.far > 0;
  if (!scale.cause() && !lost) return;
  double cost = lost ? 1.0 : 0.0;
  for (const Finding& finding : findings) cost += is_death(finding) ? finding.cost : 0.0;
  const bool outlier = std::ranges::any_of(scale.columns, &InputColumn::outlier);
  std::string evidence = fmt::format("{} of {} columns are far from unit scale over n = {} examples of {} ({})", scale.far, scale.total,
                                     diagnosis.examples, diagnosis.data, columns_text(scale));
  if (scale.cause())
    evidence +=
        fmt::format(". Over the same examples at zero mean and unit variance the same weights leave {} units dead of the {} that are",
                    scale.dead_standardised, scale.dead);
  findings.insert(findings.begin(),
                  {std::string(kScaleOfInputs),
                   "",
                   {},
                   std::min(1.0, cost),
                   std::move(evidence),
                   std::string(outlier ? "look at that example first, it may be a slip or stand for a missing value; then " : "") +
                       "train from fresh weights on inputs at unit scale (--normalize standard)"});
}

std::string interval(const Interval& interval) { return fmt::format("{:.3g} to {:.3g}", interval.least, interval.greatest); }

void look_at_reach(const Diagnosis& diagnosis, std::vector<Finding>& findings) {
  if (!diagnosis.reach || diagnosis.reach->share <= kFewTargets) return;
  const OutputReach& reach = *diagnosis.reach;
  const std::string loss(name(diagnosis.judged_by));
  const bool probabilities = diagnosis.judged_by == Loss::kSoftmaxCrossEntropy || diagnosis.judged_by == Loss::kBinaryCrossEntropy;
  if (reach.twice) {
    findings.push_back(
        {std::string(kWrongLoss),
         reach.node,
         {},
         1.0,
         fmt::format("{} takes what stands before a softmax or sigmoid, and the network ends in {}: applied twice, probabilities "
                     "run from {} (n = {} examples of {})",
                     loss, reach.what, interval(reach.outputs), diagnosis.examples, diagnosis.data),
         fmt::format("take the {} out, or train on a loss of probabilities (mse)", reach.what)});
    return;
  }
  findings.push_back(
      {std::string(kOutOfReach),
       reach.node,
       {},
       reach.share,
       fmt::format(
           "the network ends in {}, so {} run from {}; the targets run from {}, and {:.1f}% of them are out of reach (n = {} examples "
           "of {})",
           reach.what, probabilities ? "its probabilities" : "its outputs", interval(reach.outputs), interval(reach.targets),
           100.0 * reach.share, diagnosis.examples, diagnosis.data),
       probabilities ? fmt::format("no activation at the end: {} applies its own", loss)
                     : std::string("no activation at the end, or targets brought into its range")});
}

// The outputs order the classes, but are not near their 0 and 1: they are logits.
void look_at_logits(const Diagnosis& diagnosis, std::vector<Finding>& findings) {
  const bool of_values = diagnosis.judged_by == Loss::kMeanSquaredError || diagnosis.judged_by == Loss::kHuber;
  if (!of_values || !std::isfinite(diagnosis.accuracy) || !diagnosis.learned() || !(diagnosis.loss > 1.0)) return;
  findings.push_back(
      {std::string(kWrongLoss),
       "",
       {},
       0.5,
       fmt::format("{} compares the outputs with 0 and 1, one a class, and is {:.3g}, though accuracy is {:.1f}%: they are logits "
                   "(n = {} examples of {})",
                   name(diagnosis.judged_by), diagnosis.loss, 100.0 * diagnosis.accuracy, diagnosis.examples, diagnosis.data),
       "--loss cross-entropy, which takes logits"});
}

void look_at_learning(const Diagnosis& diagnosis, std::vector<Finding>& findings) {
  if (diagnosis.learned() || !diagnosis.finite()) return;
  const Baseline& baseline = *diagnosis.baseline;
  const double score = baseline.metric == Metric::kAccuracy ? diagnosis.accuracy : diagnosis.loss;
  const bool explained = std::ranges::any_of(findings, [](const Finding& finding) {
    return finding.what == kDeadNetwork || finding.what == kScaleOfInputs || finding.what == kOutOfReach || finding.what == kWrongLoss;
  });
  findings.push_back({std::string(kNotLearned),
                      "",
                      {},
                      explained ? 0.5 : 1.0,
                      fmt::format("{} on n = {} examples of {}: no better than {}, which looks at no input",
                                  score_text(baseline.metric, score), diagnosis.examples, diagnosis.data, baseline.text()),
                      explained
                          ? "see to the other findings first"
                          : "train it (a fresh draw has learned nothing), longer, or at another learning rate; then look at the data"});
}

}  // namespace

void find_in_data(const Diagnosis& diagnosis, std::vector<Finding>& findings) {
  look_at_scale(diagnosis, findings);
  look_at_reach(diagnosis, findings);
  look_at_logits(diagnosis, findings);
  look_at_learning(diagnosis, findings);
}

}  // namespace undying::doctor
