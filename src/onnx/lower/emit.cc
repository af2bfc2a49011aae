#include "onnx/lower/emit.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "onnx/lower/lower.h"
#include "onnx/names.h"
#include "ops/operator.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

// Tensors by name. Steps that own the same elements of the same initializer, in the same form, share one tensor.
class Tensors {
 public:
  // `parameter`: the name of the tensor where the network was made, which tells equal tensors apart that an exporter has merged; "":
  // unknown.
  std::string add(const Owned& owned, const std::string& node, const std::string& parameter, bool alone) {
    const Constant& constant = *owned.constant;
    const bool as_in_file = constant.transposed == owned.transpose && owned.scale == 1.0f;
    const std::string origin = !parameter.empty()                  ? "=" + parameter
                               : alone && !constant.origin.empty() ? node + "=" + owned.role
                                                                   : constant.origin;
    const ConstantPtr nameless = origin.empty() ? owned.constant : nullptr;
    const Key key{origin, nameless, constant.transposed != owned.transpose, owned.scale, owned.shape, owned.trained};
    const auto known = names_.find(key);
    if (known != names_.end()) return known->second;
    const bool named = as_in_file && is_presentable(constant.origin) && !alone;
    const bool by_parameter = !parameter.empty() && owned.scale == 1.0f;
    const std::string name = unique_.take(by_parameter ? parameter : named ? constant.origin : node + "." + owned.role);
    names_.emplace(key, name);
    all_.push_back({name, owned.shape, elements(owned)});
    return name;
  }

  std::vector<Tensor> take() { return std::move(all_); }

 private:
  // By its origin, or else as the object it is, which the key keeps alive: an address of one that is gone is soon another's.
  using Key = std::tuple<std::string, ConstantPtr, bool, float, Shape, bool>;

  static std::vector<float> elements(const Owned& owned) {
    std::vector<float> values = owned.constant->floats;
    if (owned.transpose) {
      const auto rows = static_cast<std::size_t>(owned.shape[0]);
      const auto columns = static_cast<std::size_t>(owned.shape[1]);
      for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < columns; ++j) values[i * columns + j] = owned.constant->floats[j * rows + i];
    }
    if (owned.scale != 1.0f)
      for (float& value : values) value *= owned.scale;
    return values;
  }

  std::map<Key, std::string> names_;
  std::vector<Tensor> all_;
  UniqueNames unique_;
};

class Emitter {
 public:
  explicit Emitter(const Net& net) : net_(net) {
    for (const Operation& operation : net.operations) tells_parameters_ = tells_parameters_ || operation.origin.known;
  }

  Model emit() {
    for (const int id : net_.inputs) add_input(id);
    for (const Operation& operation : net_.operations) add_operation(operation);
    std::vector<int> outputs;
    std::vector<std::string> output_names;
    std::vector<std::string> known;
    std::map<int, int> place;  // of an output of the net
    std::size_t own = 0;
    for (std::size_t i = 0; i < net_.outputs.size(); ++i) {
      if (net_.value(net_.outputs[i]).constant != nullptr && net_.outputs.size() > 1) {
        known.push_back(net_.output_names[i]);
        continue;
      }
      place[static_cast<int>(i)] = static_cast<int>(outputs.size());
      outputs.push_back(node_of(net_.outputs[i]));
      output_names.push_back(net_.output_names[i]);
      own += i < net_.own ? 1 : 0;
    }
    if (outputs.empty()) node_of(net_.outputs.front());
    std::vector<int> chosen;
    for (const int output : net_.chosen)
      if (place.contains(output)) chosen.push_back(place.at(output));
    if (chosen.empty()) node_of(net_.outputs[static_cast<std::size_t>(net_.chosen.front())]);
    // A model that gives back its input is still a graph of one operator.
    if (nodes_.size() == net_.inputs.size())
      outputs.front() =
          add_activation({}, {.op = "activation", .attributes = {{"activation", Activation("identity")}}}, {outputs.front()}, "identity");
    std::vector<std::string> inputs;
    for (const int id : net_.inputs) inputs.push_back(net_.value(id).name);
    std::vector<std::string> notes = net_.notes;
    for (const std::string& name : known) notes.push_back("output " + name + " is left out: it does not depend on the inputs");
    for (std::size_t i = 0; i < net_.outputs.size(); ++i)
      if (const int axis = static_cast<int>(net_.value(net_.outputs[i]).batch.axis); axis > 0)
        notes.push_back("output " + net_.output_names[i] + " counts examples along dimension " + std::to_string(axis) +
                        "; here, and in what is written, they come first");
    if (alone_ > 0)
      notes.push_back(std::to_string(alone_) +
                      " uses of tensors of zeros or ones are taken for tensors of their own: exporters merge equal ones");
    if (!frozen_.empty())
      notes.push_back(std::to_string(frozen_.size()) + " tensors that operators would train were no parameters: they stay as they are");
    Model model{Graph(std::move(nodes_), std::move(outputs)), tensors_.take(), std::move(inputs), std::move(output_names),
                std::move(notes)};
    model.chosen = std::move(chosen);
    model.own = own;
    model.left_out = net_.left_out;
    model.frozen.assign(frozen_.begin(), frozen_.end());
    if (const auto rounding = std::ranges::count_if(net_.operations, is_quantised); rounding > 0)
      model.forward_only = std::to_string(rounding) +
                           " operations round to whole numbers (QuantizeLinear and its like), past which no "
                           "gradient comes; train the network that was quantised";
    return model;
  }

