#include "doctor/diagnose/judge_layers.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "health/judge.h"

namespace undying::doctor {
namespace {

using Role = ops::ParameterSpec::Role;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kScaleNearZero = 1e-3;  // |gamma| against the largest of its layer

// What the judge of units says of each layer, with what the wiring and the gradients add: causes,
// and what is locked.
class Explainer {
 public:
  Explainer(const engine::Model& model, const std::vector<engine::Wiring>& wirings,
            const Observation& seen, const DiagnoseSettings& settings)
      : model_(model), wirings_(wirings), seen_(seen), settings_(settings) {}

  std::vector<LayerDiagnosis> run() {
    for (std::size_t l = 0; l < model_.layers().size(); ++l) layers_.push_back(judged(l));
    for (std::size_t l = 0; l < layers_.size(); ++l) explain(l);
    return std::move(layers_);
  }

 private:
  LayerDiagnosis judged(std::size_t l) const {
    const engine::Layer& layer = model_.layers()[l];
    const health::LayerJudgement verdict =
        health::judge(layer, seen_.census, seen_.examples, settings_.dormant_tau);
    LayerDiagnosis found{.name = layer.name,
                         .activation = layer.activation,
                         .units = layer.units,
                         .positions = layer.positions,
                         .n = verdict.n,
                         .dead = verdict.count(UnitState::kDead),
                         .always_negative = verdict.count(UnitState::kAlwaysNegative),
                         .always_positive = verdict.count(UnitState::kAlwaysPositive),
                         .dormant = verdict.count(&health::UnitJudgement::dormant),
                         .constant = verdict.count(&health::UnitJudgement::constant),
                         .saturated_units = verdict.count(&health::UnitJudgement::saturated),
                         .firing_rate = verdict.firing_rate,
                         .saturated = verdict.saturated,
                         .signal_mean = verdict.signal_mean,
                         .signal_variance = verdict.signal_variance,
                         .effective_rank = seen_.rank[l].rank,
                         .effective_rank_error = seen_.rank[l].error,
                         .rank_rows = seen_.rank_rows,
                         .bypassed = wirings_[l].bypassed};
    for (std::size_t unit = 0; unit < verdict.units.size(); ++unit)
      add_unit(l, unit, verdict.units[unit], found);
    return found;
  }

  void add_unit(std::size_t l, std::size_t unit, const health::UnitJudgement& verdict,
                LayerDiagnosis& found) const {
    const std::vector<std::uint8_t>& losers = seen_.never_wins[l];
    const auto at = static_cast<std::size_t>(model_.layers()[l].offset) + unit;
    found.lives.push_back(
        {.state = verdict.state,
         .dormant = verdict.dormant,
         .constant = verdict.constant,
         .saturated = verdict.saturated,
         .never_wins = !losers.empty() && losers[unit] != 0,
         .firing_rate = verdict.firing_rate,
         .saturated_share = health::saturated_share(verdict.counts, found.activation),
         .abs_mean = verdict.counts.abs_mean,
         .preactivation_max = verdict.counts.max,
         .gradient = seen_.gradients ? seen_.gradients->units[at] : kNan});
    found.never_wins += found.lives.back().never_wins;
    const double rate = verdict.firing_rate;
    ++found.histogram[rate <= 0.0   ? 0
                      : rate >= 1.0 ? 11
                                    : static_cast<std::size_t>(std::ceil(10.0 * rate))];
  }

  void explain(std::size_t l) {
    LayerDiagnosis& found = layers_[l];
    const bool below = learns_below(l);
    for (std::int64_t unit = 0; unit < found.units; ++unit) {
      UnitDiagnosis& life = found.lives[unit];
      if (life.state != UnitState::kDead && !life.constant) continue;
      life.cause = cause_of(l, unit, life);
      life.locked =
          health::is_locked(life.state, own_gradient(l, unit), below && lets_through(l, unit));
      found.locked += life.locked;
    }
  }

  bool any_gradient(int parameter) const {
    const engine::Parameter& p = model_.parameters()[parameter];
    if (!p.trained) return false;
    if (!seen_.gradients) return true;
    for (std::int64_t i = p.offset; i < p.offset + p.size; ++i)
      if (seen_.gradients->learns(i)) return true;
    return false;
  }

  // Whether a parameter upstream of the weights that make z has a gradient; without targets,
  // whether there is one.
  bool learns_below(std::size_t l) const {
    const int weight = wirings_[l].weight;
    const std::vector<bool> before =
        engine::upstream(model_.graph(), weight >= 0 ? weight : model_.layers()[l].node);
    for (int node = 0; node < static_cast<int>(before.size()); ++node)
      if (before[node] &&
          std::ranges::any_of(model_.parameters_of(node), [&](int p) { return any_gradient(p); }))
        return true;
    return false;
  }

