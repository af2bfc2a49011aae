// What a network from a file holds, gathered.

#include "cli/commands/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "doctor/gradient_paths.h"
#include "ops/operator.h"
#include "undying/onnx.h"

namespace undying::cli {
namespace {

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

// Of a number without a dimension of its own, none.
Shape shape_in_file(const onnx::Model& model, const std::string& name, const Shape& shape) {
  return holds(model.scalars, name) ? Shape() : shape;
}

std::vector<Inspection::Input> inputs_of(const Network& network) {
  std::vector<Inspection::Input> inputs;
  for (const InputPart& input : network.interface.inputs)
    inputs.push_back({.name = input.name,
                      .shape = shape_in_file(network.model, input.name, input.shape),
                      .integer = input.integer,
                      .rows = input.rows});
  const std::vector<std::string>& all = network.model.inputs;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (std::ranges::find(inputs, all[i], &Inspection::Input::name) == inputs.end())
      inputs.push_back(
          {.name = all[i],
           .shape = shape_in_file(network.model, all[i],
                                  network.model.graph.shapes()[network.model.graph.inputs()[i]]),
           .needed = false});
  return inputs;
}

std::vector<Inspection::Output> outputs_of(const onnx::Model& model) {
  std::vector<Inspection::Output> outputs;
  for (std::size_t i = 0; i < model.outputs.size(); ++i) {
    const int node = model.graph.outputs()[i];
    Inspection::Output& output = outputs.emplace_back(Inspection::Output{
        .name = model.outputs[i],
        .shape = shape_in_file(model, model.outputs[i], model.graph.shapes()[node]),
        .chosen = std::ranges::find(model.chosen, static_cast<int>(i)) != model.chosen.end()});
    if (model.graph.nodes()[static_cast<std::size_t>(node)].op == "input") continue;  // as it came
    const Graph part = cut(model.graph, {node});
    if (const doctor::GradientPaths paths = doctor::gradient_paths(part); paths.unreached > 0)
      output.no_gradient = doctor::no_gradient_text(part, paths);
  }
  return outputs;
}

void count_operators(const Graph& graph, const std::vector<ops::Value>& values,
                     Inspection& inspection) {
  std::set<std::string> counted;
  for (const Derived& derived : graph.derived()) {  // what trains in its place is counted
    counted.insert(derived.parameter);
    for (const Node& node : derived.nodes)
      if (node.op == "parameter" && counted.insert(node.parameters[0]).second)
        inspection.trained +=
            ops::element_count(node.attributes.get<std::vector<std::int64_t>>("shape"));
  }
  for (const Node& node : graph.nodes()) {
    if (ops::is_input(node)) continue;
    if (ops::activation_of(node) == nullptr) ++inspection.operators[node.op];
    const auto specs = ops::operator_named(node).parameters(node, ops::sources(node, values));
    for (std::size_t i = 0; i < specs.size(); ++i)
      if (counted.insert(node.parameters[i]).second)
        (specs[i].trained() ? inspection.trained : inspection.other) +=
            ops::element_count(specs[i].shape);
  }
}

std::vector<Inspection::Layer> layers_of(const Graph& graph,
                                         const std::vector<ops::Value>& values) {
  std::vector<Inspection::Layer> layers;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    const Activation* activation = ops::activation_of(node);
    if (activation == nullptr) continue;
    layers.push_back({.name = node.attributes.get_or<std::string>("layer", node.name),
                      .activation = activation->specification(),
                      .units = ops::unit_count(values[i]),
                      .can_be_dead = activation->can_be_dead()});
  }
  return layers;
}

Inspection::Use no(const std::string& command, const std::string& why) {
  return {.command = command, .possible = false, .text = "no: " + why};
}

constexpr const char* kNoActivation = "no activation of the family is in it";

Inspection::Use revive_use(const Network& network, const Graph& part,
                           const Inspection& inspection) {
  if (!network.model.forward_only.empty()) return no("revive", network.model.forward_only);
  if (inspection.trained == 0) return no("revive", "nothing in it is trained");
  if (const doctor::GradientPaths paths = doctor::gradient_paths(part); paths.none())
    return no("revive", doctor::no_gradient_text(part, paths) +
                            "; another of its values is judged with --output NAME");
  if (inspection.layers.empty()) return no("revive", kNoActivation);
  return {.command = "revive", .text = "yes"};
}

std::vector<Inspection::Use> uses_of(const Network& network, const Graph& part,
                                     const Inspection& inspection) {
  const bool forward = !network.model.forward_only.empty();
  std::vector<Inspection::Use> uses;
  uses.push_back({.command = "diagnose",
                  .text = forward ? "yes, forward alone"
                          : inspection.layers.empty()
                              ? std::string("gradients and signal only: ") + kNoActivation
                              : "yes"});
  uses.push_back(revive_use(network, part, inspection));
  if (forward) return uses;
  if (doctor::gradient_paths(part).none())
    uses.push_back(no("compare", "no gradient reaches its weights"));
  else if (hidden_activations(network.graph).empty())
    uses.push_back(no("compare", "no activation in front of a layer"));
  else
    uses.push_back({.command = "compare", .text = "yes, as --model"});
  return uses;
}

}  // namespace

Inspection inspect(const Network& network, const std::string& file) {
  const onnx::Model& model = network.model;
  // Of several inputs and outputs as they are, not joined.
  std::vector<int> chosen;
  for (const int position : model.chosen) chosen.push_back(model.graph.outputs()[position]);
  const Graph part = cut(model.graph, chosen);
  const std::vector<ops::Value> values = ops::values(part.nodes());
  Inspection inspection{.file = file,
                        .opset = model.opset,
                        .producer = model.producer,
                        .inputs = inputs_of(network),
                        .outputs = outputs_of(model),
                        .left_out = model.left_out,
                        .form = model.form,
                        .layers = layers_of(part, values),
                        .notes = model.notes};
  count_operators(part, values, inspection);
  inspection.uses = uses_of(network, part, inspection);
  return inspection;
}

}  // namespace undying::cli
