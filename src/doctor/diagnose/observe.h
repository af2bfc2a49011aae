#ifndef UNDYING_DOCTOR_DIAGNOSE_OBSERVE_H_
#define UNDYING_DOCTOR_DIAGNOSE_OBSERVE_H_

// The passes over D, all there are: what is seen of a network with frozen weights in evaluation
// mode is gathered here, and judged elsewhere.

#include <optional>
#include <vector>

#include "engine/passes/census.h"
#include "engine/passes/gradients.h"
#include "engine/wiring.h"
#include "health/rank.h"
#include "undying/doctor.h"

namespace undying::doctor {

// All that is seen of a network over D, weights frozen, in evaluation mode. What follows judges it
// and sees nothing else.
struct Observation {
  std::int64_t examples = 0;
  engine::Census census{0};
  std::optional<engine::Gradients> gradients;  // none without targets
  std::vector<health::SampledRank> rank;       // by layer; NaN: not measured
  std::int64_t rank_rows = 0;
  std::vector<std::vector<std::uint8_t>> never_wins;  // by layer and unit; empty without a max pool
  std::vector<RecurrentDiagnosis> recurrent;
  bool inputs_vary = true;  // over D
  InputScale scale;
  std::vector<DataPass> passes;  // that were made
};

// One pass over D, forward and, where D has targets, back; another forward where the scale of the
// inputs is suspected.
Observation observe(engine::Model& model, const std::vector<engine::Wiring>& wirings,
                    const Dataset& data, Loss loss, const DiagnoseSettings& settings);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_OBSERVE_H_
