#include "doctor/judge.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace undying::doctor {
namespace {

using Role = ops::ParameterSpec::Role;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kSaturatedShare = 0.95;  // of D, from which a unit is called saturated
constexpr double kScaleNearZero = 1e-3;   // |gamma| against the largest of its layer

class Judge {
 public:
  Judge(const engine::Model& model, const std::vector<Wiring>& wirings, const Observation& seen, const DiagnoseSettings& settings)
      : model_(model), wirings_(wirings), seen_(seen), settings_(settings) {}

  std::vector<LayerDiagnosis> run() {
    for (std::size_t l = 0; l < model_.layers().size(); ++l) layers_.push_back(judge_layer(l));
    for (std::size_t l = 0; l < layers_.size(); ++l) explain(l);
    return std::move(layers_);
  }

 private:
  LayerDiagnosis judge_layer(std::size_t l) const {
    const engine::Layer& layer = model_.layers()[l];
    LayerDiagnosis found{.name = layer.name,
                         .activation = layer.activation,
                         .units = layer.units,
                         .positions = layer.positions,
                         .n = seen_.examples * layer.positions,
                         .effective_rank = seen_.rank[l],
                         .rank_rows = seen_.rank_rows,
                         .bypassed = wirings_[l].bypassed};
    for (std::int64_t unit = 0; unit < layer.units; ++unit) found.lives.push_back(judge_unit(l, unit, found.n));
    measure(l, found);
    mark_dormant(found);
    count(found);
    return found;
  }

  UnitDiagnosis judge_unit(std::size_t l, std::int64_t unit, std::int64_t n) const {
    const auto i = static_cast<std::size_t>(model_.layers()[l].offset + unit);
    const engine::Census& census = seen_.census;
    const auto count = static_cast<double>(n);
    const bool silent = census.fired[i] == 0;
    // relu6: at its ceiling; below 0 it is silent, which is counted apart.
    const Activation& f = model_.layers()[l].activation;
    const bool ceiling = saturates(f) && f.derivative(-1.0f) == 0.0f;
    const std::int64_t saturated = census.saturated[i] - (ceiling ? n - census.fired[i] : 0);
    UnitDiagnosis life{.firing_rate = static_cast<double>(census.fired[i]) / count,
                       .saturated = static_cast<double>(saturated) / count,
                       .abs_mean = census.abs_sum[i] / count,
                       .preactivation_max = census.max[i],
                       .gradient = seen_.gradients ? seen_.gradients->units[i] : kNan};
    life.state = silent && census.gradient_zero[i] == n ? UnitState::kDead
                 : silent                               ? UnitState::kAlwaysNegative
                 : census.fired[i] == n                 ? UnitState::kAlwaysPositive
                                                        : UnitState::kAlive;
    life.never_wins = !seen_.never_wins[l].empty() && seen_.never_wins[l][static_cast<std::size_t>(unit)] != 0;
    return life;
  }

  void measure(std::size_t l, LayerDiagnosis& found) const {
    const engine::Layer& layer = model_.layers()[l];
    double sum = 0.0, squares = 0.0, saturated = 0.0;
    for (std::int64_t unit = 0; unit < layer.units; ++unit) {
      const auto i = static_cast<std::size_t>(layer.offset + unit);
      sum += seen_.census.sum[i];
      squares += seen_.census.square_sum[i];
      saturated += static_cast<double>(seen_.census.saturated[i]);
    }
    const double outputs = static_cast<double>(found.n) * static_cast<double>(found.units);
    found.saturated = saturated / outputs;
    found.signal_mean = sum / outputs;
    found.signal_variance = squares / outputs - found.signal_mean * found.signal_mean;
    if (found.signal_variance < 0.0) found.signal_variance = 0.0;  // rounding; not where it is not a number
  }

  // Relative to the layer, as the definition has it; dead and always negative units are counted as such.
  void mark_dormant(LayerDiagnosis& found) const {
    double mean = 0.0;
    for (const UnitDiagnosis& life : found.lives) mean += life.abs_mean / static_cast<double>(found.units);
    for (UnitDiagnosis& life : found.lives) life.dormant = life.firing_rate > 0.0 && life.abs_mean <= settings_.dormant_tau * mean;
  }

  static void count(LayerDiagnosis& found) {
    const bool saturating = saturates(found.activation);
    for (const UnitDiagnosis& life : found.lives) {
      found.dead += life.state == UnitState::kDead;
      found.always_negative += life.state == UnitState::kAlwaysNegative;
      found.always_positive += life.state == UnitState::kAlwaysPositive;
      found.dormant += life.dormant;
      found.never_wins += life.never_wins;
      found.saturated_units += saturating && life.saturated >= kSaturatedShare;
      found.firing_rate += life.firing_rate / static_cast<double>(found.units);
      const std::size_t bin = life.firing_rate <= 0.0   ? 0
                              : life.firing_rate >= 1.0 ? 11
                                                        : static_cast<std::size_t>(std::ceil(10.0 * life.firing_rate));
      ++found.histogram[bin];
    }
  }

