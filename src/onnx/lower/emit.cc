#include "onnx/lower/emit.h"

#include <algorithm>
#include <map>
#include <set>

#include "onnx/lower/derive.h"
#include "onnx/lower/lower.h"
#include "onnx/lower/refuse.h"
#include "onnx/lower/tensors.h"
#include "onnx/names.h"
#include "ops/operator.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

class Emitter {
 public:
  explicit Emitter(const Net& net) : net_(net) {
    for (const Operation& operation : net.operations)
      tells_parameters_ = tells_parameters_ || operation.origin.known;
  }

  Model emit() {
    for (const int id : net_.inputs) add_input(id);
    for (const Operation& operation : net_.operations) add_operation(operation);
    Ends ends = find_ends();
    // A model that gives back its input is still a graph of one operator.
    if (nodes_.size() == net_.inputs.size())
      ends.outputs.front() = add_activation(
          {}, {.op = "activation", .attributes = {{"activation", Activation("identity")}}},
          {ends.outputs.front()}, "identity");
    std::vector<std::string> inputs;
    for (const int id : net_.inputs) inputs.push_back(net_.value(id).name);
    Model model{Graph(std::move(nodes_), std::move(ends.outputs), derived_), tensors_.take(),
                std::move(inputs), std::move(ends.names), notes(ends.known)};
    model.chosen = std::move(ends.chosen);
    model.own = ends.own;
    model.scalars = scalars();
    model.left_out = net_.left_out;
    model.frozen.assign(frozen_.begin(), frozen_.end());
    if (const auto rounding = std::ranges::count_if(net_.operations, is_quantised); rounding > 0)
      model.forward_only =
          std::to_string(rounding) +
          " operations round to whole numbers (QuantizeLinear and its like), past which no "
          "gradient comes; train the network that was quantised";
    return model;
  }

 private:
  struct Ends {
    std::vector<int> outputs;
    std::vector<std::string> names;
    std::vector<std::string> known;  // those left out, which do not depend on the inputs
    std::vector<int> chosen;         // positions in `outputs`
    std::size_t own = 0;             // of `outputs`, how many are the file's, the first ones
  };
  Ends find_ends() const {
    Ends ends;
    std::map<int, int> place;  // of an output of the net
    for (std::size_t i = 0; i < net_.outputs.size(); ++i) {
      if (net_.value(net_.outputs[i]).constant != nullptr && net_.outputs.size() > 1) {
        ends.known.push_back(net_.output_names[i]);
        continue;
      }
      place[static_cast<int>(i)] = static_cast<int>(ends.outputs.size());
      ends.outputs.push_back(node_of(net_.outputs[i]));
      ends.names.push_back(net_.output_names[i]);
      ends.own += i < net_.own ? 1 : 0;
    }
    if (ends.outputs.empty()) node_of(net_.outputs.front());
    for (const int output : net_.chosen)
      if (place.contains(output)) ends.chosen.push_back(place.at(output));
    if (ends.chosen.empty()) node_of(net_.outputs[net_.chosen.front()]);
    return ends;
  }

  std::vector<std::string> scalars() const {
    std::vector<std::string> names;
    const auto add = [&](int id, const std::string& name) {
      if (net_.value(id).scalar && net_.batch_axes_of(id) == 1) names.push_back(name);
    };
    for (const int id : net_.inputs) add(id, net_.value(id).name);
    for (std::size_t i = 0; i < net_.outputs.size(); ++i)
      add(net_.outputs[i], net_.output_names[i]);
    return names;
  }

  std::vector<std::string> notes(const std::vector<std::string>& known) const {
    std::vector<std::string> notes = net_.notes;
    for (const std::string& name : known)
      notes.push_back("output " + name + " is left out: it does not depend on the inputs");
    for (std::size_t i = 0; i < net_.outputs.size(); ++i)
      if (const int axis = static_cast<int>(net_.value(net_.outputs[i]).batch.axis); axis > 0)
        notes.push_back("output " + net_.output_names[i] + " counts examples along dimension " +
                        std::to_string(axis) + "; here, and in what is written, they come first");
    if (alone_ > 0)
      notes.push_back(std::to_string(alone_) +
                      " uses of tensors of zeros or ones are taken for tensors of their own: "
                      "exporters merge equal ones");
    note_derived(notes);
    if (!frozen_.empty())
      notes.push_back(
          std::to_string(frozen_.size()) +
          " tensors that operators would train were no parameters: they stay as they are");
    return notes;
  }

  void note_derived(std::vector<std::string>& notes) const {
    const std::size_t computed = derived_.size();
    const std::size_t folded = folded_.size();
    if (computed > 0)
      notes.push_back(
          std::to_string(computed) +
          (computed == 1
               ? " weight that is computed from parameters trains through what computes it"
               : " weights that are computed from parameters train through what computes them"));
    if (folded == 0) return;
    const bool one = folded == 1;
    notes.push_back(std::to_string(folded) + (one ? " weight was" : " weights were") +
                    " computed from parameters, which the exporter has folded (" +
                    *folded_.begin() + (one ? "): it trains itself" : "): they train themselves") +
                    "; torch.onnx.export(..., optimize=False) keeps what computes " +
                    (one ? "it" : "them"));
  }

