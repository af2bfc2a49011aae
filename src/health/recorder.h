#ifndef UNDYING_HEALTH_RECORDER_H_
#define UNDYING_HEALTH_RECORDER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "undying/health.h"

namespace undying::health {

// Of one parameter in one step.
struct Norms {
  double gradient = 0.0;
  double update = 0.0;
  double weight = 0.0;
};

// Keeps the ledger of a run: told every step's counters and every census, it dates deaths and revivals.
//
// A census alone makes a death (z <= 0 and f' = 0 on all of D, weights frozen); the counters only date it, at the step that began the
// silence that led to it. The first firing after a confirmed death is a revival; where training does not compute what evaluation does
// (dropout's masks, batch norm's statistics), a firing in training proves nothing, and revivals are dated by census too.
class Recorder {
 public:
  Recorder(const engine::Model& model, const HealthSettings& settings, std::string data, std::int64_t examples);

  // The counters of step `step` (1 for the first), over `rows` examples.
  void step(std::int64_t step, std::int64_t rows, const engine::StepCounters& counters);
  // The norms of that step, one a parameter of the model.
  void norms(std::span<const Norms> norms);
  // A census after `step` steps.
  void census(std::int64_t step, const engine::Census& census);

  const Ledger& ledger() const { return ledger_; }

 private:
  struct Sums {  // since the census before, one entry a unit
    std::vector<std::uint64_t> fired;
    std::vector<double> abs_gradient;
    std::int64_t examples = 0;
    std::vector<Norms> norms;  // one a parameter
    std::int64_t steps = 0;
  };

  void revive(std::int64_t step, const engine::StepCounters& counters);
  LayerHealth census_of(std::int64_t step, std::size_t layer, const engine::Census& census);
  void judge(std::int64_t step, std::size_t layer, std::int64_t unit, const engine::Census& census, LayerHealth& health);
  void fill_norms(std::size_t layer, LayerHealth& health) const;
  double gradient_norm_ratio() const;
  void reset_sums();

  const engine::Model* model_;
  HealthSettings settings_;
  Ledger ledger_;
  std::vector<std::uint32_t> dead_;         // 1: confirmed dead and not seen firing since
  std::vector<std::uint32_t> last_active_;  // the last step, or census, at which the unit fired
  bool training_differs_ = false;
  Sums sums_;
};

}  // namespace undying::health

#endif  // UNDYING_HEALTH_RECORDER_H_
