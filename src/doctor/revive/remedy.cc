#include "doctor/revive/remedy.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/philox.h"
#include "doctor/network.h"
#include "doctor/revive/unit_moments.h"

namespace undying::doctor {
namespace {

using Role = ops::ParameterSpec::Role;

// Of the units that the placebo draws anew where none is dead.
constexpr double kPlaceboWithoutDead = 0.05;

// Sequences of draws, beyond those of a network's own weights: a fresh draw of each layer, and the
// placebo's choice.
constexpr std::uint32_t kFreshDraw = 1U << 30;
constexpr std::uint32_t kChoice = 1U << 31;

float* row_of(engine::Model& model, int node, Role role, std::int64_t unit, std::int64_t* size) {
  const int index = node < 0 ? -1 : parameter_of(model, node, role);
  if (index < 0) return nullptr;
  const engine::Parameter& parameter = model.parameters()[index];
  *size = parameter.size / parameter.shape[0];
  return model.values(parameter) + unit * *size;
}

void set(engine::Model& model, int node, Role role, std::int64_t unit, float value) {
  std::int64_t size = 0;
  if (float* row = row_of(model, node, role, unit, &size); row != nullptr) *row = value;
}

void draw_row(engine::Model& model, const engine::Wiring& wiring, UnitId id, double gain,
              std::uint64_t seed) {
  std::int64_t fan_in = 0;
  float* row = row_of(model, wiring.weight, Role::kWeight, id.unit, &fan_in);
  const Random random(seed, Stream::kInitialDraw,
                      kFreshDraw + static_cast<std::uint32_t>(id.layer));
  const double deviation = gain / std::sqrt(static_cast<double>(fan_in));
  std::vector<double> draws(static_cast<std::size_t>(fan_in));
  random.normals(static_cast<std::uint64_t>(id.unit * fan_in), draws);
  for (std::size_t i = 0; i < draws.size(); ++i) row[i] = static_cast<float>(deviation * draws[i]);
  set(model, wiring.weight, Role::kBias, id.unit, 0.0f);
  set(model, wiring.norm, Role::kScale, id.unit, 1.0f);
  set(model, wiring.norm, Role::kShift, id.unit, 0.0f);
}

void silence(engine::Model& model, const engine::Wiring& wiring, std::int64_t unit) {
  for (const engine::Span& span : outgoing(model, wiring, unit)) {
    float* values = model.values(model.parameters()[span.parameter]);
    span.each([&](std::int64_t i) { values[i] = 0.0f; });
  }
}

// The weight of a layer whose channels were drawn anew before a batch norm, which takes the running
// statistics of what now comes in.
struct Renewed {
  engine::Wiring wiring;
  std::vector<std::int64_t> units;
};

void set_statistics(engine::Model& model, const Renewed& renewed, const UnitMoments& moments) {
  for (const std::int64_t unit : renewed.units) {
    set(model, renewed.wiring.norm, Role::kRunningMean, unit,
        static_cast<float>(moments.mean(unit)));
    set(model, renewed.wiring.norm, Role::kRunningVariance, unit,
        static_cast<float>(moments.variance(unit)));
  }
}

// The batch norm behind a node whose only user it is; -1: none.
int norm_behind(const Graph& graph, int node) {
  int found = -1;
  for (int i = node + 1; i < static_cast<int>(graph.nodes().size()); ++i) {
    const Node& user = graph.nodes()[i];
    if (std::ranges::find(user.inputs, node) == user.inputs.end()) continue;
    if (found >= 0 || !ops::is_batch_norm(user)) return -1;
    found = i;
  }
  return found;
}

// What its units gained in the mean, a linear layer or convolution loses again in its bias, or in
// the mean that its batch norm takes off. Returns what that adds to what it gives.
std::vector<float> take_off(engine::Model& model, int node, const std::vector<double>& gains) {
  const int bias = parameter_of(model, node, Role::kBias);
  const int norm = norm_behind(model.graph(), node);
  const int mean = bias >= 0 || norm < 0 ? -1 : parameter_of(model, norm, Role::kRunningMean);
  const int shifted = bias >= 0 ? bias : mean;
  if (shifted < 0 || owner_count(model, shifted) > 1 || model.parameters()[shifted].derived >= 0)
    return {};
  float* values = model.values(model.parameters()[shifted]);
  std::vector<float> added;
  for (std::size_t k = 0; k < gains.size(); ++k) {
    values[k] += static_cast<float>(bias >= 0 ? -gains[k] : gains[k]);
    if (bias >= 0) added.push_back(static_cast<float>(-gains[k]));
  }
  return added;
}

// Linear layers and convolutions, in the order of the graph.
std::vector<int> weights_of(const Graph& graph) {
  std::vector<int> nodes;
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i)
    if (ops::makes_units(graph.nodes()[i])) nodes.push_back(i);
  return nodes;
}

bool is_relu(const Activation& activation) {
  return activation == Activation("relu") || activation == Activation("leaky_relu:0");
}

}  // namespace

