#include "doctor/diagnose/observe.h"

#include <algorithm>
#include <limits>

#include "doctor/diagnose/probe.h"
#include "doctor/diagnose/rank.h"
#include "doctor/diagnose/scale.h"
#include "doctor/network.h"
#include "health/judge.h"
#include "train/source.h"

namespace undying::doctor {
namespace {

bool channels_first(const engine::Model& model, const engine::Layer& layer) {
  if (layer.counted != engine::Layer::Counted::kPooled) return layer.counted == engine::Layer::Counted::kByUnit;
  return model.node_values()[static_cast<std::size_t>(layer.node)].layout == ops::Layout::kChannelsLast;
}

// One position an example, another for each.
std::vector<double> ranks(const engine::Model& model, const Dataset& data, std::span<const std::uint32_t> examples) {
  const auto& layers = model.layers();
  std::vector<int> nodes;
  std::vector<std::vector<float>> samples(layers.size());
  for (const engine::Layer& layer : layers) nodes.push_back(layer.node);
  Probe(model, nodes).run(data, examples, [&](std::int64_t first, std::int64_t rows, std::span<const float* const> values) {
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const engine::Layer& layer = layers[l];
      const std::int64_t size = ops::element_count(model.node_values()[static_cast<std::size_t>(layer.node)].shape);
      for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t unit = 0; unit < layer.units; ++unit)
          samples[l].push_back(values[l][row * size + element_of(model, layer, unit, (first + row) * 7919 % layer.positions)]);
    }
  });
  std::vector<double> all;
  for (std::size_t l = 0; l < layers.size(); ++l)
    all.push_back(effective_rank(samples[l], examples.size(), static_cast<std::size_t>(layers[l].units)));
  return all;
}

// Losers in the sample are suspects; those that lose over the whole of D are named.
std::vector<std::uint8_t> never_winning(const engine::Model& model, const engine::Layer& layer, int pool, const Dataset& data,
                                        std::span<const std::uint32_t> sample) {
  std::vector<std::uint8_t> losers = pool_losers(model, layer, pool, data, sample);
  if (std::ranges::find(losers, 1) == losers.end()) return losers;
  return pool_losers(model, layer, pool, data, train::identity_order(data.size));
}

// Where inputs are far from unit scale and units dead, the same weights are shown the inputs at unit scale.
void look_at_scale(engine::Engine& engine, const engine::Model& model, const Dataset& data, Observation& seen) {
  const InputMoments moments = moments_of(data);
  seen.inputs_vary = data.size > 1 && moments.vary();
  seen.scale = scale_of(data, moments);
  seen.scale.dead = health::dead_units(model.layers(), seen.census, data.size);
  if (seen.scale.far == 0 || seen.scale.dead == 0 || !reads_inputs_as_they_come(model.graph())) return;
  const std::vector<std::uint32_t> order = train::identity_order(data.size);
  engine::Census census(model.unit_size());
  const InputMoments typical = without_outliers(data, moments, seen.scale.columns);
  engine.evaluate(StandardisedSource(data, order, typical), data.size, nullptr, &census);
  seen.scale.dead_standardised = health::dead_units(model.layers(), census, data.size);
}

}  // namespace

std::int64_t element_of(const engine::Model& model, const engine::Layer& layer, std::int64_t unit, std::int64_t position) {
  if (channels_first(model, layer)) return unit * layer.positions + position;
  return position * layer.units * layer.activation.info().width + unit;
}

Observation observe(engine::Model& model, const std::vector<Wiring>& wirings, const Dataset& data, Loss loss,
                    const DiagnoseSettings& settings) {
  const int threads = default_threads(settings.threads);
  const ops::LossOptions judged{.loss = loss, .outputs = settings.outputs};
  const std::vector<std::uint32_t> order = train::identity_order(data.size);
  const train::DatasetSource source(data, order);
  Observation seen{.examples = data.size, .census = engine::Census(model.unit_size())};
  {
    engine::Engine engine(model, {.batch = threads, .shards = threads, .threads = threads, .counters = false, .loss = judged});
    engine.evaluate(source, data.size, nullptr, &seen.census, static_cast<float>(settings.saturation_eps));
    look_at_scale(engine, model, data, seen);
  }
  if (has_targets(data)) seen.gradients = engine::frozen_gradients(model, source, data.size, {threads, threads, judged});
  seen.rank.assign(model.layers().size(), std::numeric_limits<double>::quiet_NaN());
  seen.never_wins.resize(model.layers().size());
  const std::vector<std::uint32_t> sample = evenly_spaced(data.size, settings.rank_sample);
  if (sample.empty() || model.layers().empty()) return seen;
  seen.rank = ranks(model, data, sample);
  seen.rank_rows = static_cast<std::int64_t>(sample.size());
  for (std::size_t l = 0; l < wirings.size(); ++l)
    if (wirings[l].pool >= 0 && model.layers()[l].activation.info().width == 1)
      seen.never_wins[l] = never_winning(model, model.layers()[l], wirings[l].pool, data, sample);
  return seen;
}

}  // namespace undying::doctor
