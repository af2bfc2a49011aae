#include "health/recorder.h"

#include <algorithm>
#include <cmath>

namespace undying::health {

using engine::Census;
using engine::Layer;

namespace {

// Whether training steps compute a layer's pre-activations as evaluation does: the one place where
// that is asked.
bool sees_what_evaluation_sees(const engine::Model& model, const Layer& layer,
                               const TrainingView& view) {
  if (view.augmented) return false;
  const std::vector<bool> before = engine::upstream(model.graph(), layer.node);
  for (std::size_t node = 0; node < before.size(); ++node)
    if (before[node] && ops::training_differs(model.graph().nodes()[node], view.precision))
      return false;
  return true;
}

}  // namespace

Recorder::Recorder(const engine::Model& model, const HealthSettings& settings, std::string data,
                   std::int64_t examples, const TrainingView& view)
    : model_(&model), settings_(settings) {
  ledger_.data = std::move(data);
  ledger_.examples = examples;
  for (const Layer& layer : model.layers()) {
    ledger_.layers.push_back(layer.name);
    ledger_.lives.emplace_back(static_cast<std::size_t>(layer.units));
    dated_.push_back(settings.counters && sees_what_evaluation_sees(model, layer, view));
  }
  const auto units = static_cast<std::size_t>(model.unit_size());
  dead_.assign(units, false);
  faint_.assign(units, false);
  last_active_.assign(units, 0);
  sums_.norms.assign(model.parameters().size(), {});
}

void Recorder::end(const engine::Activity& activity) { date(activity); }

void Recorder::date(const engine::Activity& activity) {
  if (activity.examples == 0) return;
  for (std::size_t l = 0; l < model_->layers().size(); ++l)
    for (std::int64_t unit = 0; dated_[l] && unit < model_->layers()[l].units; ++unit)
      date(l, unit, activity);
}

void Recorder::date(std::size_t layer, std::int64_t unit, const engine::Activity& activity) {
  const auto i = static_cast<std::size_t>(model_->layers()[layer].offset + unit);
  if (activity.last_fired[i] == 0) return;
  const std::int64_t before = ledger_.censuses.empty() ? 0 : ledger_.censuses.back().step;
  last_active_[i] = before + activity.last_fired[i];
  if (!dead_[i] || faint_[i]) return;
  dead_[i] = false;
  ledger_.lives[layer][unit].revived.push_back(before + activity.first_fired[i]);
}

void Recorder::average(const engine::Activity& activity) {
  if (activity.examples == 0) return;
  for (std::size_t l = 0; l < model_->layers().size(); ++l) {
    const Layer& layer = model_->layers()[l];
    const auto outputs = static_cast<double>(activity.examples * layer.positions);
    for (std::int64_t unit = 0; unit < layer.units; ++unit) {
      const auto i = static_cast<std::size_t>(layer.offset + unit);
      UnitLife& life = ledger_.lives[l][unit];
      life.training_firing_rate = static_cast<double>(activity.fired[i]) / outputs;
      life.output = activity.abs_output[i] / outputs;
      life.gradient = activity.abs_gradient[i] / outputs;
    }
  }
}

void Recorder::norms(std::span<const Norms> norms) {
  for (std::size_t p = 0; p < norms.size(); ++p) {
    sums_.norms[p].gradient += norms[p].gradient;
    sums_.norms[p].update += norms[p].weight > 0.0 ? norms[p].update / norms[p].weight : 0.0;
    sums_.norms[p].weight = norms[p].weight;
  }
  ++sums_.steps;
}

void Recorder::census(std::int64_t step, const engine::Activity& activity, const Census& census,
                      std::span<const SampledRank> ranks) {
  date(activity);
  average(activity);
  CensusRecord record{.step = step, .examples = ledger_.examples};
  for (std::size_t layer = 0; layer < model_->layers().size(); ++layer)
    record.layers.push_back(census_of(step, layer, census));
  for (std::size_t layer = 0; layer < ranks.size(); ++layer)
    record.layers[layer].effective_rank = ranks[layer].rank;
  record.gradient_norm_ratio = gradient_norm_ratio();
  ledger_.censuses.push_back(std::move(record));
  sums_.norms.assign(model_->parameters().size(), {});
  sums_.steps = 0;
}

LayerHealth Recorder::census_of(std::int64_t step, std::size_t layer, const Census& census) {
  const Layer& description = model_->layers()[layer];
  const LayerJudgement found = judge(description, census, ledger_.examples, settings_.dormant_tau);
  LayerHealth health{.name = description.name,
                     .units = description.units,
                     .dead = found.count(UnitState::kDead),
                     .always_negative = found.count(UnitState::kAlwaysNegative),
                     .always_positive = found.count(UnitState::kAlwaysPositive),
                     .dormant = found.count(&UnitJudgement::dormant),
                     .firing_rate = found.firing_rate,
                     .saturated = found.saturated,
                     .signal_mean = found.signal_mean,
                     .signal_variance = found.signal_variance};
  for (std::int64_t unit = 0; unit < description.units; ++unit)
    live(step, layer, unit, found.units[unit], health);
  fill_norms(layer, health);
  return health;
}

// What the census found of a unit goes into its life.
void Recorder::live(std::int64_t step, std::size_t layer, std::int64_t unit,
                    const UnitJudgement& found, LayerHealth& health) {
  const auto i = static_cast<std::size_t>(model_->layers()[layer].offset + unit);
  UnitLife& life = ledger_.lives[layer][unit];
  life.state = found.state;
  life.dormant = found.dormant;
  life.firing_rate = found.firing_rate;
  const std::int64_t before = ledger_.censuses.empty() ? -1 : ledger_.censuses.back().step;
  const bool dead = found.state == UnitState::kDead;
  const bool newly_dead = dead && !dead_[i];
  if (newly_dead) {
    // The update of the last step in which it fired silenced it; the census before saw it alive.
    const bool faint = found.counts.fired > 0;
    life.died.push_back(step == 0                 ? 0
                        : dated_[layer] && !faint ? std::max(last_active_[i], before + 1)
                                                  : step);
    life.born_dead = life.born_dead || step == 0;
  }
  if (!dead && dead_[i]) life.revived.push_back(step);
  dead_[i] = dead;
  faint_[i] = dead && found.counts.fired > 0;
  if (found.counts.fired > 0) last_active_[i] = step;

  health.born_dead += life.born_dead;
  health.died += newly_dead;
  for (const std::int64_t when : life.revived) health.revived += when > before;
}

void Recorder::fill_norms(std::size_t layer, LayerHealth& health) const {
  const int weight = model_->layers()[layer].weight;
  if (weight < 0 || sums_.steps == 0) return;
  const Norms& sums = sums_.norms[weight];
  health.gradient_norm = sums.gradient / static_cast<double>(sums_.steps);
  health.update_ratio = sums.update / static_cast<double>(sums_.steps);
  health.weight_norm = sums.weight;
}

double Recorder::gradient_norm_ratio() const {
  std::vector<double> weights;
  for (std::size_t p = 0; p < model_->parameters().size(); ++p)
    if (model_->parameters()[p].role == ops::ParameterSpec::Role::kWeight &&
        !model_->parameters()[p].leaf)
      weights.push_back(sums_.norms[p].gradient);
  return weights.empty() || sums_.steps == 0 ? std::nan("") : weights.front() / weights.back();
}

namespace {

void each_life(Archive& archive, UnitLife& life) {
  for (double* number :
       {&life.firing_rate, &life.training_firing_rate, &life.output, &life.gradient})
    archive(*number);
  archive(life.state);
  archive(life.born_dead);
  archive(life.dormant);
  archive(life.died);
  archive(life.revived);
}

void each_layer(Archive& archive, LayerHealth& layer) {
  archive(layer.name);
  for (std::int64_t* count : {&layer.units, &layer.dead, &layer.born_dead, &layer.always_negative,
                              &layer.always_positive, &layer.dormant, &layer.died, &layer.revived})
    archive(*count);
  for (double* number :
       {&layer.firing_rate, &layer.saturated, &layer.signal_mean, &layer.signal_variance,
        &layer.gradient_norm, &layer.weight_norm, &layer.update_ratio, &layer.effective_rank})
    archive(*number);
}

void each_census(Archive& archive, CensusRecord& census) {
  archive(census.step);
  archive(census.examples);
  archive(census.gradient_norm_ratio);
  archive.each(census.layers, [&](LayerHealth& layer) { each_layer(archive, layer); });
}

}  // namespace

void Recorder::each_state(Archive& archive) {
  archive(ledger_.examples);
  for (auto& lives : ledger_.lives)
    archive.each(lives, [&](UnitLife& life) { each_life(archive, life); });
  archive.each(ledger_.censuses, [&](CensusRecord& census) { each_census(archive, census); });
  archive(dead_);
  archive(faint_);
  archive(last_active_);
  archive(sums_.norms);
  archive(sums_.steps);
}

}  // namespace undying::health
