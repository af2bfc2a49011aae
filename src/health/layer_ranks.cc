#include "health/layer_ranks.h"

#include <algorithm>
#include <atomic>

#include "base/evenly_spaced.h"
#include "base/workers.h"

namespace undying::health {
namespace {

constexpr std::int64_t kMostUnits = 4096;  // of a layer whose rank is taken from all of its units

}  // namespace

RankObserver::RankObserver(const engine::Model& model, std::span<const std::uint32_t> sample)
    : model_(model), sample_(sample) {
  for (const engine::Layer& layer : model.layers()) {
    Matrix& matrix = matrices_.emplace_back();
    for (const std::uint32_t unit : evenly_spaced(layer.units, kMostUnits))
      matrix.units.push_back(unit);
    matrix.columns = std::ssize(matrix.units) * layer.activation.info().width;
    matrix.values.resize(sample.size() * static_cast<std::size_t>(matrix.columns));
  }
}

void RankObserver::after(const engine::Chunk& chunk, int step) {
  const int l = plan_->steps()[step].layer;
  if (l < 0) return;
  const engine::Layer& layer = model_.layers()[l];
  Matrix& matrix = matrices_[l];
  const std::int64_t width = layer.activation.info().width;
  const std::int64_t size = layer.units * layer.positions * width;
  const std::int64_t apart = layer.counted == engine::Layer::Counted::kByUnit
                                 ? layer.units * layer.positions
                                 : layer.units;
  auto at = std::ranges::lower_bound(sample_, chunk.first) - sample_.begin();
  for (; at < std::ssize(sample_) && sample_[at] < chunk.first + chunk.rows; ++at) {
    const float* h = chunk.pass(step).dst + (sample_[at] - chunk.first) * size;
    float* to = matrix.values.data() + at * matrix.columns;
    const std::int64_t position = at * 7919 % layer.positions;
    for (std::int64_t k = 0; k < width; ++k)
      for (const std::int64_t unit : matrix.units)
        *to++ = h[k * apart + layer.place(unit, position)];
  }
}

std::vector<SampledRank> RankObserver::ranks(int threads) const {
  std::vector<SampledRank> all(matrices_.size());
  std::atomic<std::size_t> next{0};
  Workers(threads).run([&](int) {
    for (std::size_t l = next++; l < all.size(); l = next++) {
      const Matrix& matrix = matrices_[l];
      const auto rows = std::ssize(sample_);
      if (std::ssize(matrix.units) < model_.layers()[l].units)
        all[l] = sampled_rank(matrix.values, rows, matrix.columns);
      else
        all[l].rank = effective_rank(matrix.values, rows, matrix.columns);
    }
  });
  return all;
}

}  // namespace undying::health
