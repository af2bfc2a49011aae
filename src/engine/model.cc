#include "engine/model.h"

#include <algorithm>

namespace undying::engine {

using Role = ops::ParameterSpec::Role;

Model::Model(Graph graph) : graph_(std::move(graph)), by_node_(graph_.nodes().size()) {
  for (int node = 1; node < static_cast<int>(graph_.nodes().size()); ++node) {
    add_parameters(node);
    if (graph_.nodes()[static_cast<std::size_t>(node)].op == "activation") add_layer(node);
  }
  trained_ = Buffer<float>(static_cast<std::size_t>(trained_size_));
  statistics_ = Buffer<float>(static_cast<std::size_t>(statistics_size_));
  for (const Parameter& parameter : parameters_) std::fill_n(values(parameter), parameter.size, parameter.initial);
}

void Model::add_parameters(int node) {
  const Node& description = graph_.nodes()[static_cast<std::size_t>(node)];
  const Shape& src = graph_.shapes()[static_cast<std::size_t>(description.inputs[0])];
  for (const ops::ParameterSpec& spec : ops::operator_named(description).parameters(description, src)) {
    std::int64_t& end = spec.trained() ? trained_size_ : statistics_size_;
    const std::int64_t size = ops::element_count(spec.shape);
    by_node_[static_cast<std::size_t>(node)].push_back(static_cast<int>(parameters_.size()));
    parameters_.push_back({spec.name, spec.shape, spec.role, end, size, spec.trained(), spec.decays(), spec.initial, node});
    end += static_cast<std::int64_t>(padded(static_cast<std::size_t>(size)));
  }
}

void Model::add_layer(int node) {
  const Node& description = graph_.nodes()[static_cast<std::size_t>(node)];
  const Shape& src = graph_.shapes()[static_cast<std::size_t>(description.inputs[0])];
  Layer layer{.name = description.attributes.get<std::string>("layer"),
              .activation = description.attributes.get<Activation>("activation"),
              .node = node,
              .offset = unit_size_,
              .units = ops::unit_count(src)};
  for (int at = description.inputs[0]; at > 0 && layer.weight < 0; at = graph_.nodes()[static_cast<std::size_t>(at)].inputs[0])
    for (const int index : parameters_of(at))
      if (parameters_[static_cast<std::size_t>(index)].role == Role::kWeight) layer.weight = index;
  unit_size_ += static_cast<std::int64_t>(padded(static_cast<std::size_t>(layer.units)));
  layers_.push_back(std::move(layer));
}

Activation Model::activation_behind(int node) const {
  for (std::size_t at = static_cast<std::size_t>(node) + 1; at < graph_.nodes().size(); ++at) {
    const Node& next = graph_.nodes()[at];
    if (next.op == "activation") return next.attributes.get<Activation>("activation");
    if (next.op != "batch_norm" && next.op != "dropout") break;
  }
  return "identity";
}

}  // namespace undying::engine
