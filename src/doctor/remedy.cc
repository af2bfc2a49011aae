#include "doctor/remedy.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/philox.h"
#include "doctor/network.h"
#include "doctor/probe.h"
#include "engine/engine.h"
#include "train/source.h"

namespace undying::doctor {
namespace {

using Role = ops::ParameterSpec::Role;

constexpr std::int64_t kSample = 2048;        // examples that means and statistics are taken over
constexpr double kPlaceboWithoutDead = 0.05;  // of the units that the placebo draws anew where none is dead

// Sequences of draws, beyond those of a network's own weights: a fresh draw of each layer, and the placebo's choice.
constexpr std::uint32_t kFreshDraw = 1U << 30;
constexpr std::uint32_t kChoice = 1U << 31;

float* row_of(engine::Model& model, int node, Role role, std::int64_t unit, std::int64_t* size) {
  const int index = node < 0 ? -1 : parameter_of(model, node, role);
  if (index < 0) return nullptr;
  const engine::Parameter& parameter = model.parameters()[static_cast<std::size_t>(index)];
  *size = parameter.size / parameter.shape[0];
  return model.values(parameter) + unit * *size;
}

void set(engine::Model& model, int node, Role role, std::int64_t unit, float value) {
  std::int64_t size = 0;
  if (float* row = row_of(model, node, role, unit, &size); row != nullptr) *row = value;
}

void draw_row(engine::Model& model, const Wiring& wiring, UnitId id, double gain, std::uint64_t seed) {
  std::int64_t fan_in = 0;
  float* row = row_of(model, wiring.weight, Role::kWeight, id.unit, &fan_in);
  const Random random(seed, Stream::kInitialDraw, kFreshDraw + static_cast<std::uint32_t>(id.layer));
  const double deviation = gain / std::sqrt(static_cast<double>(fan_in));
  for (std::int64_t i = 0; i < fan_in; ++i)
    row[i] = static_cast<float>(deviation * random.normal(static_cast<std::uint64_t>(id.unit * fan_in + i)));
  set(model, wiring.weight, Role::kBias, id.unit, 0.0f);
  set(model, wiring.norm, Role::kScale, id.unit, 1.0f);
  set(model, wiring.norm, Role::kShift, id.unit, 0.0f);
}

void silence(engine::Model& model, const Wiring& wiring, std::int64_t unit) {
  for (const Span& span : outgoing(model, wiring, unit)) {
    float* values = model.values(model.parameters()[static_cast<std::size_t>(span.parameter)]);
    span.each([&](std::int64_t i) { values[i] = 0.0f; });
  }
}

// Running statistics of the channels that were drawn anew: those of what now comes in.
void measure_norm(engine::Model& model, const engine::Layer& layer, const Wiring& wiring, std::span<const std::int64_t> units,
                  const Dataset& data) {
  std::vector<double> sums(units.size()), squares(units.size());
  const auto sample = evenly_spaced(data.size, kSample);
  Probe(model, {wiring.weight}).run(data, sample, [&](std::int64_t, std::int64_t rows, std::span<const float* const> values) {
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::size_t i = 0; i < units.size(); ++i)
        for (std::int64_t position = 0; position < layer.positions; ++position) {
          const double z = values[0][(row * layer.units + units[i]) * layer.positions + position];
          sums[i] += z;
          squares[i] += z * z;
        }
  });
  const double n = static_cast<double>(sample.size()) * static_cast<double>(layer.positions);
  for (std::size_t i = 0; i < units.size(); ++i) {
    const double mean = sums[i] / n;
    set(model, wiring.norm, Role::kRunningMean, units[i], static_cast<float>(mean));
    set(model, wiring.norm, Role::kRunningVariance, units[i], static_cast<float>(std::fmax(0.0, squares[i] / n - mean * mean)));
  }
}

std::vector<double> means(engine::Model& model, engine::Engine& engine, const train::DatasetSource& source, std::int64_t rows) {
  engine::Census census(model.unit_size());
  engine.evaluate(source, rows, nullptr, &census);
  for (const engine::Layer& layer : model.layers())
    for (std::int64_t unit = 0; unit < layer.units; ++unit)
      census.sum[static_cast<std::size_t>(layer.offset + unit)] /= static_cast<double>(rows * layer.positions);
  return census.sum;
}

// What a reader's outputs gain when a unit's mean rises by 1 at every place it reads.
void add_weighted(const engine::Model& model, const Span& span, double rise, std::vector<double>& gains) {
  const engine::Parameter& weight = model.parameters()[static_cast<std::size_t>(span.parameter)];
  const std::int64_t row = weight.size / weight.shape[0];
  span.each([&](std::int64_t i) { gains[static_cast<std::size_t>(i / row)] += rise * static_cast<double>(model.values(weight)[i]); });
}

// The batch norm behind a node whose only user it is; -1: none.
int norm_behind(const Graph& graph, int node) {
  int found = -1;
  for (int i = node + 1; i < static_cast<int>(graph.nodes().size()); ++i) {
    const Node& user = graph.nodes()[static_cast<std::size_t>(i)];
    if (std::ranges::find(user.inputs, node) == user.inputs.end()) continue;
    if (found >= 0 || user.op != "batch_norm") return -1;
    found = i;
  }
  return found;
}

// A linear or convolution whose inputs gained in the mean loses it again in its bias, or in the mean its batch norm takes off.
void take_off(engine::Model& model, int reader, const std::vector<double>& gains) {
  const int bias = parameter_of(model, reader, Role::kBias);
  const int norm = norm_behind(model.graph(), reader);
  const int mean = bias >= 0 || norm < 0 ? -1 : parameter_of(model, norm, Role::kRunningMean);
  if (bias < 0 && mean < 0) return;
  float* values = model.values(model.parameters()[static_cast<std::size_t>(bias >= 0 ? bias : mean)]);
  for (std::size_t k = 0; k < gains.size(); ++k) values[k] += static_cast<float>(bias >= 0 ? -gains[k] : gains[k]);
}

bool can_be_drawn(const Wiring& wiring) { return wiring.weight >= 0 && wiring.read_by_weights_alone && !wiring.readers.empty(); }

}  // namespace