  static bool is_quantised(const Operation& operation) {
    return operation.op == "QuantizeLinear" || operation.op.starts_with("QLinear");
  }

  int add_node(Node node) {
    std::vector<ops::Value> src;
    for (const int input : node.inputs) src.push_back(values_[input]);
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
      throw Error(ErrorCode::kUnsupported, net_.value(id).name,
                  "is an output of the model, but does not depend on its inputs");
    return found->second;
  }

  // The names a node may go by, the best first.
  std::string label(const Operation& operation, const Lowered& lowered) const {
    std::vector<std::string> candidates;
    for (const Step& step : lowered.steps)
      for (const Owned& owned : step.owned)
        if (owned.trained)
          for (const std::string& name : {parameter_of(operation, owned), owned.constant->origin,
                                          leaf_of(derivation_of(net_, owned.constant))})
            candidates.push_back(module_of_tensor(name));
    candidates.push_back(operation.origin.module);
    candidates.push_back(module_of_node(operation.name, operation.op));
    candidates.push_back(lowered.steps.empty() ? "identity" : lowered.steps.back().op);
    std::erase(candidates, "");
    for (const std::string& candidate : candidates)
      if (unique_.is_free(candidate)) return candidate;
    return candidates.front();
  }

  // The name of a tensor where the network was made: the one of the node's parameters that has this
  // role. What the file calls it needs no other name.
  static std::string parameter_of(const Operation& operation, const Owned& owned) {
    const std::string role = owned.role == "slope" ? "weight" : owned.role;
    std::string found;
    for (const std::string& name : operation.origin.parameters) {
      const std::string leaf = name.substr(name.rfind('.') + 1);
      if (leaf != role && !leaf.ends_with("_" + role) &&
          !(owned.role == "value" && name == owned.constant->origin))
        continue;
      if (!found.empty() && found != name) return {};
      found = name;
    }
    return found;
  }

  // Whether a tensor that nothing names may be shared by chance alone: its file tells parameters
  // apart elsewhere, and all its elements are the same 0 or 1.
  bool stands_alone(const Owned& owned, const std::string& parameter) {
    const std::vector<float>& values = owned.constant->floats;
    if (!tells_parameters_ || !parameter.empty() || !owned.trained || values.empty() ||
        values.size() > 1024)
      return false;
    const bool plain = (values[0] == 0.0f || values[0] == 1.0f) &&
                       std::ranges::all_of(values, [&](float each) { return each == values[0]; });
    if (plain && !owned.constant->origin.empty() && !seen_.insert(owned.constant->origin).second)
      ++alone_;
    return plain;
  }

  std::string tensor_of(const Operation& operation, const Owned& owned, const std::string& node) {
    const std::string parameter = parameter_of(operation, owned);
    const bool alone = stands_alone(owned, parameter);
    if (const Derivation* derivation = derivation_of(net_, owned.constant);
        derivation != nullptr && owned.trained)
      return derive(*derivation, owned, node);
    if (is_folded(operation.origin, owned, parameter)) folded_.insert(owned.constant->origin);
    std::string name = tensors_.add(owned, node, parameter, alone);
    if (owned.trained &&
        (is_quantised(operation) || is_no_parameter(operation.origin, owned, parameter)))
      frozen_.insert(name);
    return name;
  }

  // One tensor for each form in which layers read it. Its parameters come first: one of them may
  // have the name that the weight of its layer usually has.
  std::string derive(const Derivation& derivation, const Owned& owned, const std::string& node) {
    const auto known = std::ranges::find_if(made_, [&](const Made& each) {
      return each.owned.constant == owned.constant && each.owned.transpose == owned.transpose &&
             each.owned.scale == owned.scale && each.owned.shape == owned.shape;
    });
    if (known != made_.end()) return known->name;
    std::vector<Node> nodes =
        nodes_of(net_, derivation, owned, node,
                 [&](const Operation& operation, const Owned& leaf, const std::string& name) {
                   return tensor_of(operation, leaf, name);
                 });
    std::string name = tensors_.add_computed(owned, node);
    made_.push_back({owned, name});
    derived_.push_back({name, std::move(nodes)});
    return name;
  }

  // A value of the code that stands where a layer has its weight.
  static bool is_folded(const NodeOrigin& origin, const Owned& owned,
                        const std::string& parameter) {
    const std::string& name = owned.constant->origin;
    return origin.known && !origin.folded_norm && owned.trained && owned.role == "weight" &&
           parameter.empty() && !name.empty() && !name.starts_with("val_") &&
           name.find('.') == std::string::npos;
  }

