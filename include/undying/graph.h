#ifndef UNDYING_GRAPH_H_
#define UNDYING_GRAPH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "undying/activation.h"

namespace undying {

// The shape of one example, without the batch dimension: {784} or {1, 28, 28}.
using Shape = std::vector<std::int64_t>;

// The options of an operator, by name. A getter of the wrong kind or of a missing name throws Error{kInvalidArgument}.
class Attributes {
 public:
  using Value = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>, Activation>;

  Attributes() = default;
  Attributes(std::initializer_list<std::pair<const std::string, Value>> values) : values_(values) {}

  template <class T>
  const T& get(const std::string& name) const;
  // The value, or `otherwise` where the attribute is absent.
  template <class T>
  T get_or(const std::string& name, T otherwise) const {
    return has(name) ? get<T>(name) : otherwise;
  }
  bool has(const std::string& name) const { return values_.contains(name); }
  void set(const std::string& name, Value value) { values_.insert_or_assign(name, std::move(value)); }
  const std::map<std::string, Value>& all() const { return values_; }

 private:
  std::map<std::string, Value> values_;
};

// One operator applied to the outputs of earlier nodes. docs/operators.md lists the operators with their attributes.
struct Node {
  std::string name;         // unique in the graph: "layer.3"
  std::string op;           // a row of the operator table: "linear", "activation", "conv", "add", ...
  std::vector<int> inputs;  // indices of earlier nodes
  Attributes attributes;
  // Names of the tensors it owns, in the order of docs/operators.md; an empty or missing one is NAME.weight and so on. Nodes that name
  // the same tensor share it.
  std::vector<std::string> parameters = {};
};

// A network as an immutable description: an acyclic graph, nodes in topological order, node 0 an input.
class Graph {
 public:
  // Checks names, inputs and shapes. `outputs`: indices of the nodes whose values are wanted; none: the last node. The loss of training
  // is that of the first. Throws Error{kInvalidArgument} that names the node and the shapes that do not fit.
  explicit Graph(std::vector<Node> nodes, std::vector<int> outputs = {});

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Shape>& shapes() const { return shapes_; }  // of each node's output, for one example
  const std::vector<int>& inputs() const { return inputs_; }    // nodes of operator "input"
  const std::vector<int>& outputs() const { return outputs_; }
  const Shape& input_shape() const { return shapes_.front(); }
  const Shape& output_shape() const { return shapes_[static_cast<std::size_t>(outputs_.front())]; }

 private:
  std::vector<Node> nodes_;
  std::vector<Shape> shapes_;
  std::vector<int> inputs_;
  std::vector<int> outputs_;
};

// A fully connected network: inputs -> hidden... -> outputs, an activation behind every hidden layer.
struct Mlp {
  std::int64_t inputs = 0;
  std::vector<std::int64_t> hidden;
  std::int64_t outputs = 0;
  Activation activation = "relu";
  bool batch_norm = false;  // between linear and activation
  double dropout = 0.0;     // behind every activation
};
Graph mlp(const Mlp& options);

// Builds what `--model` names for data of this shape: "mlp:32x20" (20 hidden layers of 32), "mlp:256-128-100", "mlp" (128-128); of images
// (channels, height, width) "lenet", "vgg:small", "resnet:20", "resnet:32", "resnet:56", "mobilenet:small".
// Throws Error{kInvalidArgument}.
struct ModelOptions {
  Activation activation = "relu";  // wherever a rectifier stands
  std::optional<bool> batch_norm;  // behind convolutions (mlp: behind hidden layers); default: resnet and mobilenet have it, others not
  double dropout = 0.0;            // behind every activation
};
Graph build_model(std::string_view specification, const Shape& inputs, std::int64_t outputs, const ModelOptions& options);

// The activations that with_activation() replaces, by node: all but gates (sigmoid, tanh, hardsigmoid, softsign), identities and those that
// no weight reads further on.
std::vector<int> hidden_activations(const Graph& graph);
// The network with another activation in place of its hidden ones. Where that has a slope of its own, it is NODE.slope.
Graph with_activation(const Graph& graph, const Activation& activation);

// The part of a network that these nodes need; they are its outputs.
Graph cut(const Graph& graph, const std::vector<int>& outputs);

// The network with one input and one output: several inputs become slices of one, in their order; several outputs are flattened and joined.
// A network that has one of each comes back as it is.
Graph packed(const Graph& graph);

// `graph` with the activations of the nodes that `from` has under the same names.
Graph with_activations_of(const Graph& graph, const Graph& from);

// Multiply-adds of the products and convolutions of a forward pass over one example; a training step makes three times as many.
double multiply_adds(const Graph& graph);

}  // namespace undying

#endif  // UNDYING_GRAPH_H_
