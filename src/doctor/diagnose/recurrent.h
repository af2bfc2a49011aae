#ifndef UNDYING_DOCTOR_DIAGNOSE_RECURRENT_H_
#define UNDYING_DOCTOR_DIAGNOSE_RECURRENT_H_

#include <vector>

#include "engine/model.h"
#include "undying/doctor.h"

namespace undying::doctor {

// Of every rnn, lstm and gru, in forward order: a unit is a hidden unit over all steps of all examples; its gates are computed again, from
// what goes into the layer and what comes out.
std::vector<RecurrentDiagnosis> judge_recurrent(const engine::Model& model, const Dataset& data, const DiagnoseSettings& settings);

// Adds what is wrong with them.
void find_in_recurrent(const engine::Model& model, const Diagnosis& diagnosis, std::vector<Finding>& findings);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_RECURRENT_H_
