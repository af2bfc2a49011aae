#ifndef UNDYING_CLI_NETWORK_PARTS_H_
#define UNDYING_CLI_NETWORK_PARTS_H_

#include <string>
#include <vector>

#include "cli/network.h"

// Where the inputs and outputs that a file names stand in its graph.
namespace undying::cli {

inline const Node& node_at(const Graph& graph, int at) { return graph.nodes()[at]; }

// The name of the input that is this node.
std::string input_name(const onnx::Model& model, const std::string& node);

// The node that is output number `position`.
int output_node(const onnx::Model& model, int position);

// Those inputs of a network that data must have, as nodes.
std::vector<int> input_nodes(const Network& network);

// The part of a network that these nodes need, with all of these inputs, in this order: the data
// has them.
Graph part_of(const Graph& graph, const std::vector<int>& outputs, const std::vector<int>& inputs);

}  // namespace undying::cli

#endif  // UNDYING_CLI_NETWORK_PARTS_H_
