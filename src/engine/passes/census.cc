#include "engine/passes/census.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace undying::engine {

Census::Census(std::int64_t units) {
  const auto size = static_cast<std::size_t>(units);
  for (auto* counts : {&fired, &gradient_zero, &saturated}) counts->assign(size, 0);
  for (auto* sums : {&abs_sum, &sum, &square_sum}) sums->assign(size, 0.0);
  max.assign(size, -std::numeric_limits<float>::infinity());
}

void Census::add(const Census& other) {
  for (std::size_t i = 0; i < max.size(); ++i) {
    fired[i] += other.fired[i];
    gradient_zero[i] += other.gradient_zero[i];
    saturated[i] += other.saturated[i];
    abs_sum[i] += other.abs_sum[i];
    sum[i] += other.sum[i];
    square_sum[i] += other.square_sum[i];
    max[i] = std::max(max[i], other.max[i]);
  }
}

void Census::pool(const std::vector<Layer>& layers) {
  for (auto* counts : {&fired, &gradient_zero, &saturated})
    engine::pool(layers, counts->data(), std::plus<>());
  for (auto* sums : {&abs_sum, &sum, &square_sum})
    engine::pool(layers, sums->data(), std::plus<>());
  engine::pool(layers, max.data(), [](float a, float b) { return std::max(a, b); });
}

void CensusObserver::begin(const Plan& plan) {
  model_ = &plan.model();
  lanes_.assign(static_cast<std::size_t>(plan.lanes()), Census(model_->unit_size()));
  counters_.clear();
  for (Census& census : lanes_) {
    auto& counters = counters_.emplace_back(plan.steps().size());
    for (std::size_t i = 0; i < counters.size(); ++i) {
      const int layer = plan.steps()[i].layer;
      if (layer < 0) continue;
      const std::int64_t at = model_->layers()[layer].offset;
      counters[i] = {census.fired.data() + at,     census.gradient_zero.data() + at,
                     census.saturated.data() + at, census.abs_sum.data() + at,
                     census.sum.data() + at,       census.square_sum.data() + at,
                     census.max.data() + at,       eps_};
    }
  }
}

void CensusObserver::before(const Chunk& chunk, int step) {
  const auto& counters = counters_[chunk.lane][step];
  if (counters.fired != nullptr) chunk.pass(step).census = &counters;
}

Census CensusObserver::total() const {
  Census all(model_->unit_size());
  for (Census lane : lanes_) {
    lane.pool(model_->layers());
    all.add(lane);
  }
  return all;
}

}  // namespace undying::engine
