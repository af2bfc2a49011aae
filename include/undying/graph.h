#ifndef UNDYING_GRAPH_H_
#define UNDYING_GRAPH_H_

#include <cstdint>
#include <map>
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
  using Value = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, Activation>;

  Attributes() = default;
  Attributes(std::initializer_list<std::pair<const std::string, Value>> values) : values_(values) {}

  template <class T>
  const T& get(const std::string& name) const;
  bool has(const std::string& name) const { return values_.contains(name); }
  const std::map<std::string, Value>& all() const { return values_; }

 private:
  std::map<std::string, Value> values_;
};

// One operator applied to the outputs of earlier nodes.
struct Node {
  std::string name;         // unique in the graph: "layer.3"
  std::string op;           // a row of the operator table: "linear", "activation", "dropout", "batch_norm", ...
  std::vector<int> inputs;  // indices of earlier nodes
  Attributes attributes;
};

// A network as an immutable description: nodes in topological order, node 0 is the input, the last node is the output.
class Graph {
 public:
  // Checks names, inputs and shapes. Throws Error{kInvalidArgument} that names the node and the shapes that do not fit.
  explicit Graph(std::vector<Node> nodes);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Shape>& shapes() const { return shapes_; }  // of each node's output, for one example
  const Shape& input_shape() const { return shapes_.front(); }
  const Shape& output_shape() const { return shapes_.back(); }

 private:
  std::vector<Node> nodes_;
  std::vector<Shape> shapes_;
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

// Builds what `--model` names for data of this shape: "mlp:32x20" (20 hidden layers of 32), "mlp:256-128-100", "mlp" (128-128).
// Throws Error{kInvalidArgument}.
struct ModelOptions {
  Activation activation = "relu";
  bool batch_norm = false;
  double dropout = 0.0;
};
Graph build_model(std::string_view specification, const Shape& inputs, std::int64_t outputs, const ModelOptions& options);

}  // namespace undying

#endif  // UNDYING_GRAPH_H_
