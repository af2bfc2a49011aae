#ifndef UNDYING_DOCTOR_PRUNE_UNIT_FACTS_H_
#define UNDYING_DOCTOR_PRUNE_UNIT_FACTS_H_

#include <cmath>
#include <vector>

#include "doctor/prune/unit_flow.h"

namespace undying::doctor {

// What the values of units are, by entry.
struct UnitFacts {
  std::vector<double>
      value;              // on every example, at every position; NaN: it varies, or nobody knows
  std::vector<int> same;  // the first entry of the same node that is always equal; itself where
                          // there is none before

  bool constant(int entry) const { return !std::isnan(value[entry]); }
};

// From what was measured of some units (by entry, NaN elsewhere) to what follows for others: of
// pools, norms, sums of what is constant. `equals`: units with equal weights are looked for, and
// what follows from those.
UnitFacts facts_of(const UnitFlow& flow, const std::vector<double>& measured, bool equals);

// Whether the weights of a node may read this entry as its constant: part of the bias.
bool folds(const UnitFlow& flow, const UnitFacts& facts, int node, int entry);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_PRUNE_UNIT_FACTS_H_
