#include "engine/wiring.h"

#include <algorithm>

namespace undying::engine {
namespace {

using Role = ops::ParameterSpec::Role;

const Node& node_at(const Graph& graph, int at) { return graph.nodes()[at]; }

// Whose weight has a row for each unit it makes.
bool has_rows(const Node& node) {
  return ops::makes_units(node) && !ops::traits_of(node).transposed;
}

std::vector<int> users_of(const Graph& graph, int at) {
  std::vector<int> users;
  for (int i = at + 1; i < static_cast<int>(graph.nodes().size()); ++i)
    if (std::ranges::find(node_at(graph, i).inputs, at) != node_at(graph, i).inputs.end())
      users.push_back(i);
  return users;
}

bool is_output(const Graph& graph, int at) {
  return std::ranges::find(graph.outputs(), at) != graph.outputs().end();
}

bool owns_alone(const Model& model, int node) {
  return std::ranges::all_of(model.parameters_of(node),
                             [&](int parameter) { return owner_count(model, parameter) == 1; });
}

// Whether the units of a value of this shape are the ones of the layer: channels in front, or a
// flat (units x positions).
struct Walk {
  const Model& model;
  const Layer& layer;
  Wiring& wiring;

  // Everything that reads the value of `at`, in which a unit stands at `positions` neighbouring
  // places where it is flat.
  void follow(int at, std::int64_t positions) {
    if (is_output(model.graph(), at)) wiring.read_by_weights_alone = false;
    for (const int user : users_of(model.graph(), at)) visit(user, at, positions);
  }

  void visit(int user, int from, std::int64_t positions) {
    const Node& node = node_at(model.graph(), user);
    const Shape& shape = model.graph().shapes()[from];
    if (has_rows(node) && reads_units(node, shape, positions)) {
      wiring.readers.push_back({user, shape.size() == 1 ? positions : 1});
      if (!owns_alone(model, user)) wiring.read_by_weights_alone = false;
    } else if (ops::keeps_units(node)) {
      follow(user, positions_behind(node, from, user, positions));
    } else {
      wiring.read_by_weights_alone = false;
    }
  }

  bool reads_units(const Node& node, const Shape& shape, std::int64_t positions) const {
    return ops::has_channels(node) ? shape.front() == layer.units
                                   : shape.size() == 1 && shape[0] == layer.units * positions;
  }

