// batch_norm(z) = scale z + shift per channel, scale = gamma / sqrt(var + epsilon), shift = beta -
// mean scale. With z = W x + b: W' = scale W along the channels, b' = scale b + shift.

#include "onnx/write/fold_batch_norm.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "onnx/write/exporter.h"

namespace undying::onnx {
namespace {

class Folder {
 public:
  Folder(const Graph& graph, std::span<const Tensor> weights)
      : nodes_(graph.nodes()), outputs_(graph.outputs()), values_(ops::values(graph.nodes())) {
    for (const Tensor& tensor : weights) tensors_[tensor.name] = tensor;
    for (const Node& node : nodes_) {
      for (const auto& spec : owned_tensors(node, values_)) ++owners_[spec.name];
      for (const int input : node.inputs) ++readers_[input];
    }
    for (const int output : outputs_) ++readers_[output];
  }

  Folded fold() {
    std::vector<Node> kept;
    std::vector<int> index(nodes_.size());
    int count = 0;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      Node& node = nodes_[i];
      const bool gone = ops::is_batch_norm(node) && merge(nodes_[node.inputs[0]], node);
      if (gone) {
        index[i] = index[node.inputs[0]];
        kept[index[i]] = renumbered(nodes_[node.inputs[0]], index);
        ++count;
        continue;
      }
      index[i] = static_cast<int>(kept.size());
      kept.push_back(renumbered(node, index));
    }
    for (int& output : outputs_) output = index[output];
    std::vector<Tensor> tensors;
    for (auto& [name, tensor] : tensors_) tensors.push_back(std::move(tensor));
    return {Graph(std::move(kept), outputs_), std::move(tensors), count};
  }

 private:
  static Node renumbered(Node node, const std::vector<int>& index) {
    for (int& input : node.inputs) input = index[input];
    return node;
  }

  // The dimension of the weight that counts outputs, for nodes a batch norm can be folded into.
  static int output_dimension(const Node& node) { return ops::traits_of(node).transposed ? 1 : 0; }

  bool can_take(const Node& node, const Node& norm) {
    if (!ops::makes_units(node)) return false;
    if (readers_[norm.inputs[0]] != 1) return false;
    const bool vector = values_[norm.inputs[0]].shape.size() == 1;
    if (!ops::has_channels(node) && !vector)
      return false;  // its channels are positions of the layer
    return std::ranges::all_of(owned_tensors(node, values_), [&](const auto& spec) {
      return owners_[spec.name] == 1 && fits(spec);
    });
  }

  bool fits(const ops::ParameterSpec& spec) const {
    const auto found = tensors_.find(spec.name);
    return found != tensors_.end() && found->second.shape == spec.shape &&
           static_cast<std::int64_t>(found->second.values.size()) == ops::element_count(spec.shape);
  }

  bool merge(Node& node, const Node& norm) {
    if (!can_take(node, norm)) return false;
    const auto own = owned_tensors(norm, values_);
    if (!std::ranges::all_of(own, [&](const auto& spec) { return fits(spec); })) return false;
    const double epsilon = norm.attributes.get_or<double>("epsilon", 1e-5);
    const auto at = [&](std::size_t which, std::size_t channel) {
      return static_cast<double>(tensors_[own[which].name].values.at(channel));
    };
    const auto channels = static_cast<std::size_t>(own[0].shape[0]);
    std::vector<double> scale(channels);
    std::vector<double> shift(channels);
    for (std::size_t i = 0; i < channels; ++i) {
      scale[i] = at(0, i) / std::sqrt(at(3, i) + epsilon);
      shift[i] = at(1, i) - at(2, i) * scale[i];
    }
    scale_weight(node, scale);
    set_bias(node, scale, shift);
    return true;
  }

  void scale_weight(const Node& node, const std::vector<double>& scale) {
    Tensor& weight = tensors_[owned_tensors(node, values_)[0].name];
    const bool transposed = output_dimension(node) == 1;
    const auto inner = static_cast<std::size_t>(
        ops::element_count(Shape(weight.shape.begin() + (transposed ? 2 : 1), weight.shape.end())));
    // A transposed convolution's weight is (inputs, outputs / groups, ...): its input channels tell
    // the group.
    const std::size_t per_group =
        transposed ? static_cast<std::size_t>(weight.shape[1]) : scale.size();
    const std::size_t groups = scale.size() / per_group;
    for (std::size_t i = 0; i < weight.values.size(); ++i) {
      const std::size_t row = i / inner;
      const std::size_t input = row / per_group;
      const std::size_t group =
          transposed ? input / (static_cast<std::size_t>(weight.shape[0]) / groups) : 0;
      weight.values[i] =
          static_cast<float>(weight.values[i] * scale[group * per_group + row % per_group]);
    }
  }

  void set_bias(Node& node, const std::vector<double>& scale, const std::vector<double>& shift) {
    if (node.attributes.get_or<std::int64_t>("bias", 1) == 0) {
      node.attributes.set("bias", std::int64_t{1});
      node.parameters.resize(2);
      if (tensors_.contains(node.name + ".bias")) node.parameters[1] = node.name + ".folded_bias";
      const std::string name = owned_tensors(node, values_)[1].name;
      tensors_[name] = {
          name, {static_cast<std::int64_t>(shift.size())}, std::vector<float>(shift.size(), 0.0f)};
    }
    Tensor& bias = tensors_[owned_tensors(node, values_)[1].name];
    for (std::size_t i = 0; i < shift.size(); ++i)
      bias.values[i] = static_cast<float>(bias.values[i] * scale[i] + shift[i]);
  }

  std::vector<Node> nodes_;
  std::vector<int> outputs_;
  std::vector<ops::Value> values_;
  std::map<std::string, Tensor> tensors_;
  std::map<std::string, int> owners_;
  std::map<int, int> readers_;
};

}  // namespace

Folded fold_batch_norms(const Graph& graph, std::span<const Tensor> weights) {
  return Folder(graph, weights).fold();
}

}  // namespace undying::onnx
