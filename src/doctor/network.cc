#include "doctor/network.h"

#include <algorithm>
#include <thread>

#include "data/array/fits.h"
#include "ops/loss.h"
#include "train/table_numbers.h"
#include "undying/error.h"

namespace undying::doctor {
namespace {

[[noreturn]] void refuse(const Dataset& data, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, "data " + data.name, message);
}

// What a network that gives probabilities ends in, where the loss takes logits; "": something else.
std::string head_of(const Node& last, Loss loss) {
  const ops::Head head = ops::head_of(last);
  if (kind(loss) == LossKind::kClasses && head == ops::Head::kSoftmax) return "softmax";
  if (kind(loss) == LossKind::kProbabilities && head == ops::Head::kSigmoid) return "sigmoid";
  return "";
}

}  // namespace

Network without_head(const Graph& graph, Loss loss) {
  const int output = graph.outputs().front();
  const Node& last = graph.nodes()[output];
  const bool at_end = output + 1 == static_cast<int>(graph.nodes().size());
  const std::string head = head_of(last, loss);
  if (head.empty() || !at_end || graph.outputs().size() != 1) return {graph, {}, {}};
  std::vector<Node> nodes(graph.nodes().begin(), graph.nodes().end() - 1);
  return {Graph(std::move(nodes), {last.inputs[0]}, graph.derived()),
          last,
          {"the " + head + " " + last.name + " at the end is part of the loss: " +
           std::string(name(loss)) + " takes what stands before it"}};
}

Graph with_head(const Network& network, const Graph& graph) {
  if (!network.head) return graph;
  std::vector<Node> nodes = graph.nodes();
  nodes.push_back(*network.head);
  return Graph(std::move(nodes), {}, graph.derived());
}

engine::Model make_model(const Graph& graph, const std::vector<Tensor>& weights) {
  engine::Model model(graph);
  for (const engine::Parameter& parameter : model.parameters()) {
    const auto found = std::ranges::find(weights, parameter.name, &Tensor::name);
    if (found == weights.end())
      throw Error(ErrorCode::kBadData, "tensor " + parameter.name,
                  "is missing; the model needs it");
    if (found->shape != parameter.shape)
      throw Error(ErrorCode::kBadData, "tensor " + parameter.name,
                  "has shape " + ops::to_string(found->shape) + "; the model expects " +
                      ops::to_string(parameter.shape));
    std::ranges::copy(found->values, model.values(parameter));
  }
  return model;
}

std::vector<Tensor> tensors_of(const engine::Model& model) {
  std::vector<Tensor> tensors;
  for (const engine::Parameter& parameter : model.parameters()) {
    const float* values = model.values(parameter);
    tensors.push_back(
        {parameter.name, parameter.shape, std::vector<float>(values, values + parameter.size)});
  }
  return tensors;
}

bool has_targets(const Dataset& data) { return !data.labels.empty() || !data.targets.empty(); }

Loss loss_for(const Dataset& data, const std::optional<Loss>& chosen) {
  return chosen.value_or(usual_loss(data.classes > 0));
}

void check_inputs(const Graph& graph, const Dataset& data) {
  if (graph.inputs().size() != 1)
    throw Error(ErrorCode::kUnsupported, "model",
                "has " + std::to_string(graph.inputs().size()) + " inputs; expected one");
  if (data.size < 1) refuse(data, "has no examples");
  data::check_shape(data, graph.input_shape());
  train::check_table_numbers(graph, data);
}

void check_targets(const Graph& graph, const Dataset& data, Loss loss,
                   const std::vector<OutputLoss>& several) {
  if (!several.empty()) {
    const std::int64_t columns = ops::LossOptions{.outputs = several}.columns();
    if (data.classes > 0 || data.outputs != columns)
      refuse(data, "has targets of " + std::to_string(data.outputs) +
                       " values; the outputs that are asked for need " + std::to_string(columns));
    return;
  }
  const std::int64_t outputs = ops::element_count(graph.output_shape());
  const bool probabilities = kind(loss) == LossKind::kProbabilities;
  if (probabilities) data::check_probabilities(data);
  const bool binary = probabilities && outputs == 1 && data.classes == 2;
  if (!binary) data::check_outputs(data, outputs);
  if (data.classes == 0 && kind(loss) == LossKind::kClasses)
    throw Error(ErrorCode::kInvalidArgument, "loss " + std::string(name(loss)),
                "needs classes, but " + data.name + " has values as targets");
}

int default_threads(int threads) {
  return threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace undying::doctor
