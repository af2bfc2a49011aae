#ifndef UNDYING_DOCTOR_DIAGNOSE_OBSERVE_H_
#define UNDYING_DOCTOR_DIAGNOSE_OBSERVE_H_

// The passes over D, all there are: what is seen of a network with frozen weights in evaluation mode is gathered here, and judged elsewhere.

#include <optional>
#include <vector>

#include "doctor/diagnose/wiring.h"
#include "engine/gradients.h"
#include "undying/doctor.h"

namespace undying::doctor {

// All that is seen of a network over D, weights frozen, in evaluation mode. What follows judges it and sees nothing else.
struct Observation {
  std::int64_t examples = 0;
  engine::Census census{0};
  std::optional<engine::Gradients> gradients;  // none without targets
  std::vector<double> rank;                    // by layer; NaN: not measured
  std::int64_t rank_rows = 0;
  std::vector<std::vector<std::uint8_t>> never_wins;  // by layer and unit; empty without a max pool
  bool inputs_vary = true;                            // over D
  InputScale scale;
};

Observation observe(engine::Model& model, const std::vector<Wiring>& wirings, const Dataset& data, Loss loss,
                    const DiagnoseSettings& settings);

// Of each unit of `layer`, with a max pool behind: whether it fires in these examples and is the largest of no window.
std::vector<std::uint8_t> pool_losers(const engine::Model& model, const engine::Layer& layer, int pool, const Dataset& data,
                                      std::span<const std::uint32_t> examples);

// Where a unit stands at a position, in the plain order of the output of the layer's activation.
std::int64_t element_of(const engine::Model& model, const engine::Layer& layer, std::int64_t unit, std::int64_t position);

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_OBSERVE_H_
