#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/flags/parse.h"
#include "cli/network.h"
#include "cli/network_parts.h"
#include "ops/operator.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

const Shape& shape_at(const Graph& graph, int at) { return graph.shapes()[at]; }

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text)
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  return parts;
}

// "NAME=3,48,192".
std::pair<std::string, Shape> parse_shape(const std::string& text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0)
    throw Error(
        ErrorCode::kInvalidArgument, "--shape",
        fmt::format("is \"{}\"; expected INPUT=EXTENT,EXTENT,..., such as x=3,224,224", text));
  Shape shape;
  for (const std::string& extent : split(text.substr(equals + 1), ','))
    shape.push_back(extent == "N" ? 0 : parse_integer("--shape", extent, 1, std::int64_t{1} << 31));
  return {text.substr(0, equals), shape};
}

// The least number of rows of the tables that a value of whole numbers is looked up in; 0: in none.
std::int64_t rows_behind(const Graph& graph, int at) {
  std::int64_t least = 0;
  for (int user = at + 1; user < static_cast<int>(graph.nodes().size()); ++user) {
    const Node& node = node_at(graph, user);
    if (std::ranges::find(node.inputs, at) == node.inputs.end()) continue;
    std::int64_t rows = 0;
    if (ops::traits_of(node).kind == ops::Kind::kTable)
      rows = node.attributes.get<std::int64_t>("rows");
    if (ops::moves_elements(node)) rows = rows_behind(graph, user);
    if (rows > 0 && (least == 0 || rows < least)) least = rows;
  }
  return least;
}

std::vector<InputPart> inputs_of(const onnx::Model& model, const Graph& part) {
  std::vector<InputPart> inputs;
  for (const int at : part.inputs()) {
    const Node& node = node_at(part, at);
    const bool integer = node.attributes.get_or<std::int64_t>("integer", 0) != 0;
    inputs.push_back({input_name(model, node.name), shape_at(part, at), integer,
                      integer ? rows_behind(part, at) : 0});
  }
  return inputs;
}

bool needs_classes(const std::optional<Loss>& loss) {
  return loss && kind(*loss) == LossKind::kClasses;
}

// The positions in model.outputs that may be judged.
std::vector<TargetPart> outputs_of(const onnx::Model& model) {
  std::vector<TargetPart> outputs;
  for (const int position : model.chosen)
    outputs.push_back(
        {.name = model.outputs[position],
         .width = ops::element_count(shape_at(model.graph, output_node(model, position)))});
  return outputs;
}

// Without a softmax that belongs to cross-entropy, or a sigmoid that belongs to binary
// cross-entropy.
int without_head(const Graph& graph, int at, Loss loss) {
  const Node& node = node_at(graph, at);
  const bool softmax =
      kind(loss) == LossKind::kClasses && ops::head_of(node) == ops::Head::kSoftmax;
  const bool sigmoid =
      kind(loss) == LossKind::kProbabilities && ops::head_of(node) == ops::Head::kSigmoid;
  return softmax || sigmoid ? node.inputs[0] : at;
}

// What a single target fits: as many classes, or values, as elements; one for two classes.
bool fits(const TargetPart& output, const Dataset& data) {
  const std::int64_t wanted = data.classes > 0 ? data.classes : data.outputs;
  return wanted == output.width || (data.classes == 2 && output.width == 1);
}

// What is judged and what is not, where there is a choice.
void say_choice(Network& network, bool asked, bool targets) {
  const onnx::Model& model = network.model;
  network.others.clear();
  for (std::size_t i = 0; i < model.own; ++i)
    if (std::ranges::find(network.names, model.outputs[i]) == network.names.end())
      network.others.push_back(model.outputs[i]);
  if (model.outputs.size() < 2 && model.left_out.empty()) return;
  const char* why = asked     ? ""
                    : targets ? ", for which the data has targets"
                              : ": no target says which of them is meant";
  network.notes.push_back(fmt::format(
      "looked at {} {}{}{}", network.names.size() == 1 ? "is output" : "are outputs",
      fmt::join(network.names, ", "), why,
      network.others.empty()
          ? ""
          : fmt::format("; not at {} (--output NAME)", fmt::join(network.others, ", "))));
}

}  // namespace

NetworkFlags::NetworkFlags(CLI::App& app, const std::string& group) {
  app.add_option(
         "--output", output_,
         "of a network from a file: the outputs, or values inside it, that are looked at, "
         "separated by commas; with NAME=LOSS and "
         "NAME=LOSS:WEIGHT what each is judged by. Default: those that the data has targets for")
      ->type_name("NAMES")
      ->group(group);
  app.add_option("--shape", shapes_,
                 "of a network from a file: INPUT=3,224,224, the shape of one example where the "
                 "file leaves it open; with all dimensions, "
                 "the first among them, where that counts no examples, or N for the one that does: "
                 "INPUT=20,N,8. May be given several times")
      ->type_name("SHAPE")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(group);
}

