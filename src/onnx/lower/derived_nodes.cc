// What computes a weight, as nodes of ours.

#include <algorithm>
#include <map>

#include "onnx/lower/derive.h"
#include "onnx/lower/tensors.h"
#include "onnx/names.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

class DerivedNodes {
 public:
  DerivedNodes(const Net& net, std::string name, const NameTensor& name_tensor)
      : net_(net), name_(std::move(name)), name_tensor_(name_tensor) {
    add({unique_.take(name_ + ".none"), "input", {}, {{"shape", Ints{1}}}});
  }

  std::vector<Node> run(const Derivation& derivation, const Owned& owned) {
    for (const Operation& operation : derivation.operations) add_operation(operation);
    int last = node_of_.at(derivation.value);
    if (owned.transpose) last = transposed(last, owned);
    if (owned.scale != 1.0f) last = scaled(last, owned.scale);
    if (shapes_[index(last)] != owned.shape)
      last = add_new("reshape", {last}, {{"shape", owned.shape}});
    if (last + 1 != static_cast<int>(nodes_.size())) nodes_.resize(index(last) + 1);
    return std::move(nodes_);
  }

 private:
  static std::size_t index(int at) { return static_cast<std::size_t>(at); }

  int add(Node node) {
    std::vector<ops::Value> src;
    for (const int input : node.inputs) src.push_back({shapes_[index(input)]});
    shapes_.push_back(ops::infer(node, src).shape);
    nodes_.push_back(std::move(node));
    return static_cast<int>(nodes_.size()) - 1;
  }

  int add_new(const std::string& op, std::vector<int> inputs, Attributes attributes) {
    return add({unique_.take(name_ + "." + op), op, std::move(inputs), std::move(attributes)});
  }

  void add_operation(const Operation& operation) {
    const Lowered lowered = lower(net_, operation);
    std::vector<int> added;
    const auto node_at = [&](const Source& source) {
      return source.step >= 0 ? added[index(source.step)] : node_of_.at(source.value);
    };
    for (const Step& step : lowered.steps) {
      std::vector<int> inputs;
      for (const Source& source : step.inputs) inputs.push_back(node_at(source));
      added.push_back(add_step(operation, step, inputs));
    }
    for (std::size_t i = 0; i < operation.outputs.size(); ++i)
      if (operation.outputs[i] >= 0)
        node_of_[operation.outputs[i]] = node_at(lowered.outputs[i].source);
  }

  int add_step(const Operation& operation, const Step& step, const std::vector<int>& inputs) {
    Node node{unique_.take(name_ + "." + step.op), step.op, inputs, step.attributes};
    if (step.op == "activation") {
      node.attributes.set("layer", node.name);
      node.attributes.set("sequence", std::int64_t{0});
    }
    for (const Owned& owned : step.owned) {
      if (owned.trained) {
        node.parameters.push_back(name_tensor_(operation, owned, node.name));
      } else {
        const std::vector<float> values = elements_of(owned);
        node.attributes.set("values", std::vector<double>(values.begin(), values.end()));
      }
    }
    return add(std::move(node));
  }

  // Matrices stand (outputs, inputs) here. What a file has turned for a product is turned back.
  int transposed(int last, const Owned& owned) {
    const Node& node = nodes_[index(last)];
    const bool turned = node.op == "transpose" && node.attributes.get<Ints>("perm") == Ints{1, 0};
    if (turned) return node.inputs[0];
    const Shape dims = {owned.shape[1], owned.shape[0]};
    if (shapes_[index(last)] != dims) last = add_new("reshape", {last}, {{"shape", dims}});
    return add_new("transpose", {last}, {{"perm", Ints{1, 0}}});
  }

  int scaled(int last, float scale) {
    const int factor =
        add_new("constant", {},
                {{"shape", Ints{1}}, {"values", std::vector<double>{static_cast<double>(scale)}}});
    return add_new("mul", {last, factor}, {});
  }

  const Net& net_;
  std::string name_;
  const NameTensor& name_tensor_;
  std::vector<Node> nodes_;
  std::vector<Shape> shapes_;
  std::map<int, int> node_of_;  // of values
  UniqueNames unique_;
};

}  // namespace

std::vector<Node> nodes_of(const Net& net, const Derivation& derivation, const Owned& owned,
                           const std::string& name, const NameTensor& name_tensor) {
  return DerivedNodes(net, name, name_tensor).run(derivation, owned);
}

}  // namespace undying::onnx
