// A diagnosis: what is seen of the network (diagnose/observe.h), judged (diagnose/judge_layers.h),
// and put as findings. Here is the order of it, and the sums over layers.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "data/named.h"
#include "doctor/diagnose/finding_names.h"
#include "doctor/diagnose/judge_layers.h"
#include "doctor/diagnose/reach.h"
#include "doctor/diagnose/recurrent.h"
#include "doctor/network.h"
#include "health/judge.h"
#include "ops/loss.h"
#include "undying/error.h"

namespace undying {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

template <class Count>
std::int64_t total(const Diagnosis& diagnosis, Count count) {
  std::int64_t sum = 0;
  for (const LayerDiagnosis& layer : diagnosis.layers) sum += count(layer);
  return sum;
}

template <class Count>
std::int64_t hidden(const Diagnosis& diagnosis, Count count) {
  std::int64_t sum = 0;
  for (const RecurrentDiagnosis& layer : diagnosis.recurrent) sum += count(layer);
  return sum;
}

// Of the first weight of a layer over that of the last: what one is computed from is no layer's.
double gradient_ratio(const engine::Model& model, const std::vector<GradientNorm>& norms) {
  std::vector<double> of_layers;
  for (const GradientNorm& norm : norms)
    if (!std::ranges::find(model.parameters(), norm.parameter, &engine::Parameter::name)->leaf)
      of_layers.push_back(norm.gradient);
  return of_layers.empty() ? kNan : of_layers.front() / of_layers.back();
}

void score(Diagnosis& diagnosis, const engine::Model& model, const doctor::Observation& seen,
           const Dataset& data) {
  diagnosis.loss = diagnosis.accuracy = diagnosis.gradient_norm_ratio = kNan;
  if (!seen.gradients) return;
  const auto n = static_cast<double>(data.size);
  diagnosis.loss = seen.gradients->loss.loss / n * data.loss_unit();
  if (data.classes > 0) diagnosis.accuracy = static_cast<double>(seen.gradients->loss.correct) / n;
  diagnosis.gradient_norm_ratio = gradient_ratio(model, diagnosis.gradients);
}

Dataset targets_of(const Dataset& data, const OutputLoss& output) {
  return data::targets_alone(data, output.target, output.columns,
                             output.classes ? std::max<std::int64_t>(2, output.width) : 0);
}

// What each of several outputs is worth by itself.
std::vector<OutputScore> output_scores(const Graph& graph, const std::vector<Tensor>& weights,
                                       const Dataset& data, const DiagnoseSettings& settings) {
  std::vector<OutputScore> scores;
  if (settings.outputs.empty() || !doctor::has_targets(data)) return scores;
  const Dataset& training = settings.training != nullptr ? *settings.training : data;
  Trainer trainer(graph, {.threads = settings.threads, .outputs = settings.outputs});
  trainer.load(doctor::tensors_of(doctor::make_model(graph, weights)));
  const std::vector<float> values = trainer.predict(data);
  const ops::LossOptions options{.outputs = settings.outputs};
  const auto n = static_cast<double>(data.size);
  for (const OutputLoss& output : settings.outputs) {
    const ops::LossSums sums = ops::compute_loss(options, output,
                                                 {.rows = data.size,
                                                  .width = ops::element_count(graph.output_shape()),
                                                  .outputs = values.data(),
                                                  .targets = data.targets.data()});
    scores.push_back(
        {output, sums.loss / n, output.classes ? static_cast<double>(sums.correct) / n : kNan,
         baseline(targets_of(training, output), targets_of(data, output), {.loss = output.loss})});
  }
  return scores;
}

}  // namespace

std::string_view name(DeadCause cause) {
  constexpr std::array<std::string_view, 9> kNames = {
      "none",         "all its incoming weights are 0", "all its inputs are dead",
      "gamma near 0", "beta far below its input",       "bias far below its input",
      "weights",      "nothing that it weighs varies",  "not the output of one layer"};
  return kNames[static_cast<std::size_t>(cause)];
}

std::span<const std::string_view> finding_names() { return doctor::kFindingNames; }

