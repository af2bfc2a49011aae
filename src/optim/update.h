#ifndef UNDYING_OPTIM_UPDATE_H_
#define UNDYING_OPTIM_UPDATE_H_

#include <cstdint>
#include <span>

#include "undying/optimizer.h"

namespace undying::optim {

// How many float arenas of state, each as long as the parameters, an optimizer carries, and the
// most that any does.
inline constexpr int kMostStates = 2;
int state_count(const Optimizer& optimizer);

// Whether a setting is usable (rate > 0, 0 <= momentum < 1, ...). Throws Error{kInvalidArgument}
// that names the setting.
void validate(const Optimizer& optimizer);

// One slice of the flat arenas.
// Adds strength * (w - towards) to the gradient: an L2 penalty of strength / 2 on the way from
// there.
struct Pull {
  const float* towards = nullptr;  // null: nothing pulls
  float strength = 0.0f;
};

struct UpdateArgs {
  std::int64_t n = 0;
  float* weights = nullptr;
  std::span<const float* const> gradients;  // one per shard; summed in this order, never written
  float* state[kMostStates] = {};
  double learning_rate = 0.0;   // as scheduled
  std::int64_t step = 1;        // 1-based, for Adam's bias correction
  bool decay = true;            // false: this tensor takes no weight decay
  double gradient_scale = 1.0;  // < 1 when clipped
  Pull pull;                    // clipped with the gradient, and part of its norm
};

struct SliceNorms {
  double gradient = 0.0;  // sum of squares of the summed gradient, before scaling and decay
  double update = 0.0;    // of delta theta
  double weight = 0.0;    // of theta before the update
};

// Sums the shards' gradients and applies the optimizer to a slice, in one pass. The result of an
// element depends on that element alone.
SliceNorms update(const Optimizer& optimizer, const UpdateArgs& args);

// The sum of squares of the summed gradient over a slice: for clipping, before update().
double gradient_square_sum(const UpdateArgs& args);

}  // namespace undying::optim

#endif  // UNDYING_OPTIM_UPDATE_H_
