#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>

#include "cli/commands.h"
#include "ops/operator.h"
#include "undying/onnx.h"

namespace undying::cli {
namespace {

constexpr const char* kDescription =
    "Says what a network (ONNX) holds and what can be done with it: inputs, outputs, layers, parameters, units and their\n"
    "activations, and what was changed or recognised as it was read. A network that cannot be read is refused with all that\n"
    "stands in the way.\n";

constexpr const char* kFooter =
    "Examples:\n"
    "  undying inspect model.onnx\n"
    "\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input, a model that cannot be read among it.";

std::string batched(const Shape& shape) { return fmt::format("(N, {})", fmt::join(shape, ", ")); }

void print_values(const char* what, const onnx::Model& model, const std::vector<int>& nodes, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = model.graph.nodes()[static_cast<std::size_t>(nodes[i])];
    const bool whole = node.attributes.get_or<std::int64_t>("integer", 0) != 0;
    fmt::print("{:12} {} {}{}\n", i == 0 ? what : "", names[i], batched(model.graph.shapes()[static_cast<std::size_t>(nodes[i])]),
               node.op == "input" && whole ? ", whole numbers" : "");
  }
}

struct Layers {
  std::map<std::string, int> operators;
  std::int64_t trained = 0;  // elements of tensors
  std::int64_t other = 0;
};

Layers layers_of(const onnx::Model& model, const std::vector<ops::Value>& values) {
  Layers layers;
  std::map<std::string, bool> counted;
  for (const Node& node : model.graph.nodes()) {
    if (node.op == "input") continue;
    if (node.op != "activation") ++layers.operators[node.op];
    const auto specs = ops::operator_named(node).parameters(node, ops::sources(node, values));
    for (std::size_t i = 0; i < specs.size(); ++i)
      if (counted.emplace(node.parameters[i], true).second)
        (specs[i].trained() ? layers.trained : layers.other) += ops::element_count(specs[i].shape);
  }
  return layers;
}

// Layer, activation with its slope, units.
int print_activations(const onnx::Model& model, const std::vector<ops::Value>& values) {
  int count = 0;
  for (std::size_t i = 0; i < model.graph.nodes().size(); ++i) {
    const Node& node = model.graph.nodes()[i];
    if (node.op != "activation") continue;
    const auto activation = node.attributes.get<Activation>("activation");
    fmt::print("{:12} {}: {}, {} units{}\n", count++ == 0 ? "activations" : "", node.attributes.get_or<std::string>("layer", node.name),
               activation.specification(), ops::unit_count(values[i]), activation.can_be_dead() ? "" : ", which cannot be dead");
  }
  return count;
}

const char* use_of(const onnx::Model& model, int activations, std::int64_t trained, bool trains) {
  if (model.graph.inputs().size() != 1) return "no: it has several inputs";
  if (trains && trained == 0) return "no: nothing in it is trained";
  if (activations > 0) return "yes";
  return trains ? "no: no activation of the family is in it" : "gradients and signal only: no activation of the family is in it";
}

void print_uses(const onnx::Model& model, int activations, std::int64_t trained) {
  fmt::print("{:12} {}\n", "diagnose", use_of(model, activations, trained, false));
  fmt::print("{:12} {}\n", "revive", use_of(model, activations, trained, true));
  if (model.graph.outputs().size() > 1) fmt::print("{:12} of several outputs the first is judged\n", "");
  const Node& input = model.graph.nodes()[static_cast<std::size_t>(model.graph.inputs()[0])];
  if (input.attributes.get_or<std::int64_t>("integer", 0) != 0)
    fmt::print("{:12} whole numbers, in the range of the tables that they are rows of\n", "data");
}

int run_inspect(const std::string& file) {
  const onnx::Model model = onnx::load(file);
  const std::vector<ops::Value> values = ops::values(model.graph);
  fmt::print("{:12} {}, opset {}{}\n", "model", file, model.opset, model.producer.empty() ? "" : ", written by " + model.producer);
  print_values("inputs", model, model.graph.inputs(), model.inputs);
  print_values("outputs", model, model.graph.outputs(), model.outputs);
  const Layers layers = layers_of(model, values);
  std::vector<std::string> operators;
  for (const auto& [op, count] : layers.operators) operators.push_back(fmt::format("{} {}", count, op));
  fmt::print("{:12} {}\n", "operators", fmt::join(operators, ", "));
  fmt::print("{:12} {} trained{}\n", "parameters", layers.trained, layers.other > 0 ? fmt::format(", {} not trained", layers.other) : "");
  const int activations = print_activations(model, values);
  print_uses(model, activations, layers.trained);
  for (std::size_t i = 0; i < model.notes.size(); ++i) fmt::print("{:12} {}\n", i == 0 ? "notes" : "", model.notes[i]);
  return kOk;
}

}  // namespace

Command add_inspect(CLI::App& program) {
  CLI::App& app = *program.add_subcommand("inspect", kDescription);
  app.footer(kFooter);
  const auto file = std::make_shared<std::string>();
  app.add_option("MODEL", *file, "the network, an ONNX file")->required();
  return [file] { return run_inspect(*file); };
}

}  // namespace undying::cli