 private:
  static bool is_quantised(const Operation& operation) { return operation.op == "QuantizeLinear" || operation.op.starts_with("QLinear"); }

  int add_node(Node node) {
    std::vector<ops::Value> src;
    for (const int input : node.inputs) src.push_back(values_[static_cast<std::size_t>(input)]);
    values_.push_back(ops::infer(node, src));
    nodes_.push_back(std::move(node));
    return static_cast<int>(nodes_.size()) - 1;
  }

  void add_input(int id) {
    const std::string name = unique_.take(net_.value(id).name);
    Attributes attributes = {{"shape", net_.value(id).shape}};
    if (net_.value(id).integer) attributes.set("integer", std::int64_t{1});
    node_of_value_[id] = add_node({name, "input", {}, std::move(attributes)});
  }

  int node_of(int id) const {
    const auto found = node_of_value_.find(id);
    if (found == node_of_value_.end())
      throw Error(ErrorCode::kUnsupported, net_.value(id).name, "is an output of the model, but does not depend on its inputs");
    return found->second;
  }

  // The names a node may go by, the best first.
  std::string label(const Operation& operation, const Lowered& lowered) const {
    std::vector<std::string> candidates;
    for (const Step& step : lowered.steps)
      for (const Owned& owned : step.owned)
        if (owned.trained)
          for (const std::string& name : {parameter_of(operation, owned), owned.constant->origin})
            candidates.push_back(module_of_tensor(name));
    candidates.push_back(operation.origin.module);
    candidates.push_back(module_of_node(operation.name, operation.op));
    candidates.push_back(lowered.steps.empty() ? "identity" : lowered.steps.back().op);
    std::erase(candidates, "");
    for (const std::string& candidate : candidates)
      if (unique_.is_free(candidate)) return candidate;
    return candidates.front();
  }

  // The name of a tensor where the network was made: the one of the node's parameters that has this role. What the file calls it needs no
  // other name.
  static std::string parameter_of(const Operation& operation, const Owned& owned) {
    const std::string role = owned.role == "slope" ? "weight" : owned.role;
    std::string found;
    for (const std::string& name : operation.origin.parameters) {
      const std::string leaf = name.substr(name.rfind('.') + 1);
      if (leaf != role && !leaf.ends_with("_" + role) && !(owned.role == "value" && name == owned.constant->origin)) continue;
      if (!found.empty() && found != name) return {};
      found = name;
    }
    return found;
  }

  // Whether a tensor that nothing names may be shared by chance alone: its file tells parameters apart elsewhere, and all its elements are
  // the same 0 or 1.
  bool stands_alone(const Owned& owned, const std::string& parameter) {
    const std::vector<float>& values = owned.constant->floats;
    if (!tells_parameters_ || !parameter.empty() || !owned.trained || values.empty() || values.size() > 1024) return false;
    const bool plain =
        (values[0] == 0.0f || values[0] == 1.0f) && std::ranges::all_of(values, [&](float each) { return each == values[0]; });
    if (plain && !owned.constant->origin.empty() && !seen_.insert(owned.constant->origin).second) ++alone_;
    return plain;
  }

  std::string tensor_of(const Operation& operation, const Owned& owned, const std::string& node) {
    const std::string parameter = parameter_of(operation, owned);
    const bool alone = stands_alone(owned, parameter);
    const std::string name = tensors_.add(owned, node, parameter, alone);
    if (owned.trained && (is_quantised(operation) || is_no_parameter(operation.origin, owned, parameter))) frozen_.insert(name);
    return name;
  }