Case open_case(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data,
               const Diagnosis& diagnosis) {
  Case patient{.graph = graph,
               .weights = tensors_of(make_model(graph, weights)),
               .sampled = {.data = &data}};
  for (std::size_t l = 0; l < diagnosis.layers.size(); ++l)
    for (std::size_t unit = 0; unit < diagnosis.layers[l].lives.size(); ++unit) {
      const bool dead = diagnosis.layers[l].lives[unit].state == UnitState::kDead;
      (dead ? patient.dead : patient.living).push_back({l, static_cast<std::int64_t>(unit)});
    }
  return patient;
}

Graph swapped(const Graph& graph, const Activation& activation, std::int64_t* count,
              std::int64_t anneal) {
  std::vector<Node> nodes = graph.nodes();
  for (Node& node : nodes) {
    const Activation* own = ops::activation_of(node);
    if (own == nullptr || !own->can_be_dead() || own->info().width != activation.info().width)
      continue;
    const bool same = *own == activation || (is_relu(*own) && is_relu(activation));
    if (anneal > 0 ? !is_relu(*own) : same) continue;
    node.attributes.set("activation", activation);
    if (anneal > 0) node.attributes.set("anneal", anneal);
    if (activation.info().learned) node.parameters = {node.name + ".slope"};
    ++*count;
  }
  return Graph(std::move(nodes), graph.outputs(), graph.derived());
}

Graph without_annealing(const Graph& graph) {
  std::vector<Node> nodes = graph.nodes();
  for (Node& node : nodes)
    if (node.attributes.has("anneal")) node.attributes.set("anneal", std::int64_t{0});
  return Graph(std::move(nodes), graph.outputs(), graph.derived());
}

std::int64_t reinitialise(engine::Model& model, std::span<const UnitId> units,
                          const Sampled& sampled, const Activation* activation,
                          std::uint64_t seed) {
  std::map<std::size_t, std::vector<std::int64_t>> by_layer;
  for (const UnitId& id : units) by_layer[id.layer].push_back(id.unit);
  std::int64_t drawn = 0;
  std::map<int, Renewed> renewed;  // by the weight
  for (const auto& [l, those] : by_layer) {
    const engine::Layer& layer = model.layers()[l];
    const engine::Wiring wiring = wiring_of(model, layer);
    if (!obstacle(model, wiring).empty()) continue;
    const double gain = activation != nullptr ? activation->gain() : layer.activation.gain();
    for (const std::int64_t unit : those) {
      draw_row(model, wiring, {l, unit}, gain, seed);
      silence(model, wiring, unit);
    }
    if (wiring.norm >= 0) renewed.emplace(wiring.weight, Renewed{wiring, those});
    drawn += static_cast<std::int64_t>(those.size());
  }
  std::vector<int> nodes;
  for (const auto& [node, each] : renewed) nodes.push_back(node);
  walk("remedies: statistics of what was drawn anew", model, nodes, sampled,
       [&](int node, const UnitMoments& moments) {
         set_statistics(model, renewed.at(node), moments);
         return std::vector<float>();
       });
  return drawn;
}

NodeMeans means_of(engine::Model& model, const Sampled& sampled) {
  NodeMeans means;
  walk("remedies: means before a swap", model, weights_of(model.graph()), sampled,
       [&](int node, const UnitMoments& moments) {
         for (std::int64_t unit = 0; unit < moments.units(); ++unit)
           means[node].push_back(moments.mean(unit));
         return std::vector<float>();
       });
  return means;
}

void keep_means(engine::Model& model, const NodeMeans& wanted, const Sampled& sampled) {
  walk("remedies: biases that keep the means after a swap", model, weights_of(model.graph()),
       sampled, [&](int node, const UnitMoments& moments) {
         std::vector<double> gains = wanted.at(node);
         for (std::size_t unit = 0; unit < gains.size(); ++unit)
           gains[unit] = moments.mean(static_cast<std::int64_t>(unit)) - gains[unit];
         return take_off(model, node, gains);
       });
}

