#include "doctor/revive/remedy.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/philox.h"
#include "doctor/diagnose/probe.h"
#include "doctor/network.h"

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
  std::vector<double> draws(static_cast<std::size_t>(fan_in));
  random.normals(static_cast<std::uint64_t>(id.unit * fan_in), draws);
  for (std::size_t i = 0; i < draws.size(); ++i) row[i] = static_cast<float>(deviation * draws[i]);
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
  const std::int64_t positions = ops::position_count(model.node_values()[static_cast<std::size_t>(wiring.weight)]);
  const auto sample = evenly_spaced(data.size, kSample);
  Probe(model, {wiring.weight}).run(data, sample, [&](std::int64_t, std::int64_t rows, std::span<const float* const> values) {
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::size_t i = 0; i < units.size(); ++i)
        for (std::int64_t position = 0; position < positions; ++position) {
          const double z = values[0][(row * layer.units + units[i]) * positions + position];
          sums[i] += z;
          squares[i] += z * z;
        }
  });
  const double n = static_cast<double>(sample.size()) * static_cast<double>(positions);
  for (std::size_t i = 0; i < units.size(); ++i) {
    const double mean = sums[i] / n;
    set(model, wiring.norm, Role::kRunningMean, units[i], static_cast<float>(mean));
    set(model, wiring.norm, Role::kRunningVariance, units[i], static_cast<float>(std::fmax(0.0, squares[i] / n - mean * mean)));
  }
}

// Probed values are plain: of a value computed channels last, (units, positions); of rows, (positions, units).
void add_by_unit(const ops::Value& value, const float* values, std::int64_t rows, std::vector<double>& sums) {
  const std::int64_t units = ops::unit_count(value);
  const std::int64_t positions = ops::position_count(value);
  const bool rows_of_units = value.layout == ops::Layout::kPlain && value.shape.size() > 1;
  for (std::int64_t i = 0; i < rows * units * positions; ++i)
    sums[static_cast<std::size_t>(rows_of_units ? i % units : i / positions % units)] += static_cast<double>(values[i]);
}

// Of each node's outputs, by unit, over the sample and all positions.
std::vector<std::vector<double>> means(const engine::Model& model, const std::vector<int>& nodes, const Dataset& data,
                                       std::span<const std::uint32_t> sample) {
  std::vector<std::vector<double>> sums;
  for (const int node : nodes)
    sums.emplace_back(static_cast<std::size_t>(ops::unit_count(model.node_values()[static_cast<std::size_t>(node)])));
  Probe(model, nodes).run(data, sample, [&](std::int64_t, std::int64_t rows, std::span<const float* const> values) {
    for (std::size_t k = 0; k < nodes.size(); ++k)
      add_by_unit(model.node_values()[static_cast<std::size_t>(nodes[k])], values[k], rows, sums[k]);
  });
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    const std::int64_t positions = ops::position_count(model.node_values()[static_cast<std::size_t>(nodes[k])]);
    for (double& sum : sums[k]) sum /= static_cast<double>(sample.size()) * static_cast<double>(positions);
  }
  return sums;
}

// The batch norm behind a node whose only user it is; -1: none.
int norm_behind(const Graph& graph, int node) {
  int found = -1;
  for (int i = node + 1; i < static_cast<int>(graph.nodes().size()); ++i) {
    const Node& user = graph.nodes()[static_cast<std::size_t>(i)];
    if (std::ranges::find(user.inputs, node) == user.inputs.end()) continue;
    if (found >= 0 || !ops::is_batch_norm(user)) return -1;
    found = i;
  }
  return found;
}