  // A flattened value holds each unit at all its positions, one beside the other.
  std::int64_t positions_behind(const Node& node, int from, int to, std::int64_t positions) const {
    const Shape& before = model.graph().shapes()[from];
    const Shape& after = model.graph().shapes()[to];
    if (ops::is_view(node))
      if (before.size() > 1 && after.size() == 1 && before.front() == layer.units)
        return ops::element_count(before) / layer.units;
    return positions;
  }
};

bool read_once(const Graph& graph, int at) {
  return users_of(graph, at).size() == 1 && !is_output(graph, at);
}

// Back from the activation through what keeps units apart, a batch norm, to what makes the units.
void find_feed(const Model& model, const Layer& layer, Wiring& wiring) {
  const Graph& graph = model.graph();
  int at = node_at(graph, layer.node).inputs[0];
  bool alone = read_once(graph, at);
  const auto back = [&] {
    at = node_at(graph, at).inputs[0];
    alone = alone && read_once(graph, at);
  };
  const bool flattened = layer.counted != Layer::Counted::kPooled;
  while (ops::keeps_units(node_at(graph, at)) || (flattened && ops::is_view(node_at(graph, at))))
    back();
  if (ops::is_batch_norm(node_at(graph, at))) {
    wiring.norm = at;
    alone = alone && owns_alone(model, at);
    back();
  }
  // Behind a linear layer over rows the units are the last dimension, which a batch norm does not
  // normalise.
  const bool rows =
      wiring.norm >= 0 && !ops::has_channels(node_at(graph, at)) && graph.shapes()[at].size() > 1;
  const bool units = ops::unit_count(model.node_values()[at]) == layer.units;
  if (!ops::makes_units(node_at(graph, at)) || rows || !units) return;
  wiring.weight = at;
  wiring.feed_alone = alone && owns_alone(model, at);
}

void find_pool(const Model& model, const Layer& layer, Wiring& wiring) {
  for (int at = layer.node;;) {
    const std::vector<int> users = users_of(model.graph(), at);
    if (users.size() != 1) return;
    at = users[0];
    const Node& node = node_at(model.graph(), at);
    if (ops::traits_of(node).pool == ops::Pool::kMax) {
      wiring.pool = at;
      return;
    }
    if (!ops::is_view(node)) return;
  }
}

bool bypassed(const Graph& graph, int without) {
  std::vector<bool> reached(graph.nodes().size(), false);
  for (int i = 0; i < static_cast<int>(reached.size()); ++i) {
    const Node& node = node_at(graph, i);
    bool here = ops::is_input(node);
    for (const int input : node.inputs) here = here || reached[input];
    reached[i] = here && i != without;
  }
  return reached[graph.outputs().front()];
}

void add_row(const Model& model, int node, Role role, std::int64_t unit, std::vector<Span>& spans) {
  const int index = node < 0 ? -1 : parameter_of(model, node, role);
  if (index < 0) return;
  const Parameter& parameter = model.parameters()[index];
  if (role == Role::kWeight && ops::traits_of(node_at(model.graph(), node)).transposed) {
    // (C, outputs / groups, kernel...): a unit is made of the channels of its group.
    const std::int64_t per_group = parameter.shape[1];
    const std::int64_t kernel = parameter.size / parameter.shape[0] / per_group;
    const std::int64_t groups =
        node_at(model.graph(), node).attributes.get_or<std::int64_t>("groups", 1);
    const std::int64_t channels = parameter.shape[0] / groups;
    const std::int64_t first = unit / per_group * channels * per_group + unit % per_group;
    spans.push_back({index, first * kernel, kernel, per_group * kernel, channels});
    return;
  }
  const std::int64_t row = parameter.size / parameter.shape[0];
  spans.push_back({.parameter = index, .first = unit * row, .size = row});
}

}  // namespace

int owner_count(const Model& model, int parameter) {
  int owners = 0;
  for (int node = 0; node < static_cast<int>(model.graph().nodes().size()); ++node)
    owners += static_cast<int>(std::ranges::count(model.parameters_of(node), parameter));
  return owners;
}

int parameter_of(const Model& model, int node, Role role) {
  for (const int index : model.parameters_of(node))
    if (model.parameters()[index].role == role) return index;
  return -1;
}

Wiring wiring_of(const Model& model, const Layer& layer) {
  Wiring wiring;
  find_feed(model, layer, wiring);
  wiring.bypassed = bypassed(model.graph(), layer.node);
  find_pool(model, layer, wiring);
  const ops::Value& value = model.node_values()[layer.node];
  const bool channels = value.shape.size() == 1 || value.layout == ops::Layout::kChannelsLast;
  if (layer.activation.info().width != 1 || !channels ||
      layer.counted == Layer::Counted::kByPosition) {
    wiring.read_by_weights_alone = false;
    return wiring;
  }
  Walk{model, layer, wiring}.follow(layer.node,
                                    layer.counted == Layer::Counted::kByUnit ? layer.positions : 1);
  return wiring;
}

std::string obstacle(const Model& model, const Wiring& wiring) {
  const auto is_computed = [&](int node) {
    return std::ranges::any_of(model.parameters_of(node), [&](int parameter) {
      return model.parameters()[parameter].derived >= 0;
    });
  };
  if (wiring.weight < 0) return "no linear layer or convolution makes its units";
  if (ops::traits_of(node_at(model.graph(), wiring.weight)).transposed)
    return "a transposed convolution makes its units";
  if (!wiring.feed_alone) return "what makes its units serves something else too";
  if (!wiring.read_by_weights_alone || wiring.readers.empty())
    return "its units are read by more than linear layers and convolutions";
  if (is_computed(wiring.weight) || std::ranges::any_of(wiring.readers, [&](const Reader& reader) {
        return is_computed(reader.node);
      }))
    return "weights around it are computed from other parameters";
  return "";
}

std::vector<Span> incoming(const Model& model, const Wiring& wiring, std::int64_t unit) {
  std::vector<Span> spans;
  for (const Role role : {Role::kWeight, Role::kBias})
    add_row(model, wiring.weight, role, unit, spans);
  for (const Role role : {Role::kScale, Role::kShift})
    add_row(model, wiring.norm, role, unit, spans);
  return spans;
}

std::vector<Span> outgoing(const Model& model, const Wiring& wiring, std::int64_t unit) {
  std::vector<Span> spans;
  for (const Reader& reader : wiring.readers) {
    const int index = parameter_of(model, reader.node, Role::kWeight);
    const Parameter& weight = model.parameters()[index];
    const std::int64_t outputs = weight.shape[0];
    const std::int64_t row = weight.size / outputs;
    if (!ops::has_channels(node_at(model.graph(), reader.node))) {
      spans.push_back({index, unit * reader.positions, reader.positions, row, outputs});
      continue;
    }
    // (outputs, C / groups, kernel...): a channel is read by the outputs of its group alone.
    const std::int64_t per_group = weight.shape[1];
    const std::int64_t kernel = row / per_group;
    const std::int64_t groups =
        node_at(model.graph(), reader.node).attributes.get_or<std::int64_t>("groups", 1);
    const std::int64_t first_output = unit / per_group * (outputs / groups);
    spans.push_back(
        {index, first_output * row + unit % per_group * kernel, kernel, row, outputs / groups});
  }
  return spans;
}

}  // namespace undying::engine
