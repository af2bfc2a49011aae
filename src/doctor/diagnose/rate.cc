#include "doctor/diagnose/rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "doctor/diagnose/finding_names.h"
#include "doctor/diagnose/judge_layers.h"
#include "trial/statistics.h"

namespace undying::doctor {
namespace {

constexpr double kLargeUpdate = 0.1;      // of the weights' norm, in one step
constexpr double kNotMoved = 1e-3;        // of the weights' norm, by all steps together
constexpr double kUsualGradient = 100.0;  // a larger one explodes, whatever the rate
// The same before the first update: it is the network that explodes, or its inputs.
constexpr double kExplodesFromTheStart = 3000.0;
// Of the loss: what gradient descent at this rate takes off it at first order. Weights that are
// huge do not move against their norm, and more of the same rate would not help them.
constexpr double kNothingPromised = 0.01;

std::optional<Finding> too_large(const std::vector<StepRecord>& steps) {
  const auto first = std::ranges::find_if(
      steps, [](const StepRecord& step) { return !(step.update_ratio < kLargeUpdate); });
  if (first == steps.end() || !(steps.front().gradient_norm < kExplodesFromTheStart))
    return std::nullopt;
  return Finding{
      .what = std::string(kRateTooLarge),
      .cost = 1.0,
      .evidence = fmt::format("the update of step {} moved the weights by {:.2g} of their norm, at "
                              "a rate of {:.2g}; some thousandths are usual",
                              first->step, first->update_ratio, first->learning_rate),
      .remedy = "a --lr 10, 100 or more times smaller, or inputs at unit scale where they are not"};
}

std::optional<Finding> too_small(const Run& run) {
  double moved = 0.0, promised = 0.0, loss = 0.0;
  std::vector<double> norms;
  for (const StepRecord& step : run.steps) {
    moved += step.update_ratio;
    promised += step.learning_rate * step.gradient_norm * step.gradient_norm;
    loss += step.loss;
    norms.push_back(step.gradient_norm);
  }
  const auto recorded = static_cast<double>(run.steps.size());
  const std::int64_t taken = run.steps.back().step;
  const double steps_each = static_cast<double>(taken) / recorded;
  const double gradient = trial::median_of(std::move(norms));
  if (!(moved * steps_each < kNotMoved && gradient > 0.0 && gradient < kUsualGradient &&
        promised * steps_each < kNothingPromised * loss / recorded))
    return std::nullopt;
  return Finding{.what = std::string(kRateTooSmall),
                 .cost = 1.0,
                 .evidence = fmt::format(
                     "all {} updates together moved the weights by at most {:.2g} of their norm, "
                     "at a rate of {:.2g} and gradient norms about {:.2g}",
                     taken, moved * steps_each, run.steps.back().learning_rate, gradient),
                 .remedy = "a larger --lr, or many more steps"};
}

}  // namespace

std::optional<Finding> rate_finding(const Run& run) {
  if (run.steps.empty()) return std::nullopt;
  if (auto large = too_large(run.steps)) return large;
  // Behind a layer that is dead nothing moves at any rate.
  if (std::ranges::any_of(run.ledger.lives, all_dead)) return std::nullopt;
  return too_small(run);
}

std::optional<double> usual_rate(const Run& run) {
  constexpr double kUsualUpdate = 1e-3;
  for (const StepRecord& step : run.steps)
    if (std::isfinite(step.update_ratio) && step.update_ratio > 0.0 && step.learning_rate > 0.0)
      return step.learning_rate * kUsualUpdate / step.update_ratio;
  return std::nullopt;
}

}  // namespace undying::doctor
