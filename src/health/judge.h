#ifndef UNDYING_HEALTH_JUDGE_H_
#define UNDYING_HEALTH_JUDGE_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "engine/engine.h"
#include "undying/health.h"

// What a unit is: the place that says what dead, locked, dormant, constant and saturated mean
// (docs/numerics.md). Pure: from the counts of a census, the whole of D with frozen weights in
// evaluation mode, and what is known of the activation.
namespace undying::health {

// An output below the smallest normal float32 counts as 0: little of it survives a product with a
// weight, and nothing the products after.
inline constexpr double kNumericallyZero = std::numeric_limits<float>::min();
// |f'| below it, where the output counts as 0, passes no gradient.
inline constexpr double kNoSlope = 1e-30;
inline constexpr double kSaturatedShare = 0.95;  // of D, from which a unit is called saturated
// Relative: what float32 sums of equal numbers are good to.
inline constexpr double kConstantTolerance = 1e-6;

// What a census counted of one unit.
struct Counts {
  std::int64_t n = 0;              // examples x positions
  std::int64_t fired = 0;          // with z above the firing threshold
  std::int64_t gradient_zero = 0;  // with f'(z) exactly 0
  std::int64_t saturated = 0;      // with |f'(z)| < eps
  double abs_mean = 0.0;           // E|h|
  double mean = 0.0;               // E h
  double square_mean = 0.0;        // E h^2
  double max = 0.0;                // of z
};
Counts counts_of(const engine::Layer& layer, const engine::Census& census, std::int64_t unit,
                 std::int64_t examples);

UnitState state_of(const Counts& counts, const Activation& activation);

// The same output on the whole of D, and not dead.
bool is_constant(const Counts& counts, const Activation& activation);

// Share of D on which the unit is saturated: |f'| < eps, the silence below 0 of an activation with
// a ceiling aside.
double saturated_share(const Counts& counts, const Activation& activation);
bool is_saturated(const Counts& counts, const Activation& activation);

// E|h| <= tau times the mean of the layer's units, and neither dead nor always negative.
bool is_dormant(const Counts& counts, const Activation& activation, double layer_abs_mean,
                double tau);

// A dead unit is locked where no number that its z depends on has a gradient over D, and revivable
// otherwise: `own`, whether one of its own weights and biases has; `below`, whether one that its
// inputs depend on has, and its weights let anything of them through.
inline bool is_locked(UnitState state, bool own, bool below) {
  return state == UnitState::kDead && !own && !below;
}

struct UnitJudgement {
  Counts counts;
  UnitState state = UnitState::kAlive;
  bool dormant = false;
  bool constant = false;
  bool saturated = false;
  double firing_rate = 0.0;
};

struct LayerJudgement {
  std::int64_t n = 0;
  std::vector<UnitJudgement> units;
  double firing_rate = 0.0;  // mean over units
  double saturated = 0.0;    // share of (unit, example) with |f'| < eps
  double signal_mean = 0.0;  // of h over units and D
  double signal_variance = 0.0;

  std::int64_t count(UnitState state) const;
  std::int64_t count(bool UnitJudgement::*flag) const;
};
LayerJudgement judge(const engine::Layer& layer, const engine::Census& census,
                     std::int64_t examples, double dormant_tau);

// Dead units of all layers.
std::int64_t dead_units(const std::vector<engine::Layer>& layers, const engine::Census& census,
                        std::int64_t examples);

}  // namespace undying::health

#endif  // UNDYING_HEALTH_JUDGE_H_
