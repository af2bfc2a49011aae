#include "onnx/read/branches.h"

#include <set>
#include <string>

#include "onnx/names.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

[[noreturn]] void bad(const pb::NodeProto& node, const std::string& message) {
  const std::string name =
      !node.name().empty() || node.output_size() == 0 ? node.name() : node.output(0);
  throw Error(ErrorCode::kBadData, "node " + printable(name) + " (If)", message);
}

// The names that a branch defines; others are those of the graph around it.
std::set<std::string> defined_by(const pb::GraphProto& branch) {
  std::set<std::string> names;
  for (const auto& tensor : branch.initializer()) names.insert(tensor.name());
  for (const auto& node : branch.node()) names.insert(node.output().begin(), node.output().end());
  names.erase("");
  return names;
}

// Reads in sub-graphs, too: a branch within a branch sees the names around it.
void rename(pb::NodeProto& node, const std::set<std::string>& own, const std::string& prefix) {
  for (std::string& name : *node.mutable_input())
    if (own.contains(name)) name.insert(0, prefix);
  for (std::string& name : *node.mutable_output())
    if (own.contains(name)) name.insert(0, prefix);
  for (auto& attribute : *node.mutable_attribute()) {
    if (!attribute.has_g()) continue;
    for (auto& inner : *attribute.mutable_g()->mutable_node()) rename(inner, own, prefix);
    for (auto& output : *attribute.mutable_g()->mutable_output())
      if (own.contains(output.name())) output.set_name(prefix + output.name());
  }
}

// Moves a branch into the graph; its outputs become inputs of the If.
void move_in(pb::GraphProto& graph, int index, pb::GraphProto branch, const std::string& prefix) {
  pb::NodeProto& node = *graph.mutable_node(index);
  if (branch.input_size() > 0) bad(node, "has a branch with inputs of its own");
  if (branch.output_size() != node.output_size())
    bad(node, "has a branch of " + std::to_string(branch.output_size()) + " outputs; expected " +
                  std::to_string(node.output_size()));
  const std::set<std::string> own = defined_by(branch);
  for (const auto& output : branch.output())
    node.add_input(own.contains(output.name()) ? prefix + output.name() : output.name());
  for (auto& tensor : *branch.mutable_initializer()) {
    tensor.set_name(prefix + tensor.name());
    graph.add_initializer()->Swap(&tensor);
  }
  for (auto& each : *branch.mutable_node()) {
    rename(each, own, prefix);
    graph.add_node()->Swap(&each);
  }
}

}  // namespace

void inline_branches(pb::GraphProto& graph) {
  for (int i = 0; i < graph.node_size();
       ++i) {  // nodes that are moved in stand at the end, and are looked at in their turn
    if (graph.node(i).op_type() != "If" ||
        !(graph.node(i).domain().empty() || graph.node(i).domain() == "ai.onnx"))
      continue;
    pb::NodeProto& node = *graph.mutable_node(i);
    if (node.input_size() != 1)
      bad(node, "has " + std::to_string(node.input_size()) + " inputs; expected 1");
    for (const char* name : {"then_branch", "else_branch"}) {
      pb::GraphProto branch;
      for (auto& attribute : *graph.mutable_node(i)->mutable_attribute())
        if (attribute.name() == name) branch.Swap(attribute.mutable_g());
      move_in(graph, i, std::move(branch), "if" + std::to_string(i) + "/" + name + "/");
    }
    graph.mutable_node(i)->clear_attribute();
  }
}

}  // namespace undying::onnx
