#ifndef UNDYING_ENGINE_TEST_WHOLE_GRAPH_H_
#define UNDYING_ENGINE_TEST_WHOLE_GRAPH_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "undying/graph.h"

namespace undying::engine {

using Ints = std::vector<std::int64_t>;

// Nodes of graphs to be tested.
inline std::int64_t whole(std::int64_t i) { return i; }
inline Node input(const std::string& name, const Shape& shape) {
  return {name, "input", {}, {{"shape", shape}}};
}
inline Node linear(const std::string& name, int src, std::int64_t outputs) {
  return {name, "linear", {src}, {{"outputs", outputs}}};
}
inline Node conv(const std::string& name, int src, std::int64_t outputs, std::int64_t kernel = 1,
                 std::int64_t stride = 1) {
  return {name,
          "conv",
          {src},
          {{"outputs", outputs},
           {"kernel", Ints{kernel, kernel}},
           {"strides", Ints{stride, stride}},
           {"pads", Ints(4, kernel / 2)}}};
}
inline Node activation(const std::string& name, int src, const Activation& f) {
  return {name, "activation", {src}, {{"activation", f}, {"layer", name}}};
}
inline Node node(const std::string& name, const std::string& op, std::vector<int> inputs,
                 Attributes attributes = {}) {
  return {name, op, std::move(inputs), std::move(attributes)};
}

// Expects outputs, loss and gradients of a graph, in training and evaluation, on one shard and
// several, to be what the references of its operators, composed in double, and finite differences
// of the loss say.
void expect_defined(const Graph& graph);

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_TEST_WHOLE_GRAPH_H_