  // A buffer; or a number that stands in the code, of which the node names nothing.
  static bool is_no_parameter(const NodeOrigin& origin, const Owned& owned, const std::string& parameter) {
    const auto is_buffer = [&](const std::string& name) { return std::ranges::find(origin.buffers, name) != origin.buffers.end(); };
    if (is_buffer(parameter.empty() ? owned.constant->origin : parameter)) return true;
    if (!parameter.empty()) return false;
    const bool nameless = owned.constant->origin.empty() || owned.constant->origin.starts_with("val_");
    return origin.known && !origin.folded_norm && origin.parameters.empty() && nameless && owned.role == "weight";
  }

  // The step that carries the operation's name: the one with trained tensors, else the last.
  static std::size_t main_step(const Lowered& lowered) {
    for (std::size_t i = 0; i < lowered.steps.size(); ++i)
      if (std::ranges::any_of(lowered.steps[i].owned, &Owned::trained)) return i;
    return lowered.steps.empty() ? 0 : lowered.steps.size() - 1;
  }

  void add_operation(const Operation& operation) {
    const Lowered lowered = lower(net_, operation);
    const std::string name = label(operation, lowered);
    const std::size_t main = main_step(lowered);
    std::vector<int> indices;
    const auto index_of = [&](const Source& source) {
      return source.step >= 0 ? indices[static_cast<std::size_t>(source.step)] : node_of(source.value);
    };
    for (std::size_t i = 0; i < lowered.steps.size(); ++i) {
      const Step& step = lowered.steps[i];
      std::vector<int> inputs;
      for (const Source& source : step.inputs) inputs.push_back(index_of(source));
      indices.push_back(add_step(operation, step, inputs, i == main ? name : name + "." + step.op));
    }
    for (std::size_t i = 0; i < operation.outputs.size(); ++i)
      if (operation.outputs[i] >= 0) node_of_value_[operation.outputs[i]] = index_of(lowered.outputs[i].source);
  }

  int add_step(const Operation& operation, const Step& step, const std::vector<int>& inputs, const std::string& wanted) {
    const std::string name = unique_.take(wanted);
    if (step.op == "activation") return add_activation(operation, step, inputs, name);
    Node node{name, step.op, inputs, step.attributes};
    for (const Owned& owned : step.owned) node.parameters.push_back(tensor_of(operation, owned, name));
    if (step.op == "dropout") node.attributes.set("sequence", dropouts_++);
    return add_node(std::move(node));
  }

  // Units stand last in memory: where the slopes or halves of an activation are told apart along another dimension, it is brought there.
  int add_activation(const Operation& operation, const Step& step, std::vector<int> inputs, const std::string& name) {
    Node node{name, "activation", inputs, step.attributes};
    node.attributes.set("layer", layers_.take(layer_of(inputs[0], name)));
    node.attributes.set("sequence", activations_++);
    for (const Owned& owned : step.owned) node.parameters.push_back(tensor_of(operation, owned, name));
    const ops::Value src = values_[static_cast<std::size_t>(inputs[0])];
    const auto rank = static_cast<std::int64_t>(src.shape.size());
    const bool channels_last = ops::arranged(node, std::span(&src, 1))[0].layout == ops::Layout::kChannelsLast;
    const std::int64_t units = channels_last ? 0 : rank - 1;
    if (rank < 2 || step.unit_axis < 0 || step.unit_axis == units) return add_node(std::move(node));
    std::vector<std::int64_t> there;
    for (std::int64_t axis = 0; axis < rank; ++axis)
      if (axis != step.unit_axis) there.push_back(axis);
    there.push_back(step.unit_axis);
    std::vector<std::int64_t> back(there.size());
    for (std::size_t i = 0; i < there.size(); ++i) back[static_cast<std::size_t>(there[i])] = static_cast<std::int64_t>(i);
    node.inputs = {add_node({unique_.take(name + ".transpose"), "transpose", inputs, {{"perm", there}}})};
    const int result = add_node(std::move(node));
    return add_node({unique_.take(name + ".transpose"), "transpose", {result}, {{"perm", back}}});
  }

