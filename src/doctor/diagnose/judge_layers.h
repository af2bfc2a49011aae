#ifndef UNDYING_DOCTOR_DIAGNOSE_JUDGE_LAYERS_H_
#define UNDYING_DOCTOR_DIAGNOSE_JUDGE_LAYERS_H_

// What was observed of a network, judged: states of units by health/judge.h, figures of layers,
// findings with their causes. Nothing here runs a network.

#include <string_view>
#include <vector>

#include "doctor/diagnose/observe.h"

namespace undying::doctor {

// From what was seen to the states of units and the figures of layers. Pure.
std::vector<LayerDiagnosis> judge_layers(const engine::Model& model,
                                         const std::vector<engine::Wiring>& wirings,
                                         const Observation& seen, const DiagnoseSettings& settings);

// Of every weight tensor, in forward order; empty without gradients.
std::vector<GradientNorm> gradient_norms(const engine::Model& model, const Observation& seen);

// Adds what the data and the loss are to blame for: the scale of the inputs, targets out of reach,
// a wrong loss, nothing learned.
void find_in_data(const Diagnosis& diagnosis, std::vector<Finding>& findings);

// "10.68% does not beat 10.68% (always naming class 1), an answer that looks at no input": of a
// score that does not.
std::string not_learned_text(const Baseline& baseline, double score);

// Of a layer: nothing of the input passes, and no gradient comes back.
bool all_dead(const std::vector<UnitLife>& lives);

// "1 of 64 units fires", "2 of 64 units fire".
template <class Count>
std::string_view verb(Count count, std::string_view of_one, std::string_view of_more) {
  return count == 1 ? of_one : of_more;
}

// From states and figures to findings, the most costly first.
std::vector<Finding> find(const engine::Model& model, const std::vector<engine::Wiring>& wirings,
                          const Observation& seen, const Diagnosis& diagnosis);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_JUDGE_LAYERS_H_
