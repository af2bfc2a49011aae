#include "health/judge.h"

#include <algorithm>
#include <cmath>

namespace undying {

bool saturates(const Activation& activation) {
  if (activation.info().width != 1) return false;
  return activation.derivative(1e6f) == 0.0f ||
         (!activation.can_be_dead() && activation.derivative(-1e6f) == 0.0f);
}

}  // namespace undying

namespace undying::health {
namespace {

bool numerically_zero(const Counts& counts) { return counts.abs_mean < kNumericallyZero; }

// Fires nowhere; or only with numbers that count as 0. (Where f' is 0 wherever it does not fire,
// what fires is all that it gives.)
bool is_silent(const Counts& counts) {
  if (counts.fired == 0) return true;
  const bool zero_elsewhere = counts.gradient_zero + counts.fired == counts.n;
  return std::fabs(counts.max) < kNumericallyZero && (numerically_zero(counts) || !zero_elsewhere);
}

}  // namespace

Counts counts_of(const engine::Layer& layer, const engine::Census& census, std::int64_t unit,
                 std::int64_t examples) {
  const auto i = static_cast<std::size_t>(layer.offset + unit);
  const std::int64_t n = examples * layer.positions;
  const auto count = static_cast<double>(n);
  return {.n = n,
          .fired = census.fired[i],
          .gradient_zero = census.gradient_zero[i],
          .saturated = census.saturated[i],
          .abs_mean = census.abs_sum[i] / count,
          .mean = census.sum[i] / count,
          .square_mean = census.square_sum[i] / count,
          .max = census.max[i]};
}

// An exact 0 by the activation's definition; or the tail of a smooth one (gelu, sigmoid), whose
// slope is the largest at the largest z.
UnitState state_of(const Counts& counts, const Activation& activation) {
  if (!is_silent(counts))
    return counts.fired == counts.n ? UnitState::kAlwaysPositive : UnitState::kAlive;
  const bool by_definition = counts.gradient_zero + counts.fired == counts.n;
  const bool by_underflow =
      numerically_zero(counts) && !activation.info().learned &&
      std::fabs(activation.derivative(static_cast<float>(counts.max))) < kNoSlope;
  return by_definition || by_underflow ? UnitState::kDead : UnitState::kAlwaysNegative;
}

// One output on D has the value that the largest z gives, and no variance. Neither alone says it:
// float32 sums hide what varies little, and the largest may be one of many that are equal.
bool is_constant(const Counts& counts, const Activation& activation) {
  if (state_of(counts, activation) == UnitState::kDead) return false;
  const double variance = std::fabs(counts.square_mean - counts.mean * counts.mean);
  if (!(variance <= kConstantTolerance * counts.square_mean)) return false;
  if (activation.info().learned || activation.info().width != 1)
    return true;  // its slope is not known here; two outputs a unit
  const double largest = activation.value(static_cast<float>(counts.max));
  return std::fabs(counts.mean - largest) <= kConstantTolerance * std::fabs(largest);
}

double saturated_share(const Counts& counts, const Activation& activation) {
  const bool ceiling = saturates(activation) && activation.derivative(-1.0f) == 0.0f;  // relu6
  const std::int64_t silent = ceiling ? counts.n - counts.fired : 0;
  return static_cast<double>(counts.saturated - silent) / static_cast<double>(counts.n);
}

bool is_saturated(const Counts& counts, const Activation& activation) {
  return saturates(activation) && state_of(counts, activation) != UnitState::kDead &&
         saturated_share(counts, activation) >= kSaturatedShare;
}

bool is_dormant(const Counts& counts, const Activation& activation, double layer_abs_mean,
                double tau) {
  const UnitState state = state_of(counts, activation);
  return (state == UnitState::kAlive || state == UnitState::kAlwaysPositive) &&
         counts.abs_mean <= tau * layer_abs_mean;
}

std::int64_t LayerJudgement::count(UnitState state) const {
  return std::ranges::count(units, state, &UnitJudgement::state);
}
std::int64_t LayerJudgement::count(bool UnitJudgement::*flag) const {
  return std::ranges::count(units, true, flag);
}

LayerJudgement judge(const engine::Layer& layer, const engine::Census& census,
                     std::int64_t examples, double dormant_tau) {
  LayerJudgement found{.n = examples * layer.positions};
  const auto units = static_cast<double>(layer.units);
  double abs_mean = 0.0, square_mean = 0.0;
  for (std::int64_t unit = 0; unit < layer.units; ++unit) {
    const Counts counts = counts_of(layer, census, unit, examples);
    found.units.push_back(
        {.counts = counts,
         .state = state_of(counts, layer.activation),
         .constant = is_constant(counts, layer.activation),
         .saturated = is_saturated(counts, layer.activation),
         .firing_rate = static_cast<double>(counts.fired) / static_cast<double>(counts.n)});
    abs_mean += counts.abs_mean;
    square_mean += counts.square_mean;
    found.firing_rate += found.units.back().firing_rate;
    found.saturated += static_cast<double>(counts.saturated) / static_cast<double>(counts.n);
    found.signal_mean += counts.mean;
  }
  for (double* sum :
       {&abs_mean, &square_mean, &found.firing_rate, &found.saturated, &found.signal_mean})
    *sum /= units;
  found.signal_variance = square_mean - found.signal_mean * found.signal_mean;
  if (found.signal_variance < 0.0)
    found.signal_variance = 0.0;  // rounding; not where it is not a number
  for (UnitJudgement& unit : found.units)
    unit.dormant = is_dormant(unit.counts, layer.activation, abs_mean, dormant_tau);
  return found;
}

std::int64_t dead_units(const std::vector<engine::Layer>& layers, const engine::Census& census,
                        std::int64_t examples) {
  std::int64_t dead = 0;
  for (const engine::Layer& layer : layers)
    for (std::int64_t unit = 0; unit < layer.units; ++unit)
      dead +=
          state_of(counts_of(layer, census, unit, examples), layer.activation) == UnitState::kDead;
  return dead;
}

}  // namespace undying::health