std::vector<UnitId> choose(std::vector<UnitId> units, std::size_t count, std::uint64_t seed) {
  const Random random(seed, Stream::kInitialDraw, kChoice);
  for (std::size_t i = units.size(); i > 1; --i) std::swap(units[i - 1], units[random.below(i, i)]);
  units.resize(std::min(count, units.size()));
  return units;
}

std::vector<Tensor> Treated::weights(std::vector<Tensor> all) const {
  for (const Tensor& tensor : changed) {
    const auto found = std::ranges::find(all, tensor.name, &Tensor::name);
    if (found == all.end())
      all.push_back(tensor);
    else
      *found = tensor;
  }
  return all;
}

namespace {

// Those of a model that the patient has otherwise, or not at all.
std::vector<Tensor> changed_from(const Case& patient, const engine::Model& model) {
  std::vector<Tensor> changed = tensors_of(model);
  std::erase_if(changed, [&](const Tensor& tensor) {
    const auto found = std::ranges::find(patient.weights, tensor.name, &Tensor::name);
    return found != patient.weights.end() && found->values == tensor.values;
  });
  return changed;
}

std::vector<UnitId> units_to_draw(const Remedy& remedy, const Case& patient, std::uint64_t seed) {
  if (!remedy.placebo) return patient.dead;
  const auto all = static_cast<double>(patient.dead.size() + patient.living.size());
  const std::size_t without_dead =
      std::max<std::size_t>(1, static_cast<std::size_t>(kPlaceboWithoutDead * all));
  return choose(patient.living, patient.dead.empty() ? without_dead : patient.dead.size(), seed);
}

}  // namespace

Treated apply(const Remedy& remedy, const Case& patient, std::uint64_t seed) {
  Treated treated{patient.graph, {}, {}};
  if (remedy.reinitialise || remedy.placebo) {
    engine::Model model = make_model(treated.graph, patient.weights);
    const std::vector<UnitId> units = units_to_draw(remedy, patient, seed);
    treated.effect.reinitialised =
        reinitialise(model, units, patient.sampled, remedy.swap ? &*remedy.swap : nullptr, seed);
    treated.effect.skipped = static_cast<std::int64_t>(units.size()) - treated.effect.reinitialised;
    treated.changed = changed_from(patient, model);
  }
  if (!remedy.swap) return treated;
  const Graph before = treated.graph;
  treated.graph = swapped(treated.graph, *remedy.swap, &treated.effect.swapped,
                          remedy.anneal ? patient.anneal_steps : 0);
  if (remedy.anneal) return treated;
  std::vector<Tensor> weights = treated.weights(patient.weights);
  std::shared_ptr<const NodeMeans> wanted = patient.means;
  if (wanted == nullptr || !treated.changed.empty()) {
    engine::Model as_it_was = make_model(before, weights);
    wanted = std::make_shared<const NodeMeans>(means_of(as_it_was, patient.sampled));
  }
  for (const Tensor& fresh :
       tensors_of(engine::Model(treated.graph)))  // slopes that were not there
    if (std::ranges::find(weights, fresh.name, &Tensor::name) == weights.end())
      weights.push_back(fresh);
  engine::Model model = make_model(treated.graph, weights);
  keep_means(model, *wanted, patient.sampled);
  treated.changed = changed_from(patient, model);
  return treated;
}

bool depends_on_seed(const Remedy& remedy) { return remedy.reinitialise || remedy.placebo; }

std::shared_ptr<const Treated> Treatments::of(const Remedy& remedy, std::uint64_t seed) {
  if (depends_on_seed(remedy) && seed != first_seed_)
    return std::make_shared<const Treated>(apply(remedy, patient_, seed));
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const Treated>& made = made_[remedy.label];
  if (made != nullptr) return made;
  if (remedy.swap && !remedy.anneal && patient_.means == nullptr) {
    engine::Model model = make_model(patient_.graph, patient_.weights);
    patient_.means = std::make_shared<const NodeMeans>(means_of(model, patient_.sampled));
  }
  return made = std::make_shared<const Treated>(apply(remedy, patient_, seed));
}

}  // namespace undying::doctor
