#ifndef UNDYING_DOCTOR_REVIVE_ACTING_H_
#define UNDYING_DOCTOR_REVIVE_ACTING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "undying/doctor.h"

namespace undying::doctor {

// Where remedies are tried.
struct Place {
  const Graph& graph;
  bool has_dead = false;             // units
  std::ptrdiff_t largest_layer = 1;  // in units
  std::int64_t steps = 0;            // of a run
};

// What of a remedy has something to act on there: the same text, the same trial, and the control's
// is empty. And why the rest has not.
struct Acting {
  std::string parts;
  std::vector<std::string> idle;
};

Acting acting(const Remedy& remedy, const Place& place);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_REVIVE_ACTING_H_
