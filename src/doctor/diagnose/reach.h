#ifndef UNDYING_DOCTOR_DIAGNOSE_REACH_H_
#define UNDYING_DOCTOR_DIAGNOSE_REACH_H_

#include <optional>

#include "engine/model.h"
#include "undying/doctor.h"

namespace undying::doctor {

// The least interval that holds every output of an activation, from its own definition; to 1e-4
// where a bound lies between kinks (gelu).
Interval range_of(const Activation& activation);

// What bounds the output of a network, judged from the operators at its end; empty where nothing
// does or D has no targets.
std::optional<OutputReach> reach_of(const engine::Model& model, const Dataset& data, Loss loss);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_REACH_H_
