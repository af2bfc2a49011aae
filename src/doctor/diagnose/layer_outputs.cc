#include "doctor/diagnose/layer_outputs.h"

#include <algorithm>
#include <limits>

namespace undying::doctor {

std::int64_t element_of(const engine::Model& model, const engine::Layer& layer, std::int64_t unit,
                        std::int64_t position) {
  const bool channels_last = model.node_values()[layer.node].layout == ops::Layout::kChannelsLast;
  return channels_last ? unit * layer.positions + position : layer.place(unit, position);
}

void RangeObserver::begin(const engine::Plan& plan) {
  plan_ = &plan;
  const auto units = static_cast<std::size_t>(model_.unit_size());
  const Range none{std::vector<float>(units, std::numeric_limits<float>::max()),
                   std::vector<float>(units, std::numeric_limits<float>::lowest())};
  lanes_.assign(static_cast<std::size_t>(plan.lanes()), none);
}

void RangeObserver::after(const engine::Chunk& chunk, int step) {
  const int l = plan_->steps()[step].layer;
  if (l < 0) return;
  const engine::Layer& layer = model_.layers()[l];
  if (layer.activation.info().width != 1) return;
  Range& range = lanes_[chunk.lane];
  const float* h = chunk.pass(step).dst;
  for (std::int64_t row = 0; row < chunk.rows; ++row, h += layer.units * layer.positions)
    for (std::int64_t position = 0; position < layer.positions; ++position)
      for (std::int64_t unit = 0; unit < layer.units; ++unit) {
        const float value = h[layer.place(unit, position)];
        const auto at = static_cast<std::size_t>(layer.offset + unit);
        range.least[at] = std::min(range.least[at], value);
        range.most[at] = std::max(range.most[at], value);
      }
}

std::pair<float, float> RangeObserver::of(std::size_t layer, std::int64_t unit) const {
  const auto at = static_cast<std::size_t>(model_.layers()[layer].offset + unit);
  std::pair<float, float> all{std::numeric_limits<float>::max(),
                              std::numeric_limits<float>::lowest()};
  for (const Range& lane : lanes_)
    all = {std::min(all.first, lane.least[at]), std::max(all.second, lane.most[at])};
  return all;
}

}  // namespace undying::doctor