  void explain(std::size_t l) {
    LayerDiagnosis& found = layers_[l];
    const bool below = learns_below(l);
    for (std::int64_t unit = 0; unit < found.units; ++unit) {
      UnitDiagnosis& life = found.lives[static_cast<std::size_t>(unit)];
      if (life.state != UnitState::kDead) continue;
      life.cause = cause_of(l, unit, life);
      life.locked = !below && !own_gradient(l, unit);
      found.locked += life.locked;
    }
  }

  bool any_gradient(int parameter) const {
    const engine::Parameter& p = model_.parameters()[static_cast<std::size_t>(parameter)];
    if (!p.trained) return false;
    if (!seen_.gradients) return true;
    const auto begin = seen_.gradients->nonzero.begin() + p.offset;
    return std::find(begin, begin + p.size, 1) != begin + p.size;
  }

  // Whether a parameter upstream of the weights that make z has a gradient; without targets, whether there is one.
  bool learns_below(std::size_t l) const {
    const int weight = wirings_[l].weight;
    const std::vector<bool> before = upstream(model_.graph(), weight >= 0 ? weight : model_.layers()[l].node);
    for (int node = 0; node < static_cast<int>(before.size()); ++node)
      if (before[static_cast<std::size_t>(node)] && std::ranges::any_of(model_.parameters_of(node), [&](int p) { return any_gradient(p); }))
        return true;
    return false;
  }

  // Of the unit's own row: only where a tensor is shared. Without targets f' = 0 says that there is none.
  bool own_gradient(std::size_t l, std::int64_t unit) const {
    bool any = false;
    if (!seen_.gradients) return any;
    for (const Span& span : incoming(model_, wirings_[l], unit)) {
      const std::int64_t offset = model_.parameters()[static_cast<std::size_t>(span.parameter)].offset;
      span.each([&](std::int64_t i) { any = any || seen_.gradients->nonzero[static_cast<std::size_t>(offset + i)] != 0; });
    }
    return any;
  }

  DeadCause cause_of(std::size_t l, std::int64_t unit, const UnitDiagnosis& life) const {
    const Wiring& wiring = wirings_[l];
    if (wiring.weight < 0) return DeadCause::kUnknown;
    if (reads_dead_units(wiring.weight)) return DeadCause::kDeadInputs;
    if (wiring.norm >= 0) {
      const std::span<const float> gamma = values(wiring.norm, Role::kScale);
      float largest = 0.0f;
      for (const float value : gamma) largest = std::max(largest, std::fabs(value));
      if (std::fabs(gamma[static_cast<std::size_t>(unit)]) <= kScaleNearZero * largest) return DeadCause::kScaleNearZero;
      const double beta = values(wiring.norm, Role::kShift)[static_cast<std::size_t>(unit)];
      return life.preactivation_max - beta > 0.0 ? DeadCause::kShiftFarBelow : DeadCause::kWeights;
    }
    const std::span<const float> bias = values(wiring.weight, Role::kBias);
    if (bias.empty()) return DeadCause::kWeights;
    return life.preactivation_max - bias[static_cast<std::size_t>(unit)] > 0.0 ? DeadCause::kBiasFarBelow : DeadCause::kWeights;
  }

  bool reads_dead_units(int weight) const {
    for (std::size_t l = 0; l < layers_.size(); ++l)
      for (const Reader& reader : wirings_[l].readers)
        if (reader.node == weight) return layers_[l].dead == layers_[l].units;
    return false;
  }

  std::span<const float> values(int node, Role role) const {
    const int index = parameter_of(model_, node, role);
    if (index < 0) return {};
    const engine::Parameter& parameter = model_.parameters()[static_cast<std::size_t>(index)];
    return {model_.values(parameter), static_cast<std::size_t>(parameter.size)};
  }

  const engine::Model& model_;
  const std::vector<Wiring>& wirings_;
  const Observation& seen_;
  const DiagnoseSettings& settings_;
  std::vector<LayerDiagnosis> layers_;
};

}  // namespace

std::vector<LayerDiagnosis> judge_layers(const engine::Model& model, const std::vector<Wiring>& wirings, const Observation& seen,
                                         const DiagnoseSettings& settings) {
  return Judge(model, wirings, seen, settings).run();
}

std::vector<GradientNorm> gradient_norms(const engine::Model& model, const Observation& seen) {
  std::vector<GradientNorm> norms;
  if (!seen.gradients) return norms;
  for (const engine::Parameter& parameter : model.parameters()) {
    if (parameter.role != Role::kWeight) continue;
    double gradient = 0.0, weight = 0.0;
    for (std::int64_t i = 0; i < parameter.size; ++i) {
      const double g = seen.gradients->mean[static_cast<std::size_t>(parameter.offset + i)];
      const double w = model.values(parameter)[i];
      gradient += g * g;
      weight += w * w;
    }
    norms.push_back({parameter.name, std::sqrt(gradient), std::sqrt(weight)});
  }
  return norms;
}

}  // namespace undying::doctor
