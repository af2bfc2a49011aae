#ifndef UNDYING_DOCTOR_NETWORK_H_
#define UNDYING_DOCTOR_NETWORK_H_

#include <optional>
#include <string>
#include <vector>

#include "engine/model.h"
#include "undying/dataset.h"
#include "undying/trainer.h"

namespace undying::doctor {

// A network as the loss sees it. A softmax at the end belongs to cross-entropy and a sigmoid to
// binary cross-entropy, which take what stands before it; `head` keeps the node.
struct Network {
  Graph graph;
  std::optional<Node> head;
  std::vector<std::string> notes;
};
Network without_head(const Graph& graph, Loss loss);
Graph with_head(const Network& network, const Graph& graph);

// A model with these values. Throws Error{kBadData} that names a tensor that is missing or has
// another shape; others are left out.
engine::Model make_model(const Graph& graph, const std::vector<Tensor>& weights);
std::vector<Tensor> tensors_of(const engine::Model& model);

bool has_targets(const Dataset& data);
Loss loss_for(const Dataset& data, const std::optional<Loss>& chosen);

// Throws Error{kInvalidArgument} when the network has several inputs or does not take examples of
// this shape.
void check_inputs(const Graph& graph, const Dataset& data);
// The same for the outputs, where the data has targets.
void check_targets(const Graph& graph, const Dataset& data, Loss loss,
                   const std::vector<OutputLoss>& several = {});

int default_threads(int threads);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_NETWORK_H_