  // A buffer; or a number that stands in the code, of which the node names nothing.
  static bool is_no_parameter(const NodeOrigin& origin, const Owned& owned,
                              const std::string& parameter) {
    const auto is_buffer = [&](const std::string& name) {
      return std::ranges::find(origin.buffers, name) != origin.buffers.end();
    };
    if (is_buffer(parameter.empty() ? owned.constant->origin : parameter)) return true;
    if (!parameter.empty()) return false;
    const bool nameless =
        owned.constant->origin.empty() || owned.constant->origin.starts_with("val_");
    return origin.known && !origin.folded_norm && origin.parameters.empty() && nameless &&
           owned.role == "weight";
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
      return source.step >= 0 ? indices[source.step] : node_of(source.value);
    };
    for (std::size_t i = 0; i < lowered.steps.size(); ++i) {
      const Step& step = lowered.steps[i];
      std::vector<int> inputs;
      for (const Source& source : step.inputs) inputs.push_back(index_of(source));
      indices.push_back(add_step(operation, step, inputs, i == main ? name : name + "." + step.op));
    }
    for (std::size_t i = 0; i < operation.outputs.size(); ++i)
      if (operation.outputs[i] >= 0)
        node_of_value_[operation.outputs[i]] = index_of(lowered.outputs[i].source);
  }

  int add_step(const Operation& operation, const Step& step, const std::vector<int>& inputs,
               const std::string& wanted) {
    const std::string name = unique_.take(wanted);
    if (step.op == "activation") return add_activation(operation, step, inputs, name);
    Node node{name, step.op, inputs, step.attributes};
    for (const Owned& owned : step.owned)
      node.parameters.push_back(tensor_of(operation, owned, name));
    if (step.op == "dropout") node.attributes.set("sequence", dropouts_++);
    return add_node(std::move(node));
  }

  // Units stand last in memory: where the slopes or halves of an activation are told apart along
  // another dimension, it is brought there.
  int add_activation(const Operation& operation, const Step& step, std::vector<int> inputs,
                     const std::string& name) {
    Node node{name, "activation", inputs, step.attributes};
    node.attributes.set("layer", layers_.take(layer_of(inputs[0], name)));
    node.attributes.set("sequence", activations_++);
    for (const Owned& owned : step.owned)
      node.parameters.push_back(tensor_of(operation, owned, name));
    const ops::Value src = values_[inputs[0]];
    const auto rank = static_cast<std::int64_t>(src.shape.size());
    const bool channels_last =
        ops::arranged(node, std::span(&src, 1))[0].layout == ops::Layout::kChannelsLast;
    const std::int64_t units = channels_last ? 0 : rank - 1;
    if (rank < 2 || step.unit_axis < 0 || step.unit_axis == units) return add_node(std::move(node));
    std::vector<std::int64_t> there;
    for (std::int64_t axis = 0; axis < rank; ++axis)
      if (axis != step.unit_axis) there.push_back(axis);
    there.push_back(step.unit_axis);
    std::vector<std::int64_t> back(there.size());
    for (std::size_t i = 0; i < there.size(); ++i) back[there[i]] = static_cast<std::int64_t>(i);
    node.inputs = {
        add_node({unique_.take(name + ".transpose"), "transpose", inputs, {{"perm", there}}})};
    const int result = add_node(std::move(node));
    return add_node({unique_.take(name + ".transpose"), "transpose", {result}, {{"perm", back}}});
  }

  // The node whose weights feed this one through operators that have one input; `otherwise` where
  // there is none.
  std::string layer_of(int at, const std::string& otherwise) const {
    for (;;) {
      const Node& node = nodes_[at];
      if (ops::makes_units(node)) return node.name;
      std::vector<int> computed;
      for (const int input : node.inputs)
        if (ops::traits_of(nodes_[input]).kind != ops::Kind::kTensor) computed.push_back(input);
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
  struct Made {
    Owned owned;
    std::string name;
  };
  std::vector<Made> made_;  // computed tensors
  std::vector<Derived> derived_;
  std::set<std::string> folded_;
  int alone_ = 0;
};

// What the operators say of the tensors they own, against what the file has: the last check before
// a model leaves this folder.
void check_tensors(const Model& model) {
  std::map<std::string, const Tensor*> tensors;
  for (const Tensor& tensor : model.weights) tensors[tensor.name] = &tensor;
  const std::vector<ops::Value> values = ops::values(model.graph.nodes());
  for (const Node& node : model.graph.nodes()) {
    if (ops::is_input(node)) continue;
    const auto specs = ops::operator_named(node).parameters(node, ops::sources(node, values));
    if (specs.size() != node.parameters.size())
      throw Error(ErrorCode::kBadData, node.name,
                  "has " + std::to_string(node.parameters.size()) + " tensors; expected " +
                      std::to_string(specs.size()));
    for (std::size_t i = 0; i < specs.size(); ++i)
      if (tensors.at(node.parameters[i])->shape != specs[i].shape)
        throw Error(ErrorCode::kBadData, node.name,
                    node.parameters[i] + " has the shape " +
                        ops::to_string(tensors.at(node.parameters[i])->shape) + "; expected " +
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
