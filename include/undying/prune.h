#ifndef UNDYING_PRUNE_H_
#define UNDYING_PRUNE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "undying/dataset.h"
#include "undying/graph.h"

// What a whole data set proves useless in a network, taken out of it: docs/diagnosis.md says what
// goes, what stays and why.
namespace undying {

struct PruneSettings {
  bool merge_duplicates = false;  // units with equal incoming weights and bias become one, their
                                  // outgoing weights summed
  double tolerance = 1e-5;  // largest difference of an output that counts as rounding, relative to
                            // the largest output
  int threads = 0;          // of the passes over the data; 0: one per core. Times are those of one
  bool measure_time = true;
  std::int64_t memory = 1'000'000'000;  // bytes that the buffers of a pass over the data may take
};

// The units of one activation.
struct PrunedLayer {
  std::string name;
  std::string activation;
  std::int64_t units = 0;
  std::int64_t dead = 0;      // output 0 on every example
  std::int64_t constant = 0;  // the same output on every example, not 0
  std::int64_t removed = 0;   // of all units: dead, constant, equal to others, or read by nothing
};

// Dead or constant units that could not be taken out, by what they are needed for.
struct PruneObstacle {
  std::string why;
  std::int64_t units = 0;
};

struct NetworkCost {
  std::int64_t parameters = 0;  // trained numbers
  double multiply_adds = 0.0;   // of the products and convolutions of one example
  double seconds = 0.0;  // of one example, one thread: the median of interleaved runs; NaN where it
                         // was not measured
};

struct Pruning {
  std::string data;
  std::int64_t examples = 0;
  Graph graph;  // the smaller network: inputs, outputs and names of nodes and tensors are those of
                // the one it came from
  std::vector<Tensor> weights;  // every tensor its nodes own
  std::vector<PrunedLayer> layers;
  std::int64_t dead = 0;       // units taken out that are dead,
  std::int64_t constant = 0;   // constant and folded into the biases of what reads them,
  std::int64_t duplicate = 0;  // merged with an equal unit,
  std::int64_t unread = 0;     // read by nothing, or by weights of 0 alone
  // Cut off at the sums that read them: they give the same numbers on every example.
  int branches = 0;
  std::vector<PruneObstacle> obstacles;
  NetworkCost before;
  NetworkCost after;
  double output_difference = 0.0;  // the largest of any output on the data
  double output_scale = 0.0;       // the largest output
  double tolerance = 0.0;

  std::int64_t removed() const { return dead + constant + duplicate + unread; }
  bool changed() const { return branches > 0 || after.parameters < before.parameters; }
  // Whether outputs are the same but for rounding; nothing else may be used in place of the
  // network.
  bool sound() const { return output_difference <= tolerance * output_scale; }
};

// Runs a network over `data`, inputs alone, and takes out of it what gives the same number on every
// example: units and channels with all that feeds only them, constants folded into the biases
// behind. Shapes shrink through weights, norms, pools, sums, joins and views; where that is not
// sound a unit stays. A layer keeps at least one unit. Inputs and outputs stay as they are.
// `weights` holds every tensor that a node owns; `data` holds for each example the values of all
// inputs, in their order. The network as it evaluates is what is judged and kept. Throws Error:
// kInvalidArgument for data that does not fit, kBadData for a tensor that is missing and for
// outputs that are not finite on the data.
Pruning prune(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data,
              const PruneSettings& settings = {});

}  // namespace undying

#endif  // UNDYING_PRUNE_H_