bool GateDiagnosis::is_stuck(std::size_t unit, bool at_one) const {
  return (at_one ? open : closed)[unit] >= health::kSaturatedShare;
}
std::int64_t GateDiagnosis::stuck(bool at_one) const {
  std::int64_t count = 0;
  for (std::size_t unit = 0; unit < mean.size(); ++unit) count += is_stuck(unit, at_one);
  return count;
}
std::int64_t RecurrentDiagnosis::dead() const {
  return std::ranges::count(lives, true, &HiddenUnit::dead);
}
std::int64_t RecurrentDiagnosis::saturated_units() const {
  return std::ranges::count(lives, true, &HiddenUnit::saturated);
}

std::int64_t Diagnosis::units() const {
  return total(*this, [](const auto& layer) { return layer.units; }) +
         hidden(*this, [](const auto& layer) { return layer.units; });
}
std::int64_t Diagnosis::dead() const {
  return total(*this, [](const auto& layer) { return layer.dead; }) +
         hidden(*this, [](const auto& layer) { return layer.dead(); });
}
std::int64_t Diagnosis::locked() const {
  return total(*this, [](const auto& layer) { return layer.locked; });
}
std::int64_t Diagnosis::always_negative() const {
  return total(*this, [](const auto& layer) { return layer.always_negative; });
}
std::int64_t Diagnosis::dormant() const {
  return total(*this, [](const auto& layer) { return layer.dormant; });
}
std::int64_t Diagnosis::saturated_units() const {
  return total(*this, [](const auto& layer) { return layer.saturated_units; }) +
         hidden(*this, [](const auto& layer) { return layer.saturated_units(); });
}

std::int64_t Diagnosis::constant() const {
  return total(*this, [](const auto& layer) { return layer.constant; });
}
std::int64_t Diagnosis::zero_weights() const {
  return total(*this, [](const auto& layer) {
    return std::ranges::count(layer.lives, DeadCause::kZeroWeights, &UnitDiagnosis::cause);
  });
}
bool Diagnosis::found(std::string_view what) const {
  return std::ranges::find(findings, what, &Finding::what) != findings.end();
}

bool Diagnosis::learned() const {
  return !baseline || baseline->beaten_by(baseline->metric == Metric::kAccuracy ? accuracy : loss);
}

bool Diagnosis::finite() const {
  const auto is_finite = [](const LayerDiagnosis& layer) {
    return std::isfinite(layer.signal_mean);
  };
  return (!has_targets || std::isfinite(loss)) &&
         std::all_of(layers.begin(), layers.end(), is_finite);
}

Diagnosis diagnose(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data,
                   const DiagnoseSettings& settings) {
  const Loss loss = doctor::loss_for(data, settings.loss);
  const doctor::Network network =
      settings.outputs.empty() ? doctor::without_head(graph, loss) : doctor::Network{graph, {}, {}};
  doctor::check_inputs(network.graph, data);
  if (doctor::has_targets(data)) doctor::check_targets(network.graph, data, loss, settings.outputs);
  engine::Model model = doctor::make_model(network.graph, weights);
  std::vector<engine::Wiring> wirings;
  for (const engine::Layer& layer : model.layers())
    wirings.push_back(engine::wiring_of(model, layer));
  const doctor::Observation seen = doctor::observe(model, wirings, data, loss, settings);
  Diagnosis diagnosis{
      .data = data.name,
      .examples = data.size,
      .has_targets = doctor::has_targets(data),
      .judged_by = loss,
      .saturation_eps = settings.saturation_eps,
      .dormant_tau = settings.dormant_tau,
      .layers = doctor::judge_layers(model, wirings, seen, settings),
      .recurrent = seen.recurrent,
      .gradients = doctor::gradient_norms(model, seen),
      .scale = seen.scale,
      .outputs = output_scores(network.graph, weights, data, settings),
      .reach = settings.outputs.empty() ? doctor::reach_of(model, data, loss) : std::nullopt,
      .notes = network.notes,
      .passes = seen.passes};
  score(diagnosis, model, seen, data);
  const Dataset& training = settings.training != nullptr ? *settings.training : data;
  if (diagnosis.has_targets)
    diagnosis.baseline = baseline(training, data, {.loss = loss, .outputs = settings.outputs});
  diagnosis.findings = doctor::find(model, wirings, seen, diagnosis);
  return diagnosis;
}

}  // namespace undying
