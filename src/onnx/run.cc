#include "onnx/run.h"

#include <algorithm>
#include <map>

#include "engine/derivations.h"
#include "engine/model.h"
#include "engine/plan.h"
#include "ops/operator.h"

namespace undying::onnx {

void set_weights(engine::Model& to, const Model& from) {
  std::map<std::string, const Tensor*> tensors;
  for (const Tensor& tensor : from.weights) tensors[tensor.name] = &tensor;
  for (const engine::Parameter& parameter : to.parameters()) {
    const std::vector<float>& values = tensors.at(parameter.name)->values;
    std::copy_n(values.data(), parameter.size, to.values(parameter));
  }
}

void derive(Model& model) {
  if (model.graph.derived().empty()) return;
  engine::Model network(model.graph);
  set_weights(network, model);
  engine::derive(network);
  for (const engine::Parameter& parameter : network.parameters())
    if (parameter.derived >= 0)
      std::ranges::find(model.weights, parameter.name, &Tensor::name)
          ->values.assign(network.values(parameter), network.values(parameter) + parameter.size);
}

std::vector<std::vector<float>> evaluate(const Model& model,
                                         const std::vector<std::vector<float>>& inputs,
                                         std::int64_t rows) {
  engine::Model network(model.graph);
  set_weights(network, model);
  engine::Plan plan(
      network, {.compile = {.capacity = rows, .training = false}, .shards = 1, .counters = false});
  plan.allocate();
  plan.reserve(rows);
  engine::Shard& shard = plan.shards()[0];
  plan.begin(shard, 0, rows, rows, 0);
  for (std::size_t i = 0; i < inputs.size(); ++i) std::ranges::copy(inputs[i], shard.inputs.at(i));
  for (std::size_t i = 0; i < plan.steps().size(); ++i)
    plan.forward(shard, {.step = static_cast<int>(i)});
  std::vector<std::vector<float>> outputs;
  for (std::size_t i = 0; i < model.graph.outputs().size(); ++i) {
    const std::int64_t size =
        rows * ops::element_count(model.graph.shapes()[model.graph.outputs()[i]]);
    outputs.emplace_back(shard.outputs.at(i), shard.outputs.at(i) + size);
  }
  return outputs;
}

}  // namespace undying::onnx
