#include "undying/graph.h"

#include <algorithm>
#include <set>

#include "ops/operator.h"
#include "undying/error.h"

namespace undying {
namespace {

[[noreturn]] void fail(const std::string& subject, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, subject, message);
}

void check_names(const std::vector<Node>& nodes) {
  std::set<std::string> names;
  for (const Node& node : nodes) {
    if (node.name.empty()) fail("graph", "a node of operator \"" + node.op + "\" has no name");
    if (!names.insert(node.name).second)
      fail(node.name, "two nodes have this name; expected unique names");
  }
}

// Every input is an earlier node, so there is no cycle.
void check_edges(const std::vector<Node>& nodes) {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const int input : nodes[i].inputs)
      if (input < 0 || static_cast<std::size_t>(input) >= i)
        fail(nodes[i].name, "input " + std::to_string(input) +
                                " is not an earlier node; expected topological order");
}

bool is_owned(const std::vector<Node>& nodes, const std::string& parameter) {
  return std::ranges::any_of(nodes, [&](const Node& node) {
    return std::ranges::find(node.parameters, parameter) != node.parameters.end();
  });
}

}  // namespace

Graph::Graph(std::vector<Node> nodes, std::vector<int> outputs, std::vector<Derived> derived)
    : nodes_(std::move(nodes)), outputs_(std::move(outputs)), derived_(std::move(derived)) {
  if (nodes_.size() < 2 || !ops::is_input(nodes_[0]))
    fail("graph", "expected an \"input\" node and at least one operator behind it");
  check_names(nodes_);
  check_edges(nodes_);
  if (outputs_.empty()) outputs_ = {static_cast<int>(nodes_.size()) - 1};
  for (const int output : outputs_)
    if (output < 0 || static_cast<std::size_t>(output) >= nodes_.size())
      fail("graph", "output " + std::to_string(output) + " is not a node");
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (ops::is_input(nodes_[i])) inputs_.push_back(static_cast<int>(i));
  for (ops::Value& value : ops::values(nodes_)) shapes_.push_back(std::move(value.shape));
  std::erase_if(derived_, [&](const Derived& each) { return !is_owned(nodes_, each.parameter); });
}

double multiply_adds(const Graph& graph) {
  double sum = 0.0;
  const std::vector<ops::Value> values = ops::values(graph.nodes());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (const auto count = ops::traits_of(node).multiply_adds; count != nullptr)
      sum +=
          count(ops::operator_named(node).parameters(node, ops::sources(node, values)), values[i]);
  }
  return sum;
}

}  // namespace undying
