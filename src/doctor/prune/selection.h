#ifndef UNDYING_DOCTOR_PRUNE_SELECTION_H_
#define UNDYING_DOCTOR_PRUNE_SELECTION_H_

#include <string>
#include <vector>

#include "doctor/prune/unit_facts.h"

namespace undying::doctor {

// Which units a network needs for its outputs, where weights may read a constant as part of their
// bias and an equal unit in place of another. By entry.
struct Selection {
  std::vector<bool> kept;
  std::vector<bool>
      blank;  // kept for a layer must have a unit: nothing needs its value, and its weights are 0
  std::vector<std::string>
      why;  // of what is kept: what it was first needed for; "" for the values themselves
};

Selection select(const UnitFlow& flow, const UnitFacts& facts);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_PRUNE_SELECTION_H_