Case open_case(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data, const Diagnosis& diagnosis) {
  Case patient{graph, tensors_of(make_model(graph, weights)), &data, {}, {}};
  for (std::size_t l = 0; l < diagnosis.layers.size(); ++l)
    for (std::size_t unit = 0; unit < diagnosis.layers[l].lives.size(); ++unit) {
      const bool dead = diagnosis.layers[l].lives[unit].state == UnitState::kDead;
      (dead ? patient.dead : patient.living).push_back({l, static_cast<std::int64_t>(unit)});
    }
  return patient;
}

Graph swapped(const Graph& graph, const Activation& activation, std::int64_t* count) {
  std::vector<Node> nodes = graph.nodes();
  for (Node& node : nodes) {
    if (node.op != "activation" || !node.attributes.get<Activation>("activation").can_be_dead()) continue;
    if (node.attributes.get<Activation>("activation").info().width != activation.info().width) continue;
    node.attributes.set("activation", activation);
    if (activation.info().learned) node.parameters = {node.name + ".slope"};
    ++*count;
  }
  return Graph(std::move(nodes), graph.outputs());
}

std::int64_t reinitialise(engine::Model& model, std::span<const UnitId> units, const Dataset& data, const Activation* activation,
                          std::uint64_t seed) {
  std::map<std::size_t, std::vector<std::int64_t>> by_layer;
  for (const UnitId& id : units) by_layer[id.layer].push_back(id.unit);
  std::int64_t drawn = 0;
  for (const auto& [l, those] : by_layer) {
    const engine::Layer& layer = model.layers()[l];
    const Wiring wiring = wiring_of(model, layer);
    if (!can_be_drawn(wiring)) continue;
    const double gain = activation != nullptr ? activation->gain() : layer.activation.gain();
    for (const std::int64_t unit : those) {
      draw_row(model, wiring, {l, unit}, gain, seed);
      silence(model, wiring, unit);
    }
    if (wiring.norm >= 0) measure_norm(model, layer, wiring, those, data);
    drawn += static_cast<std::int64_t>(those.size());
  }
  return drawn;
}

