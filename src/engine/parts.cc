// Networks made of others: a part of one, the same with other activations, with one input and one
// output in place of several.

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "ops/operator.h"
#include "undying/graph.h"

namespace undying {
namespace {

using Ints = std::vector<std::int64_t>;

const Node& node_at(const Graph& graph, int at) { return graph.nodes()[at]; }

// What lets a value pass or not, and what bounds it: another rectifier in its place would be
// another network.
bool is_gate(const Activation& activation) {
  constexpr std::array<std::string_view, 4> kGates = {"sigmoid", "tanh", "hardsigmoid", "identity"};
  return std::ranges::find(kGates, activation.info().name) != kGates.end();
}

// Whether each node's value reaches one that owns a trained weight.
std::vector<bool> weighed(const Graph& graph) {
  const std::vector<ops::Value> values = ops::values(graph.nodes());
  std::vector<bool> reaches(values.size(), false);
  for (std::size_t at = values.size(); at-- > 0;) {
    const Node& node = graph.nodes()[at];
    if (ops::is_input(node)) continue;
    const auto specs = ops::operator_named(node).parameters(node, ops::sources(node, values));
    const bool weighs = std::ranges::any_of(
        specs, [](const auto& spec) { return spec.role == ops::ParameterSpec::Role::kWeight; });
    for (const int input : node.inputs)
      if (weighs || reaches[at]) reaches[input] = true;
  }
  return reaches;
}

void set_activation(Node& node, const Activation& activation) {
  node.attributes.set("activation", activation);
  node.parameters.clear();
  if (activation.info().learned) node.parameters = {node.name + ".slope"};
}

// Builds a network from another, node by node, under names that are not taken yet.
class Packing {
 public:
  explicit Packing(const Graph& graph) : graph_(graph) {}

  Graph run() {
    if (graph_.inputs().size() > 1)
      add({unused("inputs"), "input", {}, {{"shape", Ints{width(graph_.inputs())}}}});
    for (int at = 0; at < static_cast<int>(graph_.nodes().size()); ++at) {
      Node node = node_at(graph_, at);
      for (int& input : node.inputs) input = place_.at(input);
      place_[at] =
          ops::is_input(node) && graph_.inputs().size() > 1 ? add_slice(at) : add(std::move(node));
    }
    // First, for it adds nodes: which argument is made first is up to the compiler.
    const int output = graph_.outputs().size() > 1 ? join() : place_.at(graph_.outputs().front());
    return Graph(std::move(nodes_), {output}, graph_.derived());
  }

 private:
  int add(Node node) {
    nodes_.push_back(std::move(node));
    return static_cast<int>(nodes_.size()) - 1;
  }

  std::string unused(std::string name) const {
    while (std::ranges::find(graph_.nodes(), name, &Node::name) != graph_.nodes().end())
      name += "_";
    return name;
  }

  const Shape& shape(int at) const { return graph_.shapes()[at]; }

  std::int64_t width(const std::vector<int>& nodes) const {
    std::int64_t sum = 0;
    for (const int at : nodes) sum += ops::element_count(shape(at));
    return sum;
  }

  // An input as a slice of the one.
  int add_slice(int at) {
    const std::string& name = node_at(graph_, at).name;
    const std::int64_t end = first_ + ops::element_count(shape(at));
    const bool flat = shape(at).size() == 1;
    const int slice = add({flat ? name : unused(name + ".slice"),
                           "slice",
                           {0},
                           {{"starts", Ints{first_}}, {"ends", Ints{end}}}});
    first_ = end;
    return flat ? slice : add({name, "reshape", {slice}, {{"shape", shape(at)}}});
  }

  int join() {
    std::vector<int> flat;
    for (const int at : graph_.outputs()) {
      const int from = place_.at(at);
      const bool taken = std::ranges::find(flat, from) != flat.end();  // an output twice
      if (shape(at).size() == 1 && !taken)
        flat.push_back(from);
      else
        flat.push_back(
            add({unused(node_at(graph_, at).name + ".output" + std::to_string(flat.size())),
                 "flatten",
                 {from}}));
    }
    return add({unused("outputs"), "concat", flat, {{"axis", std::int64_t{0}}}});
  }

  const Graph& graph_;
  std::vector<Node> nodes_;
  std::map<int, int> place_;  // of a node of the graph
  std::int64_t first_ = 0;    // element of the input that the next slice begins at
};

}  // namespace

std::vector<int> hidden_activations(const Graph& graph) {
  const std::vector<bool> reaches = weighed(graph);
  std::vector<int> hidden;
  for (int at = 0; at < static_cast<int>(graph.nodes().size()); ++at) {
    const Activation* activation = ops::activation_of(node_at(graph, at));
    if (activation != nullptr && !is_gate(*activation) && reaches[at]) hidden.push_back(at);
  }
  return hidden;
}

Graph with_activation(const Graph& graph, const Activation& activation) {
  std::vector<Node> nodes = graph.nodes();
  for (const int at : hidden_activations(graph)) set_activation(nodes[at], activation);
  return Graph(std::move(nodes), graph.outputs(), graph.derived());
}

Graph with_activations_of(const Graph& graph, const Graph& from) {
  std::vector<Node> nodes = graph.nodes();
  for (Node& node : nodes) {
    const auto found = std::ranges::find(from.nodes(), node.name, &Node::name);
    if (found == from.nodes().end()) continue;
    const Activation* theirs = ops::activation_of(*found);
    if (theirs == nullptr || ops::activation_of(node) == nullptr) continue;
    node.attributes.set("activation", *theirs);
    node.parameters = found->parameters;
  }
  return Graph(std::move(nodes), graph.outputs(), graph.derived());
}

Graph cut(const Graph& graph, const std::vector<int>& outputs) {
  std::vector<bool> needed(graph.nodes().size(), false);
  for (const int output : outputs) needed[output] = true;
  for (std::size_t at = needed.size(); at-- > 0;)
    for (const int input : graph.nodes()[at].inputs)
      if (needed[at]) needed[input] = true;
  std::vector<Node> nodes;
  std::map<int, int> place;
  for (const bool inputs : {true, false})  // first, as node 0 is one
    for (int at = 0; at < static_cast<int>(needed.size()); ++at) {
      Node node = node_at(graph, at);
      if (!needed[at] || ops::is_input(node) != inputs) continue;
      for (int& input : node.inputs) input = place.at(input);
      place[at] = static_cast<int>(nodes.size());
      nodes.push_back(std::move(node));
    }
  std::vector<int> kept;
  for (const int output : outputs) kept.push_back(place.at(output));
  return Graph(std::move(nodes), kept, graph.derived());
}

Graph packed(const Graph& graph) {
  if (graph.inputs().size() == 1 && graph.outputs().size() == 1) return graph;
  return Packing(graph).run();
}

}  // namespace undying
