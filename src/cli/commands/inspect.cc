#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>

#include "cli/commands/commands.h"
#include "cli/network.h"
#include "ops/operator.h"
#include "undying/onnx.h"

namespace undying::cli {
namespace {

constexpr const char* kDescription =
    "Says what a network (ONNX) holds and what can be done with it: inputs, outputs, layers, "
    "parameters, units and their\n"
    "activations, and what was changed or recognised as it was read. A network that cannot be read "
    "is refused with all that\n"
    "stands in the way.\n";

constexpr const char* kFooter =
    "Examples:\n"
    "  undying inspect model.onnx\n"
    "  undying inspect policy.onnx --output value --shape obs=84,84\n"
    "\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input, a model that cannot be read among it.";

std::string batched(const onnx::Model& model, const std::string& name, const Shape& shape) {
  if (std::ranges::find(model.scalars, name) != model.scalars.end()) return "(N)";
  return fmt::format("(N, {})", fmt::join(shape, ", "));
}

void print_inputs(const Host& host, const Network& network) {
  const char* what = "inputs";
  for (const InputPart& input : network.interface.inputs) {
    const std::string rows =
        input.rows > 0 ? fmt::format(", rows of a table of {}", input.rows) : "";
    host.print("{:12} {} {}{}{}\n", what, input.name,
               batched(network.model, input.name, input.shape),
               input.integer ? ", whole numbers" : "", rows);
    what = "";
  }
  for (const std::string& name : network.model.inputs)
    if (std::ranges::find(network.interface.inputs, name, &InputPart::name) ==
        network.interface.inputs.end())
      host.print("{:12} {}, which no chosen output needs\n", "", name);
}

void print_outputs(const Host& host, const onnx::Model& model) {
  for (std::size_t i = 0; i < model.outputs.size(); ++i) {
    const bool chosen = std::ranges::find(model.chosen, static_cast<int>(i)) != model.chosen.end();
    host.print("{:12} {} {}{}\n", i == 0 ? "outputs" : "", model.outputs[i],
               batched(model, model.outputs[i], model.graph.shapes()[model.graph.outputs()[i]]),
               chosen ? "" : ", not chosen");
  }
  for (const std::string& output : model.left_out) host.print("{:12} not read: {}\n", "", output);
}

std::string shortened(std::vector<std::string> names) {
  constexpr std::size_t kMost = 12;
  const std::size_t all = names.size();
  if (all > kMost) names.resize(kMost);
  return fmt::format("{}{}", fmt::join(names, ", "),
                     all > kMost ? fmt::format(", ... ({} in all)", all) : "");
}

// How the file says its data is read.
void print_form(const Host& host, const DataForm& form) {
  std::vector<std::string> columns;
  for (const TableColumn& column : form.columns)
    columns.push_back(column.values.empty()
                          ? column.name
                          : fmt::format("{} ({})", column.name, shortened(column.values)));
  if (!columns.empty()) host.print("{:12} {}\n", "columns", shortened(columns));
  if (!form.class_names.empty()) {
    host.print("{:12} {}{}\n", "classes", form.target.empty() ? "" : form.target + ": ",
               shortened(form.class_names));
  } else if (!form.target.empty()) {
    host.print("{:12} {}\n", "predicts", form.target);
  }
  const bool scales =
      std::ranges::any_of(form.deviation, [](float each) { return each != 1.0f; }) ||
      std::ranges::any_of(form.mean, [](float each) { return each != 0.0f; });
  host.print("{:12} {}\n", "scaling",
             scales ? "by figures of the training rows that the file holds" : "inputs as they are");
}

struct Layers {
  std::map<std::string, int> operators;
  std::int64_t trained = 0;  // elements of tensors
  std::int64_t other = 0;
};

Layers layers_of(const Graph& graph, const std::vector<ops::Value>& values) {
  Layers layers;
  std::map<std::string, bool> counted;
  for (const Node& node : graph.nodes()) {
    if (ops::is_input(node)) continue;
    if (ops::activation_of(node) == nullptr) ++layers.operators[node.op];
    const auto specs = ops::operator_named(node).parameters(node, ops::sources(node, values));
    for (std::size_t i = 0; i < specs.size(); ++i)
      if (counted.emplace(node.parameters[i], true).second)
        (specs[i].trained() ? layers.trained : layers.other) += ops::element_count(specs[i].shape);
  }
  return layers;
}

// Layer, activation with its slope, units.
int print_activations(const Host& host, const Graph& graph, const std::vector<ops::Value>& values) {
  int count = 0;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    const Activation* activation = ops::activation_of(node);
    if (activation == nullptr) continue;
    host.print("{:12} {}: {}, {} units{}\n", count++ == 0 ? "activations" : "",
               node.attributes.get_or<std::string>("layer", node.name), activation->specification(),
               ops::unit_count(values[i]),
               activation->can_be_dead() ? "" : ", which cannot be dead");
  }
  return count;
}

const char* use_of(int activations, std::int64_t trained, bool trains) {
  if (trains && trained == 0) return "no: nothing in it is trained";
  if (activations > 0) return "yes";
  return trains ? "no: no activation of the family is in it"
                : "gradients and signal only: no activation of the family is in it";
}

void print_uses(const Host& host, const Network& network, int activations, std::int64_t trained) {
  const std::string& why = network.model.forward_only;
  host.print("{:12} {}\n", "diagnose",
             why.empty() ? use_of(activations, trained, false) : "yes, forward alone");
  if (!why.empty()) return host.print("{:12} no: {}\n", "revive", why);
  host.print("{:12} {}\n", "revive", use_of(activations, trained, true));
  const bool compares = !hidden_activations(network.graph).empty();
  host.print("{:12} {}\n", "compare",
             compares ? "yes, as --model" : "no: no activation in front of a layer");
  std::vector<std::string> inputs;
  for (const InputPart& input : network.interface.inputs) inputs.push_back(input.name);
  if (inputs.size() > 1)
    host.print("{:12} --data npz:FILE with arrays {}\n", "data", fmt::join(inputs, ", "));
  if (network.interface.outputs.size() > 1)
    host.print(
        "{:12} of several outputs those are judged that the data has targets for, or --output "
        "NAME,NAME\n",
        "");
}

int run_inspect(const Host& host, const std::string& file, const NetworkFlags& flags) {
  const Network network = flags.load(file);
  const onnx::Model& model = network.model;
  // Of several inputs and outputs as they are, not joined.
  std::vector<int> chosen;
  for (const int position : model.chosen) chosen.push_back(model.graph.outputs()[position]);
  const Graph part = cut(model.graph, chosen);
  const std::vector<ops::Value> values = ops::values(part.nodes());
  host.print("{:12} {}, opset {}{}\n", "model", file, model.opset,
             model.producer.empty() ? "" : ", written by " + model.producer);
  print_inputs(host, network);
  print_outputs(host, model);
  if (model.form) print_form(host, *model.form);
  const Layers layers = layers_of(part, values);
  std::vector<std::string> operators;
  for (const auto& [op, count] : layers.operators)
    operators.push_back(fmt::format("{} {}", count, op));
  host.print("{:12} {}\n", "operators", fmt::join(operators, ", "));
  host.print("{:12} {} trained{}\n", "parameters", layers.trained,
             layers.other > 0 ? fmt::format(", {} not trained", layers.other) : "");
  print_uses(host, network, print_activations(host, part, values), layers.trained);
  for (std::size_t i = 0; i < model.notes.size(); ++i)
    host.print("{:12} {}\n", i == 0 ? "notes" : "", model.notes[i]);
  return kOk;
}

}  // namespace

Command add_inspect(CLI::App& program, const Host& host) {
  CLI::App& app = *program.add_subcommand("inspect", kDescription);
  app.footer(kFooter);
  const auto file = std::make_shared<std::string>();
  const auto flags = std::make_shared<NetworkFlags>(app);
  app.add_option("MODEL", *file, "the network, an ONNX file")->required();
  return [file, flags, &host] { return run_inspect(host, *file, *flags); };
}

}  // namespace undying::cli