  // The node whose weights feed this one through operators that have one input; `otherwise` where there is none.
  std::string layer_of(int at, const std::string& otherwise) const {
    for (;;) {
      const Node& node = nodes_[static_cast<std::size_t>(at)];
      if (ops::makes_units(node)) return node.name;
      std::vector<int> computed;
      for (const int input : node.inputs)
        if (ops::traits_of(nodes_[static_cast<std::size_t>(input)]).kind != ops::Kind::kTensor) computed.push_back(input);
      if (computed.size() != 1 || ops::activation_of(node) != nullptr) return otherwise;
      at = computed[0];
    }
  }

  const Net& net_;
  std::vector<Node> nodes_;
  std::vector<ops::Value> values_;
  std::map<int, int> node_of_value_;
  Tensors tensors_;
  UniqueNames unique_;
  UniqueNames layers_;
  std::int64_t activations_ = 0;
  std::int64_t dropouts_ = 0;
  bool tells_parameters_ = false;
  std::set<std::string> seen_;
  std::set<std::string> frozen_;
  int alone_ = 0;
};

// Outputs count examples first: what reads them, and what is written of them, does too. Where an input has them elsewhere, outputs may.
// "" where this one does.
std::string misplaced(const Net& net, int id) {
  const Value& value = net.value(id);
  if (value.constant != nullptr || net.batch_axes == 0 || !value.shaped || value.batch == Batch{}) return {};
  const bool moved = std::ranges::any_of(net.inputs, [&](int input) { return net.value(input).batch.axis > 0; });
  if (moved && !value.batch.folded()) return {};
  return "is " + describe(net, id) + ", which mixes the examples of a batch; expected (N, ...)";
}

void check_outputs(const Net& net) {
  for (std::size_t i = 0; i < net.outputs.size(); ++i)
    if (const std::string why = misplaced(net, net.outputs[i]); !why.empty())
      throw Error(ErrorCode::kUnsupported, "output " + net.output_names[i], why);
}

// "a, b, c and 4 more".
std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > kMost ? text + " and " + std::to_string(names.size() - kMost) + " more" : text;
}

// Why a value cannot be had; "" where it can.
std::string reason_against(const Net& net, int id) {
  if (std::string why = misplaced(net, id); !why.empty()) return why;
  const std::vector<bool> needed = net.needed({id});
  for (const Obstacle& obstacle : net.obstacles)
    if (needed[static_cast<std::size_t>(obstacle.value)]) return obstacle.text;
  for (const Operation& operation : net.operations) {
    const bool used =
        std::ranges::any_of(operation.outputs, [&](int output) { return output >= 0 && needed[static_cast<std::size_t>(output)]; });
    if (used && !operation.problem.empty()) return operation.name + " (" + operation.op + ") " + operation.problem;
  }
  return {};
}

// Outputs that were not asked for, and cannot be had, are left out; and what stands in the way of none that is left is no obstacle.
void leave_out(Net& net) {
  const bool all_asked = net.chosen.size() == net.outputs.size();
  std::vector<int> outputs, place(net.outputs.size(), -1);
  std::vector<std::string> names;
  const std::size_t own = net.own;
  for (std::size_t i = 0; i < net.outputs.size(); ++i) {
    const bool asked = all_asked || std::ranges::find(net.chosen, static_cast<int>(i)) != net.chosen.end();
    const std::string why = asked ? "" : reason_against(net, net.outputs[i]);
    if (!why.empty()) {
      net.left_out.push_back(net.output_names[i] + ": " + why);
      net.own -= i < own ? 1 : 0;
      continue;
    }
    place[i] = static_cast<int>(outputs.size());
    outputs.push_back(net.outputs[i]);
    names.push_back(net.output_names[i]);
  }
  for (int& output : net.chosen) output = place[static_cast<std::size_t>(output)];
  net.outputs = std::move(outputs);
  net.output_names = std::move(names);
  net.drop_unread();
  const std::vector<bool> needed = net.needed(net.outputs);
  std::erase_if(net.obstacles, [&](const Obstacle& obstacle) { return !needed[static_cast<std::size_t>(obstacle.value)]; });
}

// The value, or else the first behind it, that can be had and is computed of inputs; -1: none.
int last_readable(const Net& net, int id, std::set<int>& seen) {
  if (id < 0 || net.value(id).constant != nullptr || net.value(id).producer < 0 || !seen.insert(id).second) return -1;
  if (net.value(id).shaped && reason_against(net, id).empty()) return id;
  for (const int before : net.operations[static_cast<std::size_t>(net.value(id).producer)].inputs)
    if (const int found = last_readable(net, before, seen); found >= 0) return found;
  return -1;
}

