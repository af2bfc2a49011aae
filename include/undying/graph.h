#ifndef UNDYING_GRAPH_H_
#define UNDYING_GRAPH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "undying/activation.h"
#include "undying/node.h"

namespace undying {

// A tensor of a network that is computed from others, which train in its place: a weight from its
// direction and length, as by weight normalisation. It is the same for every example, and computed
// once a training step.
struct Derived {
  std::string parameter;  // its name, by which nodes of the network own it
  // As of a graph: node 0 an input, which nothing reads. The last one gives the tensor; those of
  // operator "parameter" are what trains, those of operator "constant" have the attribute "values".
  std::vector<Node> nodes;
};

// A network as an immutable description: an acyclic graph, nodes in topological order, node 0 an
// input.
class Graph {
 public:
  // Checks names, inputs and shapes. `outputs`: indices of the nodes whose values are wanted; none:
  // the last node. The loss of training is that of the first. Of `derived`, those that no node owns
  // are left out. Throws Error{kInvalidArgument} that names the node and the shapes that do not
  // fit.
  explicit Graph(std::vector<Node> nodes, std::vector<int> outputs = {},
                 std::vector<Derived> derived = {});

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Shape>& shapes() const {
    return shapes_;
  }  // of each node's output, for one example
  const std::vector<int>& inputs() const { return inputs_; }  // nodes of operator "input"
  const std::vector<int>& outputs() const { return outputs_; }
  const std::vector<Derived>& derived() const { return derived_; }
  const Shape& input_shape() const { return shapes_.front(); }
  const Shape& output_shape() const { return shapes_[outputs_.front()]; }

 private:
  std::vector<Node> nodes_;
  std::vector<Shape> shapes_;
  std::vector<int> inputs_;
  std::vector<int> outputs_;
  std::vector<Derived> derived_;
};

// A fully connected network: inputs -> hidden... -> outputs, an activation behind every hidden
// layer.
struct Mlp {
  std::int64_t inputs = 0;
  std::vector<std::int64_t> hidden;
  std::int64_t outputs = 0;
  Activation activation = "relu";
  bool batch_norm = false;  // between linear and activation
  bool layer_norm = false;  // the same place
  double dropout = 0.0;     // behind every activation
};
Graph mlp(const Mlp& options);

// Builds what `--model` names for data of this shape: "mlp:32x20" (20 hidden layers of 32),
// "mlp:256-128-100", "mlp" (128-128); of images (channels, height, width) "lenet", "vgg:small",
// "resnet:20", "resnet:32", "resnet:56", "mobilenet:small". Throws Error{kInvalidArgument}.
struct ModelOptions {
  Activation activation = "relu";  // wherever a rectifier stands
  std::optional<bool> batch_norm;  // behind convolutions (mlp: behind hidden layers); default:
                                   // resnet and mobilenet have it, others not
  double dropout = 0.0;            // behind every activation
  bool layer_norm = false;         // mlp: behind hidden layers, in the place of batch norm
};
Graph build_model(std::string_view specification, const Shape& inputs, std::int64_t outputs,
                  const ModelOptions& options);

// The activations that with_activation() replaces, by node: all but gates (sigmoid, tanh,
// hardsigmoid), identities and those that no weight reads further on.
std::vector<int> hidden_activations(const Graph& graph);
// The network with another activation in place of its hidden ones. Where that has a slope of its
// own, it is NODE.slope.
Graph with_activation(const Graph& graph, const Activation& activation);

// The part of a network that these nodes need; they are its outputs.
Graph cut(const Graph& graph, const std::vector<int>& outputs);

// The network with one input and one output: several inputs become slices of one, in their order;
// several outputs are flattened and joined. A network that has one of each comes back as it is.
Graph packed(const Graph& graph);

// `graph` with the activations of the nodes that `from` has under the same names.
Graph with_activations_of(const Graph& graph, const Graph& from);

// Multiply-adds of the products and convolutions of a forward pass over one example; a training
// step makes three times as many.
double multiply_adds(const Graph& graph);

}  // namespace undying

#endif  // UNDYING_GRAPH_H_
