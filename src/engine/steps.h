#ifndef UNDYING_ENGINE_STEPS_H_
#define UNDYING_ENGINE_STEPS_H_

// From the nodes of a graph to the steps of a plan: which nodes become one kernel (a layer, the
// norm folded into it, the activation behind it), and where a value must be reordered between two
// of them. A step's inputs are values, given by earlier steps or the batch.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/model.h"
#include "ops/operator.h"

namespace undying::engine {

// How a graph is compiled.
struct CompileOptions {
  std::int64_t capacity = 0;  // rows of a shard
  bool training = true;
  bool frozen = false;  // with training: dropout passes everything, batch norm keeps its running
                        // statistics, random slopes are their mean
  bool early_updates = false;
  Precision precision = Precision::kFloat32;
  std::set<int> exact;  // nodes compiled without shortcuts that depend on the values of parameters
  std::set<int>
      apart;  // nodes that nothing behind is fused with, so that what they give can be seen
};

// One kernel of a plan: a node, and the activation node behind it where it is fused; or a reorder
// of a value that lies otherwise than its user wants it.
struct Step {
  std::unique_ptr<ops::Kernel> kernel;
  std::string name;         // of the node, or of the value that is reordered
  std::string op;           // "linear + activation", "reorder"
  int node = -1;            // -1: a reorder
  int norm = -1;            // the folded batch norm
  int follower = -1;        // the fused activation
  int layer = -1;           // whose units it counts
  std::vector<int> inputs;  // indices of values
  int output = -1;
  std::vector<float*> parameters;
  std::vector<int> owned;     // indices into the model's parameters, as `parameters`
  bool trains = false;        // it has trained parameters and a gradient reaches it
  bool backward = false;      // it has a part in the backward pass
  bool early_update = false;  // its parameters are updated within the backward pass
};

// A value while a plan runs: an edge of the graph in one layout.
struct PlanValue {
  ops::Value value;
  std::int64_t size = 0;  // floats a row
  int producer = -1;      // a step; -1: an input of the graph
  std::vector<int> consumers;
  bool wanted = false;  // somebody upstream learns from its gradient
};

struct Compiled {
  std::vector<Step> steps;  // in the order they run forward
  std::vector<PlanValue> values;
  std::vector<int> inputs;   // values, in the order of the graph's inputs
  std::vector<int> outputs;  // values, plain, in the order of the graph's outputs
};

// For so many shards.
Compiled compile(Model& model, const CompileOptions& options, int shards);

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_STEPS_H_
