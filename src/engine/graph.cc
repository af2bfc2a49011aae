#include "undying/graph.h"

#include <set>

#include "ops/operator.h"
#include "undying/error.h"

namespace undying {
namespace {

[[noreturn]] void fail(const std::string& subject, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, subject, message);
}

void check_shape(const Node& node, const Shape& shape) {
  if (shape.empty()) fail(node.name, "the input shape is empty; expected at least one dimension");
  for (const std::int64_t extent : shape)
    if (extent < 1) fail(node.name, "shape " + ops::to_string(shape) + " has an extent below 1");
}

void check_names(const std::vector<Node>& nodes) {
  std::set<std::string> names;
  for (const Node& node : nodes) {
    if (node.name.empty()) fail("graph", "a node of operator \"" + node.op + "\" has no name");
    if (!names.insert(node.name).second) fail(node.name, "two nodes have this name; expected unique names");
  }
}

// Every node but the first takes the output of one earlier node, and every output but the last is used once.
void check_edges(const std::vector<Node>& nodes) {
  std::vector<int> uses(nodes.size(), 0);
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    if (nodes[i].inputs.size() != 1)
      fail(nodes[i].name, "has " + std::to_string(nodes[i].inputs.size()) + " inputs; expected 1 for " + nodes[i].op);
    const int input = nodes[i].inputs[0];
    if (input < 0 || static_cast<std::size_t>(input) >= i)
      fail(nodes[i].name, "input " + std::to_string(input) + " is not an earlier node; expected topological order");
    ++uses[static_cast<std::size_t>(input)];
  }
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i)
    if (uses[i] != 1) fail(nodes[i].name, "its output is used " + std::to_string(uses[i]) + " times; expected once (chains only)");
}

}  // namespace

Graph::Graph(std::vector<Node> nodes) : nodes_(std::move(nodes)) {
  if (nodes_.size() < 2 || nodes_[0].op != "input") fail("graph", "expected an \"input\" node and at least one operator behind it");
  check_names(nodes_);
  check_edges(nodes_);
  shapes_.push_back(nodes_[0].attributes.get<std::vector<std::int64_t>>("shape"));
  check_shape(nodes_[0], shapes_[0]);
  for (std::size_t i = 1; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    shapes_.push_back(ops::operator_named(node).infer(node, shapes_[static_cast<std::size_t>(node.inputs[0])]));
  }
}

}  // namespace undying
