#ifndef UNDYING_DOCTOR_PRUNE_BRANCHES_H_
#define UNDYING_DOCTOR_PRUNE_BRANCHES_H_

#include <vector>

#include "doctor/prune/unit_facts.h"
#include "doctor/prune/unit_flow.h"
#include "undying/dataset.h"
#include "undying/graph.h"

namespace undying::doctor {

// A network whose sums do not read what gives the same numbers on every example, as a residual
// branch does whose layers are dead: such a sum reads a constant instead, or where that is 0 what
// reads the sum reads its other operand. What only the branch needed is cut off.
struct Trimmed {
  Graph graph;
  std::vector<Tensor> weights;
  int branches = 0;  // that are gone; 0: the network is as it was
};
Trimmed trim_branches(const UnitFlow& flow, const UnitFacts& facts);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_PRUNE_BRANCHES_H_
