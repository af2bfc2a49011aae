#ifndef UNDYING_DOCTOR_PRUNE_SHRINK_H_
#define UNDYING_DOCTOR_PRUNE_SHRINK_H_

#include <vector>

#include "doctor/prune/selection.h"
#include "undying/dataset.h"

namespace undying::doctor {

struct Shrunk {
  Graph graph;
  std::vector<Tensor> weights;
};

// The network without the units that are not selected: weights that read a constant have it in
// their bias, weights that read a unit with an equal one have both in one.
Shrunk shrink(const UnitFlow& flow, const UnitFacts& facts, const Selection& selection);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_PRUNE_SHRINK_H_
