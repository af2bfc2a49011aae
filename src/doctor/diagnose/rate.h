#ifndef UNDYING_DOCTOR_DIAGNOSE_RATE_H_
#define UNDYING_DOCTOR_DIAGNOSE_RATE_H_

#include <optional>

#include "undying/doctor.h"
#include "undying/run.h"

namespace undying::doctor {

// What the updates on record of a run that learned nothing or diverged say of its learning rate;
// empty: nothing, the rate is in the usual range, or something else is at fault, as where every
// unit of a layer is dead. Thresholds: see docs/evidence/planted-faults.md.
std::optional<Finding> rate_finding(const Run& run);

// At which the first update on record would have moved the weights by a thousandth of their norm,
// as is usual; none where no update says.
std::optional<double> usual_rate(const Run& run);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_RATE_H_
