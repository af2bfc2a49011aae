#include "engine/model.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "undying/error.h"

namespace undying::engine {
namespace {

using Role = ops::ParameterSpec::Role;

// Before the allocation, which an operating system that promises more memory than it has would let
// pass.
void check_fits(std::int64_t floats) {
  const double bytes = 4.0 * static_cast<double>(floats);
  const double memory =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  if (bytes <= memory) return;
  throw Error(ErrorCode::kInvalidArgument, "model",
              fmt::format("has {:.3g} parameters, {:.3g} GB of them; this machine has {:.3g} GB of "
                          "memory: choose a smaller one",
                          static_cast<double>(floats), bytes * 1e-9, memory * 1e-9));
}

}  // namespace

Model::Model(Graph graph)
    : graph_(std::move(graph)),
      values_(ops::values(graph_.nodes())),
      by_node_(graph_.nodes().size()) {
  for (int at = 0; at < static_cast<int>(graph_.nodes().size()); ++at) {
    if (ops::is_input(node(at))) continue;
    add_parameters(at);
    if (ops::activation_of(node(at)) != nullptr) add_layer(at);
  }
  for (int i = 0; i < static_cast<int>(graph_.derived().size()); ++i) add_derived(i);
  check_fits(trained_size_ + statistics_size_);
  trained_ = Buffer<float>(static_cast<std::size_t>(trained_size_));
  statistics_ = Buffer<float>(static_cast<std::size_t>(statistics_size_));
  for (const Parameter& parameter : parameters_)
    std::fill_n(values(parameter), parameter.size, parameter.initial);
}

void Model::add_parameters(int at) {
  const Node& description = node(at);
  std::vector<ops::ParameterSpec> specs =
      ops::operator_named(description).parameters(description, ops::sources(description, values_));
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (i < description.parameters.size() && !description.parameters[i].empty())
      specs[i].name = description.parameters[i];
    by_node_[at].push_back(add_parameter(specs[i], at));
  }
}

int Model::add_parameter(const ops::ParameterSpec& spec, int at) {
  const int index = static_cast<int>(parameters_.size());
  if (const auto [found, fresh] = by_name_.try_emplace(spec.name, index); !fresh) {
    const Parameter& same = parameters_[found->second];
    if (same.shape == spec.shape && same.trained == spec.trained()) return found->second;
    ops::reject(node(at), "shares " + spec.name + " of shape " + ops::to_string(same.shape) +
                              " with " + node(same.node).name + ", but needs " +
                              ops::to_string(spec.shape));
  }
  std::int64_t& end = spec.trained() ? trained_size_ : statistics_size_;
  const std::int64_t size = ops::element_count(spec.shape);
  parameters_.push_back({spec.name, spec.shape, spec.role, end, size, spec.trained(), spec.decays(),
                         spec.initial, at});
  end += static_cast<std::int64_t>(padded(static_cast<std::size_t>(size)));
  return index;
}

// The tensors it is computed from that train. Those of its own shape are drawn as it would be,
// others (its length, a gain) begin as 1.
void Model::add_derived(int at) {
  const Derived& derived = graph_.derived()[at];
  const auto found = by_name_.find(derived.parameter);
  if (found == by_name_.end()) return;
  const int target = found->second;
  const Shape shape = parameters_[target].shape;
  const int owner = parameters_[target].node;
  const std::vector<ops::Value> inner = ops::values(derived.nodes);
  if (inner.empty() || inner.back().shape != shape || !parameters_[target].trained)
    ops::reject(node(owner), "its tensor " + derived.parameter + " of shape " +
                                 ops::to_string(shape) + " is computed in another");
  parameters_[target].derived = at;
  parameters_[target].frozen = true;
  for (const Node& each : derived.nodes) {
    if (ops::is_input(each)) continue;
    for (ops::ParameterSpec spec :
         ops::operator_named(each).parameters(each, ops::sources(each, inner))) {
      if (!spec.trained()) continue;
      if (!each.parameters.empty()) spec.name = each.parameters[0];
      if (spec.shape != shape) spec.initial = 1.0f;
      parameters_[add_parameter(spec, owner)].leaf = true;
    }
  }
}

void Model::freeze(std::span<const std::string> names) {
  for (const std::string& name : names) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end())
      throw Error(ErrorCode::kInvalidArgument, "tensor " + name,
                  "is to be frozen, but the model has none");
    parameters_[found->second].frozen = true;
  }
}

// The weight of the nearest node upstream that has one, along first inputs.
int Model::weight_before(int at) const {
  while (!node(at).inputs.empty()) {
    at = node(at).inputs[0];
    for (const int index : parameters_of(at))
      if (parameters_[index].role == Role::kWeight) return index;
  }
  return -1;
}

// Behind a flatten (and other views) the units are still those of the value before it, where a
// layer with weights made that.
void Model::find_channels(Layer& layer) const {
  int at = node(layer.node).inputs[0];
  if (values_[at].shape.size() != 1) return;
  while (ops::is_view(node(at))) at = node(at).inputs[0];
  const ops::Value& value = values_[at];
  while (ops::keeps_units(node(at)) || ops::is_batch_norm(node(at))) at = node(at).inputs[0];
  if (value.shape.size() == 1 || !ops::makes_units(node(at))) return;
  layer.units = ops::unit_count(value);
  layer.positions = ops::position_count(value);
  layer.counted = value.layout == ops::Layout::kChannelsLast ? Layer::Counted::kByUnit
                                                             : Layer::Counted::kByPosition;
}

void Model::add_layer(int at) {
  const Node& description = node(at);
  const ops::Value src = ops::sources(description, values_)[0];
  Layer layer{.name = description.attributes.get<std::string>("layer"),
              .activation = *ops::activation_of(description),
              .node = at,
              .offset = unit_size_,
              .units = ops::unit_count(src),
              .positions = ops::position_count(src),
              .weight = weight_before(at)};
  unit_size_ += static_cast<std::int64_t>(padded(static_cast<std::size_t>(layer.units)));
  find_channels(layer);
  layers_.push_back(std::move(layer));
}

Activation Model::activation_behind(int at) const {
  for (int next = at + 1; next < static_cast<int>(graph_.nodes().size()); ++next) {
    if (std::ranges::find(node(next).inputs, at) == node(next).inputs.end()) continue;
    if (const Activation* activation = ops::activation_of(node(next)); activation != nullptr)
      return *activation;
    if (!ops::traits_of(node(next)).keeps_spread) break;
    at = next;
  }
  return "identity";
}

std::vector<bool> upstream(const Graph& graph, int node) {
  std::vector<bool> before(graph.nodes().size(), false);
  for (const int input : graph.nodes()[node].inputs) before[input] = true;
  for (int i = node; i-- > 0;)
    if (before[i])
      for (const int input : graph.nodes()[i].inputs) before[input] = true;
  return before;
}

}  // namespace undying::engine
