#include "cli/network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "cli/network_parts.h"
#include "doctor/network.h"
#include "engine/model.h"
#include "ops/operator.h"
#include "undying/error.h"
#include "undying/evaluation.h"

namespace undying::cli {
namespace {}  // namespace

std::string input_name(const onnx::Model& model, const std::string& node) {
  for (std::size_t i = 0; i < model.inputs.size(); ++i)
    if (node_at(model.graph, model.graph.inputs()[i]).name == node) return model.inputs[i];
  return node;
}

int output_node(const onnx::Model& model, int position) { return model.graph.outputs()[position]; }

// The part of a network that these nodes need, with all of these inputs, in this order: the data
// has them.
Graph part_of(const Graph& graph, const std::vector<int>& outputs, const std::vector<int>& inputs) {
  const Graph part = cut(graph, outputs);
  std::vector<Node> nodes;
  std::vector<int> place(part.nodes().size());
  for (const int at : inputs) nodes.push_back(node_at(graph, at));
  for (std::size_t at = 0; at < place.size(); ++at) {
    Node node = part.nodes()[at];
    if (ops::is_input(node)) {
      place[at] =
          static_cast<int>(std::ranges::find(nodes, node.name, &Node::name) - nodes.begin());
      continue;
    }
    for (int& input : node.inputs) input = place[input];
    place[at] = static_cast<int>(nodes.size());
    nodes.push_back(std::move(node));
  }
  std::vector<int> ends;
  for (const int output : part.outputs()) ends.push_back(place[output]);
  return Graph(std::move(nodes), ends, graph.derived());
}

// Those inputs of a network that data must have, as nodes.
std::vector<int> input_nodes(const Network& network) {
  std::vector<int> nodes;
  for (const InputPart& input : network.interface.inputs)
    for (std::size_t i = 0; i < network.model.inputs.size(); ++i)
      if (network.model.inputs[i] == input.name) nodes.push_back(network.model.graph.inputs()[i]);
  return nodes;
}

Graph Network::judged(const Graph& changed) const {
  return with_activations_of(cut(model.graph, nodes), changed);
}

std::vector<std::string> Network::judged_inputs() const {
  const Graph part = cut(model.graph, nodes);
  std::vector<std::string> found;
  for (const int at : part.inputs()) found.push_back(input_name(model, node_at(part, at).name));
  return found;
}

namespace {

int node_of_output(const onnx::Model& model, const std::string& name) {
  return output_node(
      model, static_cast<int>(std::ranges::find(model.outputs, name) - model.outputs.begin()));
}

// Whether a part of the file's network is the same in what it has become.
bool is_same(const Graph& part, const Graph& changed, const std::vector<Tensor>& before,
             const std::vector<Tensor>& after) {
  for (std::size_t at = 0; at < part.nodes().size(); ++at) {
    const Node& node = part.nodes()[at];
    const auto other = std::ranges::find(changed.nodes(), node.name, &Node::name);
    if (const Activation* own = ops::activation_of(node);
        own != nullptr && *own != *ops::activation_of(*other))
      return false;
    for (const std::string& name : node.parameters)
      if (std::ranges::find(before, name, &Tensor::name)->values !=
          std::ranges::find(after, name, &Tensor::name)->values)
        return false;
  }
  return true;
}

}  // namespace

Change change_of(const Network& network, const std::string& output, const Graph& changed,
                 const std::vector<Tensor>& weights, const Dataset& data) {
  const onnx::Model& model = network.model;
  const int node = node_of_output(model, output);
  const Graph whole = network.whole(changed);
  const Graph part = cut(model.graph, {node});
  if (is_same(part, whole, model.weights, weights)) return {.unknown = "is as it was"};
  std::vector<int> inputs = input_nodes(network);
  for (const int input : part.inputs())
    if (std::ranges::none_of(inputs, [&](int at) {
          return node_at(model.graph, at).name == node_at(part, input).name;
        }))
      return {.unknown = fmt::format("changes, but by how much is not known: it needs the input "
                                     "{}, which the data does not have",
                                     input_name(model, node_at(part, input).name))};
  const auto run = [&](const Graph& graph, const std::vector<Tensor>& tensors) {
    const Graph one = packed(part_of(graph, {node}, inputs));
    return predict(one, fitting(one, tensors, output), data, {}).values;
  };
  const std::vector<float> before = run(model.graph, model.weights);
  const std::vector<float> after = run(whole, weights);
  Change change;
  for (std::size_t i = 0; i < before.size(); ++i) {
    change.difference =
        std::max(change.difference, std::fabs(static_cast<double>(after[i]) - before[i]));
    change.scale = std::max(change.scale, std::fabs(static_cast<double>(before[i])));
  }
  return change;
}

std::vector<float> answers(const Network& network, const Dataset& data, int threads) {
  const Graph one = packed(part_of(network.model.graph, network.nodes, input_nodes(network)));
  return predict(one, fitting(one, network.model.weights, "network"), data, {}, threads).values;
}

std::string advice_on_inputs(const Network& network) {
  for (const TargetPart& output : network.interface.outputs) {
    const Graph part = cut(network.model.graph, {node_of_output(network.model, output.name)});
    if (part.inputs().size() >= network.interface.inputs.size()) continue;
    std::vector<std::string> needed;
    for (const int at : part.inputs())
      needed.push_back(input_name(network.model, node_at(part, at).name));
    return fmt::format("; --output {} needs {} alone", output.name, fmt::join(needed, ", "));
  }
  return "";
}

Activation own_activation(const Graph& graph) {
  std::vector<std::pair<Activation, int>> counts;
  for (const int at : hidden_activations(graph)) {
    const Activation own = *ops::activation_of(node_at(graph, at));
    const auto found = std::ranges::find(counts, own, &std::pair<Activation, int>::first);
    if (found != counts.end()) {
      ++found->second;
    } else {
      counts.emplace_back(own, 1);
    }
  }
  const auto most = std::ranges::max_element(counts, {}, &std::pair<Activation, int>::second);
  return most == counts.end() ? Activation("identity") : most->first;
}

void print_notes(const Host& host, const Network& network) {
  for (const auto* notes : {&network.model.notes, &network.notes})
    for (const std::string& note : *notes) host.print("network: {}\n", note);
  if (!network.model.notes.empty() || !network.notes.empty()) host.print("\n");
}

bool is_network_file(const std::string& model) { return model.ends_with(".onnx"); }

void check_network_out(const std::string& file) {
  if (file.ends_with(".safetensors"))
    throw Error(
        ErrorCode::kInvalidArgument, "--out",
        fmt::format("is {}, which would hold weights alone; expected FILE.onnx: the network "
                    "changes with them",
                    file));
}

}  // namespace undying::cli