// Outputs that can be had, or else values inside the graph: what the first operations that cannot become operators read.
std::string other_outputs(const Net& net) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < net.outputs.size(); ++i)
    if (net.value(net.outputs[i]).constant == nullptr && reason_against(net, net.outputs[i]).empty()) names.push_back(net.output_names[i]);
  if (!names.empty()) return "the outputs that it is not needed for: --output " + some_of(names);
  std::set<int> seen;
  for (const Operation& operation : net.operations)
    for (const int id : operation.inputs)
      if (!operation.problem.empty())
        if (const int before = last_readable(net, id, seen); before >= 0)
          return "what is computed before it: --output " + net.value(before).name;
  return {};
}

// Where operations work along the batch, a batch may have been meant as one example: the shapes that say so; none: it was not that.
std::map<std::string, Shape> whole_shapes(const Net& net) {
  const bool mixes = std::ranges::any_of(
      net.operations, [](const Operation& operation) { return operation.problem.find("the examples of a batch") != std::string::npos; });
  std::map<std::string, Shape> shapes;
  if (!mixes || net.batch_axes == 0) return shapes;
  for (const int id : net.inputs) {
    Shape& dims = shapes[net.value(id).name] = net.value(id).dims();
    dims.insert(dims.begin() + net.value(id).batch.axis, std::max<std::int64_t>(1, net.batch));
  }
  return shapes;
}

// All that stands in the way, one a line; nodes of one operator with the same reason together, in the order in which they come; then what
// gets around it.
void check_supported(const Net& net) {
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;  // "(OP): why", nodes
  std::size_t count = net.obstacles.size();
  for (const Operation& operation : net.operations) {
    if (operation.problem.empty()) continue;
    const std::string why = " (" + operation.op + "): " + operation.problem;
    auto group = std::ranges::find(groups, why, &std::pair<std::string, std::vector<std::string>>::first);
    if (group == groups.end()) group = groups.insert(groups.end(), {why, {}});
    group->second.push_back(operation.name);
    ++count;
  }
  if (count == 0) return;
  const auto fail = [&](const std::string& subject, const std::string& message) {
    Unread error(ErrorCode::kUnsupported, subject, message);
    for (const Obstacle& obstacle : net.obstacles)
      if (!obstacle.shape.empty()) error.likely[net.value(obstacle.value).name] = obstacle.shape;
    error.whole = whole_shapes(net);
    throw error;
  };
  if (count == 1 && groups.empty()) {
    const std::size_t colon = net.obstacles[0].text.find(": ");
    fail(net.obstacles[0].text.substr(0, colon), net.obstacles[0].text.substr(colon + 2));
  }
  std::string list;
  for (const Obstacle& obstacle : net.obstacles) list += "\n  " + obstacle.text;
  for (const auto& [why, nodes] : groups) list += "\n  " + some_of(nodes) + why;
  if (const std::string others = groups.empty() ? "" : other_outputs(net); !others.empty()) list += "\n  to have " + others;
  const bool nodes_alone = net.obstacles.empty();
  fail("graph", nodes_alone ? std::to_string(count) + (count == 1 ? " node is" : " nodes are") + " not supported:" + list
                            : std::to_string(count) + " obstacles:" + list);
}

// What the operators say of the tensors they own, against what the file has: the last check before a model leaves this folder.
void check_tensors(const Model& model) {
  std::map<std::string, const Tensor*> tensors;
  for (const Tensor& tensor : model.weights) tensors[tensor.name] = &tensor;
  const std::vector<ops::Value> values = ops::values(model.graph.nodes());
  for (const Node& node : model.graph.nodes()) {
    if (ops::is_input(node)) continue;
    const auto specs = ops::operator_named(node).parameters(node, ops::sources(node, values));
    if (specs.size() != node.parameters.size())
      throw Error(ErrorCode::kBadData, node.name,
                  "has " + std::to_string(node.parameters.size()) + " tensors; expected " + std::to_string(specs.size()));
    for (std::size_t i = 0; i < specs.size(); ++i)
      if (tensors.at(node.parameters[i])->shape != specs[i].shape)
        throw Error(ErrorCode::kBadData, node.name,
                    node.parameters[i] + " has the shape " + ops::to_string(tensors.at(node.parameters[i])->shape) + "; expected " +
                        ops::to_string(specs[i].shape));
  }
}

}  // namespace

Model emit(Net& net) {
  leave_out(net);
  check_supported(net);
  check_outputs(net);
  Model model = Emitter(net).emit();
  check_tensors(model);
  return model;
}

}  // namespace undying::onnx