// What its units gained in the mean, a linear layer or convolution loses again in its bias, or in the mean that its batch norm takes off.
void take_off(engine::Model& model, int node, const std::vector<double>& gains) {
  const int bias = parameter_of(model, node, Role::kBias);
  const int norm = norm_behind(model.graph(), node);
  const int mean = bias >= 0 || norm < 0 ? -1 : parameter_of(model, norm, Role::kRunningMean);
  const int shifted = bias >= 0 ? bias : mean;
  if (shifted < 0 || owner_count(model, shifted) > 1) return;
  float* values = model.values(model.parameters()[static_cast<std::size_t>(shifted)]);
  for (std::size_t k = 0; k < gains.size(); ++k) values[k] += static_cast<float>(bias >= 0 ? -gains[k] : gains[k]);
}

bool can_be_drawn(const engine::Model& model, const Wiring& wiring) {
  return wiring.weight >= 0 && wiring.feed_alone && wiring.read_by_weights_alone && !wiring.readers.empty() &&
         !ops::traits_of(model.graph().nodes()[static_cast<std::size_t>(wiring.weight)]).transposed;  // whose rows are not units
}

bool is_relu(const Activation& activation) { return activation == Activation("relu") || activation == Activation("leaky_relu:0"); }

}  // namespace

Case open_case(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data, const Diagnosis& diagnosis) {
  Case patient{.graph = graph, .weights = tensors_of(make_model(graph, weights)), .data = &data};
  for (std::size_t l = 0; l < diagnosis.layers.size(); ++l)
    for (std::size_t unit = 0; unit < diagnosis.layers[l].lives.size(); ++unit) {
      const bool dead = diagnosis.layers[l].lives[unit].state == UnitState::kDead;
      (dead ? patient.dead : patient.living).push_back({l, static_cast<std::int64_t>(unit)});
    }
  return patient;
}

Graph swapped(const Graph& graph, const Activation& activation, std::int64_t* count, std::int64_t anneal) {
  std::vector<Node> nodes = graph.nodes();
  for (Node& node : nodes) {
    const Activation* own = ops::activation_of(node);
    if (own == nullptr || !own->can_be_dead() || own->info().width != activation.info().width) continue;
    if (anneal > 0 && !is_relu(*own)) continue;
    node.attributes.set("activation", activation);
    if (anneal > 0) node.attributes.set("anneal", anneal);
    if (activation.info().learned) node.parameters = {node.name + ".slope"};
    ++*count;
  }
  return Graph(std::move(nodes), graph.outputs());
}

Graph without_annealing(const Graph& graph) {
  std::vector<Node> nodes = graph.nodes();
  for (Node& node : nodes)
    if (node.attributes.has("anneal")) node.attributes.set("anneal", std::int64_t{0});
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
    if (!can_be_drawn(model, wiring)) continue;
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
void keep_means(engine::Model& model, const engine::Model& before, const Dataset& data) {
  const auto sample = evenly_spaced(data.size, kSample);
  std::vector<int> nodes;
  for (int i = 0; i < static_cast<int>(model.graph().nodes().size()); ++i)
    if (ops::makes_units(model.graph().nodes()[static_cast<std::size_t>(i)])) nodes.push_back(i);
  const auto wanted = means(before, nodes, data, sample);
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    std::vector<double> gains = means(model, {nodes[k]}, data, sample)[0];
    for (std::size_t unit = 0; unit < gains.size(); ++unit) gains[unit] -= wanted[k][unit];
    take_off(model, nodes[k], gains);
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
  const engine::Model before = make_model(treated.graph, treated.weights);
  treated.graph = swapped(treated.graph, *remedy.swap, &treated.effect.swapped, remedy.anneal ? patient.anneal_steps : 0);
  if (remedy.anneal) return treated;
  std::vector<Tensor> weights = treated.weights;
  for (const Tensor& fresh : tensors_of(engine::Model(treated.graph)))  // slopes that were not there
    if (std::ranges::find(weights, fresh.name, &Tensor::name) == weights.end()) weights.push_back(fresh);
  engine::Model model = make_model(treated.graph, weights);
  keep_means(model, before, *patient.data);
  treated.weights = tensors_of(model);
  return treated;
}

}  // namespace undying::doctor