// Layer by layer from the input: each sees what those before it have become.
void keep_means(engine::Model& model, engine::Model& before, const Dataset& data) {
  const auto sample = evenly_spaced(data.size, kSample);
  const train::DatasetSource source(data, sample);
  const auto rows = static_cast<std::int64_t>(sample.size());
  const engine::EngineOptions options{.batch = 1, .counters = false, .loss = {Loss::kMeanSquaredError}};
  engine::Engine old(before, options);
  engine::Engine engine(model, options);
  const std::vector<double> wanted = means(before, old, source, rows);
  for (const engine::Layer& layer : model.layers()) {
    const std::vector<double> found = means(model, engine, source, rows);
    const Wiring wiring = wiring_of(model, layer);
    std::map<int, std::vector<double>> gains;  // by reader
    for (std::int64_t unit = 0; unit < layer.units; ++unit) {
      const auto i = static_cast<std::size_t>(layer.offset + unit);
      const std::vector<Span> spans = outgoing(model, wiring, unit);
      for (std::size_t r = 0; r < spans.size(); ++r) {
        auto& sums = gains[wiring.readers[r].node];
        sums.resize(static_cast<std::size_t>(model.parameters()[static_cast<std::size_t>(spans[r].parameter)].shape[0]));
        add_weighted(model, spans[r], found[i] - wanted[i], sums);
      }
    }
    for (const auto& [reader, sums] : gains) take_off(model, reader, sums);
  }
}

std::vector<UnitId> choose(std::vector<UnitId> units, std::size_t count, std::uint64_t seed) {
  const Random random(seed, Stream::kInitialDraw, kChoice);
  for (std::size_t i = units.size(); i > 1; --i) std::swap(units[i - 1], units[random.below(i, i)]);
  units.resize(std::min(count, units.size()));
  return units;
}

Treated apply(const Remedy& remedy, const Case& patient, std::uint64_t seed) {
  Treated treated{patient.graph, patient.weights, {}};
  if (remedy.reinitialise || remedy.placebo) {
    engine::Model model = make_model(treated.graph, treated.weights);
    std::vector<UnitId> units = patient.dead;
    if (remedy.placebo) {
      const auto all = static_cast<double>(patient.dead.size() + patient.living.size());
      const std::size_t without_dead = std::max<std::size_t>(1, static_cast<std::size_t>(kPlaceboWithoutDead * all));
      units = choose(patient.living, patient.dead.empty() ? without_dead : patient.dead.size(), seed);
    }
    treated.effect.reinitialised = reinitialise(model, units, *patient.data, remedy.swap ? &*remedy.swap : nullptr, seed);
    treated.effect.skipped = static_cast<std::int64_t>(units.size()) - treated.effect.reinitialised;
    treated.weights = tensors_of(model);
  }
  if (!remedy.swap) return treated;
  engine::Model before = make_model(treated.graph, treated.weights);
  treated.graph = swapped(treated.graph, *remedy.swap, &treated.effect.swapped);
  std::vector<Tensor> weights = treated.weights;
  for (const Tensor& fresh : tensors_of(engine::Model(treated.graph)))  // slopes that were not there
    if (std::ranges::find(weights, fresh.name, &Tensor::name) == weights.end()) weights.push_back(fresh);
  engine::Model model = make_model(treated.graph, weights);
  keep_means(model, before, *patient.data);
  treated.weights = tensors_of(model);
  return treated;
}

}  // namespace undying::doctor
