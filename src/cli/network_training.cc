// A network from a file where it is trained: what of it is, and from which values.

#include "cli/network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "cli/flags/parse.h"
#include "doctor/gradient_paths.h"
#include "doctor/network.h"
#include "engine/model.h"
#include "ops/operator.h"
#include "undying/error.h"
#include "undying/evaluation.h"

namespace undying::cli {

void check_trains(const Network& network, const std::string& file) {
  if (!network.model.forward_only.empty())
    throw Error(ErrorCode::kUnsupported, file, "cannot be trained: " + network.model.forward_only);
}

Graph trained_graph(const Network& network, Loss loss) {
  doctor::check_gradient(network.graph);
  return network.outputs.empty() ? doctor::without_head(network.graph, loss).graph : network.graph;
}

std::vector<std::string> frozen_names(const Network& network) {
  std::vector<std::string> found;
  for (const std::string& name : network.model.frozen)
    if (std::ranges::any_of(network.graph.nodes(), [&](const Node& node) {
          return std::ranges::find(node.parameters, name) != node.parameters.end();
        }))
      found.push_back(name);
  return found;
}

std::vector<Tensor> frozen_tensors(const Network& network, const TrainSettings& settings) {
  std::vector<Tensor> tensors;
  for (const Tensor& tensor : network.model.weights)
    if (std::ranges::find(settings.frozen, tensor.name) != settings.frozen.end())
      tensors.push_back(tensor);
  return tensors;
}

std::vector<Tensor> fitting(const Graph& graph, const std::vector<Tensor>& tensors,
                            const std::string& file) {
  std::vector<Tensor> found;
  const engine::Model model(graph);
  for (const engine::Parameter& parameter : model.parameters()) {
    const auto at = std::ranges::find(tensors, parameter.name, &Tensor::name);
    if (at != tensors.end() && at->shape == parameter.shape) {
      found.push_back(*at);
    } else if (at != tensors.end()) {
      throw Error(ErrorCode::kBadData, file,
                  fmt::format("tensor {} has shape {}; the model expects {}", parameter.name,
                              ops::to_string(at->shape), ops::to_string(parameter.shape)));
    } else if (parameter.role != ops::ParameterSpec::Role::kSlope) {
      throw Error(ErrorCode::kBadData, file,
                  fmt::format("tensor {} is missing; the model needs it", parameter.name));
    }
  }
  return found;
}

}  // namespace undying::cli
