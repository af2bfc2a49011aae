#include "doctor/diagnose/layer_outputs.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "base/workers.h"
#include "doctor/network.h"

namespace undying::doctor {
namespace {

constexpr std::int64_t kMostUnits = 4096;  // of a layer whose rank is taken from all of its units

}  // namespace

std::int64_t place_of(const engine::Layer& layer, std::int64_t unit, std::int64_t position) {
  if (layer.counted == engine::Layer::Counted::kByUnit) return unit * layer.positions + position;
  return position * layer.units * layer.activation.info().width + unit;
}

std::int64_t element_of(const engine::Model& model, const engine::Layer& layer, std::int64_t unit,
                        std::int64_t position) {
  const bool channels_last = model.node_values()[layer.node].layout == ops::Layout::kChannelsLast;
  return channels_last ? unit * layer.positions + position : place_of(layer, unit, position);
}

RankObserver::RankObserver(const engine::Model& model, std::span<const std::uint32_t> sample)
    : model_(model), sample_(sample) {
  for (const engine::Layer& layer : model.layers()) {
    Matrix& matrix = matrices_.emplace_back();
    for (const std::uint32_t unit : evenly_spaced(layer.units, kMostUnits))
      matrix.units.push_back(unit);
    matrix.values.resize(sample.size() * matrix.units.size());
  }
}

void RankObserver::after(const engine::Chunk& chunk, int step) {
  const int l = plan_->steps()[step].layer;
  if (l < 0) return;
  const engine::Layer& layer = model_.layers()[l];
  Matrix& matrix = matrices_[l];
  const std::int64_t size = layer.units * layer.positions * layer.activation.info().width;
  auto at = std::ranges::lower_bound(sample_, chunk.first) - sample_.begin();
  for (; at < std::ssize(sample_) && sample_[at] < chunk.first + chunk.rows; ++at) {
    const float* h = chunk.pass(step).dst + (sample_[at] - chunk.first) * size;
    float* to = matrix.values.data() + at * std::ssize(matrix.units);
    const std::int64_t position = at * 7919 % layer.positions;
    for (const std::int64_t unit : matrix.units) *to++ = h[place_of(layer, unit, position)];
  }
}

std::vector<SampledRank> RankObserver::ranks(int threads) const {
  std::vector<SampledRank> all(matrices_.size());
  std::atomic<std::size_t> next{0};
  Workers(threads).run([&](int) {
    for (std::size_t l = next++; l < all.size(); l = next++) {
      const Matrix& matrix = matrices_[l];
      const auto rows = std::ssize(sample_);
      const auto columns = std::ssize(matrix.units);
      if (columns < model_.layers()[l].units)
        all[l] = sampled_rank(matrix.values, rows, columns);
      else
        all[l].rank = effective_rank(matrix.values, rows, columns);
    }
  });
  return all;
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
        const float value = h[place_of(layer, unit, position)];
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