std::vector<NetworkFlags::Wanted> NetworkFlags::wanted() const {
  std::vector<Wanted> all;
  if (output_.empty()) return all;
  for (const std::string& item : split(output_, ',')) {
    Wanted output{.name = item, .loss = {}};
    if (const std::size_t equals = item.rfind('='); equals != std::string::npos) {
      const std::string rule = item.substr(equals + 1);
      const std::size_t colon = rule.find(':');
      output.name = item.substr(0, equals);
      try {
        output.loss = parse_loss(rule.substr(0, colon));
      } catch (const Error& error) {
        throw Error(ErrorCode::kInvalidArgument, "--output", error.message());
      }
      if (colon != std::string::npos)
        output.weight = parse_real("--output", rule.substr(colon + 1), 1e-30, 1e30);
    }
    if (output.name.empty() || std::ranges::find(all, output.name, &Wanted::name) != all.end())
      throw Error(ErrorCode::kInvalidArgument, "--output",
                  fmt::format("is \"{}\"; expected names of different outputs, such as "
                              "policy=cross-entropy,value=mse:0.5",
                              output_));
    all.push_back(std::move(output));
  }
  return all;
}

const NetworkFlags::Wanted* NetworkFlags::find(const std::vector<Wanted>& all,
                                               const std::string& name) const {
  const auto found = std::ranges::find(all, name, &Wanted::name);
  return found == all.end() ? nullptr : &*found;
}

Network NetworkFlags::load(const std::string& file, bool fresh) const {
  if (file.ends_with(".safetensors"))
    throw Error(ErrorCode::kBadData, file,
                "holds weights alone; expected the network, as train --out FILE.onnx writes it");
  onnx::LoadOptions options{.fresh = fresh};
  const std::vector<Wanted> all = wanted();
  for (const Wanted& output : all) options.outputs.push_back(output.name);
  for (const std::string& text : shapes_) {
    const auto [name, shape] = parse_shape(text);
    if (!options.shapes.emplace(name, shape).second)
      throw Error(ErrorCode::kInvalidArgument, "--shape", fmt::format("gives {} twice", name));
  }
  onnx::Model model = onnx::load(file, options);
  std::vector<int> nodes;
  for (const int position : model.chosen) nodes.push_back(output_node(model, position));
  const Graph part = cut(model.graph, nodes);
  Network network{.model = std::move(model), .nodes = nodes, .graph = packed(part)};
  network.interface = {inputs_of(network.model, part), outputs_of(network.model), !all.empty()};
  for (TargetPart& output : network.interface.outputs)
    if (const Wanted* chosen = find(all, output.name);
        chosen != nullptr && needs_classes(chosen->loss))
      output.classes = output.width;
  return network;
}

std::vector<TargetPart> NetworkFlags::judged(const Network& network, const Dataset& data,
                                             const std::vector<Wanted>& all) const {
  const std::vector<TargetPart>& outputs = network.interface.outputs;
  if (!data.parts.empty()) return data.parts;
  if ((data.classes == 0 && data.outputs == 0) || outputs.size() == 1) return outputs;
  auto taken = std::ranges::find(outputs, data.target, &TargetPart::name);
  const bool named = taken != outputs.end();
  if (!named && !all.empty())
    throw Error(ErrorCode::kInvalidArgument, "--output",
                fmt::format("names {} outputs, but the data has one target; expected one output, "
                            "or targets by the outputs' names ({})",
                            all.size(), output_));
  if (!named)
    taken =
        std::ranges::find_if(outputs, [&](const TargetPart& output) { return fits(output, data); });
  return {taken == outputs.end() ? outputs.front() : *taken};
}

OutputLoss NetworkFlags::loss_of(const TargetPart& part, const Wanted* asked,
                                 const std::optional<Loss>& given) {
  const Loss fitting = usual_loss(part.classes > 0);
  const Loss loss = asked != nullptr && asked->loss ? *asked->loss : given.value_or(fitting);
  if (kind(loss) == LossKind::kClasses && part.classes == 0)
    throw Error(ErrorCode::kInvalidArgument, "--output",
                fmt::format("judges {} by {}, but its targets are values", part.name, name(loss)));
  return {.output = part.name,
          .loss = loss,
          .weight = asked == nullptr ? 1.0 : asked->weight,
          .width = part.width,
          .target = part.first,
          .columns = part.columns(),
          .classes = part.classes > 0};
}

void NetworkFlags::choose(Network& network, const Dataset& data,
                          const std::optional<Loss>& loss) const {
  const std::vector<Wanted> all = wanted();
  const std::vector<TargetPart>& outputs = network.interface.outputs;
  network.nodes.clear();
  network.names.clear();
  std::vector<int> ends;
  std::int64_t first = 0;
  const std::vector<TargetPart> parts = judged(network, data, all);
  for (const TargetPart& part : parts) {
    const auto at = std::ranges::find(outputs, part.name, &TargetPart::name) - outputs.begin();
    const int node = output_node(network.model, network.model.chosen[at]);
    const Wanted* asked = find(all, part.name);
    if (asked != nullptr && asked->loss && loss)
      throw Error(ErrorCode::kInvalidArgument, "--loss",
                  "is given, and --output names losses too; expected one of them");
    if (asked != nullptr && parts.size() == 1) network.loss = asked->loss;
    network.nodes.push_back(node);
    network.names.push_back(part.name);
    ends.push_back(node);
    if (data.parts.size() < 2) continue;
    network.outputs.push_back(loss_of(part, asked, loss));
    network.outputs.back().first = first;
    first += part.width;
    ends.back() = without_head(network.model.graph, node, network.outputs.back().loss);
  }
  network.graph = packed(part_of(network.model.graph, ends, input_nodes(network)));
  say_choice(network, !all.empty(), data.classes > 0 || data.outputs > 0);
}

}  // namespace undying::cli
