#ifndef UNDYING_ENGINE_PASSES_ACTIVITY_H_
#define UNDYING_ENGINE_PASSES_ACTIVITY_H_

#include <cstdint>

#include "base/archive.h"
#include "base/buffer.h"
#include "engine/model.h"

namespace undying::engine {

// The counters of one training step, filled by the kernels: one entry a unit.
struct StepCounters {
  StepCounters() = default;
  explicit StepCounters(std::size_t units) : fired(units), abs_output(units), abs_gradient(units) {}

  void clear();

  Buffer<std::uint32_t> fired;
  Buffer<float> abs_output;
  Buffer<float> abs_gradient;
};

// What a run of training steps saw of each unit; steps count from 1 within the run. Each shard
// keeps its own, on the core that counts, and they are added up when somebody asks: passing
// counters between cores in every step costs more than counting.
struct Activity {
  Activity() = default;
  explicit Activity(std::size_t units)
      : fired(units),
        abs_output(units),
        abs_gradient(units),
        first_fired(units),
        last_fired(units) {}

  // Adds a step's counters and sets them to 0. `rows`: of the whole batch, by whose mean the
  // gradients are divided.
  void tally(StepCounters& counters, std::uint32_t step, std::int64_t rows);
  // Adds what another shard saw in the same steps.
  void add(const Activity& other);
  // One entry a unit (engine/model.h).
  void pool(const std::vector<Layer>& layers);
  void clear();
  void each_state(Archive& archive);

  Buffer<std::uint64_t> fired;        // examples (x positions) with z above the firing threshold
  Buffer<double> abs_output;          // sum of |h|
  Buffer<double> abs_gradient;        // sum of |dL/dz|, L the loss of one example
  Buffer<std::uint32_t> first_fired;  // a step; 0: in none
  Buffer<std::uint32_t> last_fired;
  std::int64_t examples = 0;
};

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_PASSES_ACTIVITY_H_
