#ifndef UNDYING_PLAN_H_
#define UNDYING_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "undying/node.h"

namespace undying {

// One kernel of the compiled training plan, in the order they run forward.
struct PlanStep {
  std::string name;  // of the node; of a reorder, of what it reorders
  std::string op;    // with what is fused: "linear + leaky_relu:0.01"; "reorder" changes a layout
  Shape shape;       // of its output, for one example
  bool channels_last = false;  // its output's layout
  bool in_place = false;       // its output lies where its first input lay
  std::int64_t bytes = 0;  // of memory of its own, over all shards: output where not in place, and
                           // what is kept for the backward pass
  std::string implementation;  // what runs, where there is a choice
};

struct PlanSummary {
  std::vector<PlanStep> steps;
  int reorders = 0;  // that copy
  // Values, gradients of values and work space, over all shards, buffers shared by lifetime.
  std::int64_t arena_bytes = 0;
  std::int64_t unshared_bytes = 0;   // the same if no buffer were used twice
  std::int64_t gradient_bytes = 0;   // of parameters, over all shards
  std::int64_t parameter_bytes = 0;  // trained ones
};

}  // namespace undying

#endif  // UNDYING_PLAN_H_