  // Of the unit's own row: only where a tensor is shared. Without targets f' = 0 says that there is
  // none.
  bool own_gradient(std::size_t l, std::int64_t unit) const {
    bool any = false;
    if (!seen_.gradients) return any;
    for (const engine::Span& span : incoming(model_, wirings_[l], unit)) {
      const std::int64_t offset = model_.parameters()[span.parameter].offset;
      span.each([&](std::int64_t i) { any = any || seen_.gradients->learns(offset + i); });
    }
    return any;
  }

  // Whether z depends on what comes in at all.
  bool lets_through(std::size_t l, std::int64_t unit) const {
    const engine::Wiring& wiring = wirings_[l];
    if (wiring.weight < 0) return true;
    return !weights_are_zero(l, unit) &&
           (wiring.norm < 0 || values(wiring.norm, Role::kScale)[unit] != 0.0f);
  }

  bool weights_are_zero(std::size_t l, std::int64_t unit) const {
    bool any = false;
    for (const engine::Span& span : incoming(model_, wirings_[l], unit)) {
      const engine::Parameter& parameter = model_.parameters()[span.parameter];
      if (parameter.role != Role::kWeight) continue;
      span.each([&](std::int64_t i) { any = any || model_.values(parameter)[i] != 0.0f; });
    }
    return !any;
  }

  DeadCause cause_of(std::size_t l, std::int64_t unit, const UnitDiagnosis& life) const {
    const engine::Wiring& wiring = wirings_[l];
    const auto at = static_cast<std::size_t>(unit);
    if (wiring.weight < 0) return DeadCause::kUnknown;
    if (weights_are_zero(l, unit)) return DeadCause::kZeroWeights;
    if (reads_silence(wiring.weight)) return DeadCause::kDeadInputs;
    if (wiring.norm >= 0) {
      const std::span<const float> gamma = values(wiring.norm, Role::kScale);
      float largest = 0.0f;
      for (const float value : gamma) largest = std::max(largest, std::fabs(value));
      if (std::fabs(gamma[at]) <= kScaleNearZero * largest) return DeadCause::kScaleNearZero;
    }
    if (life.constant) return DeadCause::kNothingVaries;
    const std::span<const float> shift =
        wiring.norm >= 0 ? values(wiring.norm, Role::kShift) : values(wiring.weight, Role::kBias);
    if (shift.empty() || life.preactivation_max - static_cast<double>(shift[at]) <= 0.0)
      return DeadCause::kWeights;
    return wiring.norm >= 0 ? DeadCause::kShiftFarBelow : DeadCause::kBiasFarBelow;
  }

  // Whether all units that these weights read are dead or constant.
  bool reads_silence(int weight) const {
    for (std::size_t l = 0; l < layers_.size(); ++l)
      for (const engine::Reader& reader : wirings_[l].readers)
        if (reader.node == weight) return layers_[l].dead + layers_[l].constant == layers_[l].units;
    return false;
  }

  std::span<const float> values(int node, Role role) const {
    const int index = parameter_of(model_, node, role);
    if (index < 0) return {};
    const engine::Parameter& parameter = model_.parameters()[index];
    return {model_.values(parameter), static_cast<std::size_t>(parameter.size)};
  }

  const engine::Model& model_;
  const std::vector<engine::Wiring>& wirings_;
  const Observation& seen_;
  const DiagnoseSettings& settings_;
  std::vector<LayerDiagnosis> layers_;
};

}  // namespace

std::vector<LayerDiagnosis> judge_layers(const engine::Model& model,
                                         const std::vector<engine::Wiring>& wirings,
                                         const Observation& seen,
                                         const DiagnoseSettings& settings) {
  return Explainer(model, wirings, seen, settings).run();
}

std::vector<GradientNorm> gradient_norms(const engine::Model& model, const Observation& seen) {
  std::vector<GradientNorm> norms;
  if (!seen.gradients) return norms;
  for (const engine::Parameter& parameter : model.parameters()) {
    if (parameter.role != Role::kWeight) continue;
    double gradient = 0.0, weight = 0.0;
    for (std::int64_t i = 0; i < parameter.size; ++i) {
      const double g = seen.gradients->mean[parameter.offset + i];
      const double w = model.values(parameter)[i];
      gradient += g * g;
      weight += w * w;
    }
    norms.push_back({parameter.name, std::sqrt(gradient), std::sqrt(weight)});
  }
  return norms;
}

bool all_dead(const std::vector<UnitLife>& lives) {
  return !lives.empty() && std::ranges::all_of(lives, [](const UnitLife& life) {
    return life.state == UnitState::kDead;
  });
}

}  // namespace undying::doctor
