#include "doctor/diagnose/observe.h"

#include <algorithm>
#include <limits>

#include "base/evenly_spaced.h"
#include "doctor/diagnose/layer_outputs.h"
#include "doctor/diagnose/recurrent.h"
#include "doctor/diagnose/scale.h"
#include "doctor/network.h"
#include "health/judge.h"
#include "health/layer_ranks.h"
#include "train/source.h"

namespace undying::doctor {
namespace {

// Of a chunk: all values of a chunk are kept for its backward pass.
constexpr std::int64_t kMostRows = 64;

std::string passed_for(bool backward, bool sampled) {
  return std::string("census") + (backward ? ", loss, gradients" : "") +
         (sampled ? ", samples for ranks, pool winners" : "");
}

// The max pools of D's layers that a unit can lose.
std::vector<PoolObserver> pools_of(const engine::Model& model,
                                   const std::vector<engine::Wiring>& wirings,
                                   std::vector<std::size_t>& layers) {
  std::vector<PoolObserver> pools;
  for (std::size_t l = 0; l < wirings.size(); ++l) {
    if (wirings[l].pool < 0 || model.layers()[l].activation.info().width != 1) continue;
    PoolObserver pool(model, l, wirings[l].pool);
    if (!pool.can_lose()) continue;
    pools.push_back(std::move(pool));
    layers.push_back(l);
  }
  return pools;
}

// Where inputs are far from unit scale and units dead, the same weights are shown the inputs at
// unit scale.
void look_at_scale(engine::Model& model, const Dataset& data, const engine::RunnerOptions& options,
                   Observation& seen) {
  const InputMoments moments = moments_of(data);
  seen.inputs_vary = data.size > 1 && moments.vary();
  seen.scale = scale_of(data, moments);
  seen.scale.dead = health::dead_units(model.layers(), seen.census, data.size);
  if (seen.scale.far == 0 || seen.scale.dead == 0 || !reads_inputs_as_they_come(model.graph()))
    return;
  const std::vector<std::uint32_t> order = train::identity_order(data.size);
  const InputMoments typical = without_outliers(data, moments, seen.scale.columns);
  engine::CensusObserver census(1e-3f);
  engine::PassObserver* const observers[] = {&census};
  engine::Runner(model, options)
      .run({.source = StandardisedSource(data, order, typical),
            .rows = data.size,
            .observers = observers});
  seen.scale.dead_standardised = health::dead_units(model.layers(), census.total(), data.size);
  seen.passes.push_back({.what = "inputs at unit scale: census", .examples = data.size});
}

engine::RunnerOptions options_of(const engine::Model& model, const DiagnoseSettings& settings,
                                 bool backward) {
  const int threads = default_threads(settings.threads);
  return {.backward = backward,
          .lanes = threads,
          .threads = threads,
          .most_rows = engine::chunk_rows(model, kMostRows),
          .memory = settings.memory};
}

// By layer and unit; empty where the layer feeds no max pool.
std::vector<std::vector<std::uint8_t>> losers_of(const engine::Model& model,
                                                 const std::vector<engine::Wiring>& wirings,
                                                 const std::vector<PoolObserver>& pools,
                                                 const std::vector<std::size_t>& pooled) {
  std::vector<std::vector<std::uint8_t>> losers(model.layers().size());
  for (std::size_t l = 0; l < wirings.size(); ++l)
    if (wirings[l].pool >= 0 && model.layers()[l].activation.info().width == 1)
      losers[l].assign(static_cast<std::size_t>(model.layers()[l].units), 0);
  for (std::size_t i = 0; i < pools.size(); ++i) losers[pooled[i]] = pools[i].losers();
  return losers;
}

}  // namespace

Observation observe(engine::Model& model, const std::vector<engine::Wiring>& wirings,
                    const Dataset& data, Loss loss, const DiagnoseSettings& settings) {
  const bool backward = has_targets(data);
  const ops::LossOptions judged{.loss = loss, .outputs = settings.outputs};
  const std::vector<std::uint32_t> order = train::identity_order(data.size);
  const std::vector<std::uint32_t> sample = evenly_spaced(data.size, settings.rank_sample);
  const bool sampled = !sample.empty() && !model.layers().empty();
  std::vector<std::size_t> pooled;
  std::vector<PoolObserver> pools =
      sampled ? pools_of(model, wirings, pooled) : std::vector<PoolObserver>();
  engine::CensusObserver census(static_cast<float>(settings.saturation_eps));
  engine::GradientObserver gradients;
  health::RankObserver ranks(
      model, sampled ? std::span<const std::uint32_t>(sample) : std::span<const std::uint32_t>());
  std::vector<engine::PassObserver*> observers = {&census};
  RecurrentObserver recurrent(model, settings.saturation_eps);
  if (backward) observers.push_back(&gradients);
  if (recurrent.looks()) observers.push_back(&recurrent);
  if (sampled) observers.push_back(&ranks);
  for (PoolObserver& pool : pools) observers.push_back(&pool);

  Observation seen{.examples = data.size};
  const engine::RunnerOptions options = options_of(model, settings, backward);
  const ops::LossSums sums = engine::Runner(model, options)
                                 .run({.source = train::DatasetSource(data, order),
                                       .rows = data.size,
                                       .loss = backward ? &judged : nullptr,
                                       .observers = observers});
  seen.passes.push_back(
      {.what = passed_for(backward, sampled), .examples = data.size, .backward = backward});
  seen.census = census.total();
  if (backward) seen.gradients = gradients.take(data.size, sums);
  seen.recurrent = recurrent.judge();
  look_at_scale(model, data, options_of(model, settings, false), seen);
  seen.rank.assign(model.layers().size(), {.rank = std::numeric_limits<double>::quiet_NaN()});
  seen.never_wins.resize(model.layers().size());
  if (!sampled) return seen;
  seen.rank = ranks.ranks(options.threads);
  seen.rank_rows = static_cast<std::int64_t>(sample.size());
  seen.never_wins = losers_of(model, wirings, pools, pooled);
  return seen;
}

}  // namespace undying::doctor
