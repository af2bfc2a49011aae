#include "doctor/revive/unit_moments.h"

#include <algorithm>
#include <cmath>

#include "base/evenly_spaced.h"
#include "doctor/network.h"
#include "engine/passes/layer_walk.h"
#include "train/source.h"

namespace undying::doctor {

std::int64_t Sampled::examples() const { return std::min(data->size, most); }

void UnitMoments::add(const float* values, std::int64_t lines) {
  const std::size_t units = sums_.size();
  for (std::int64_t line = 0; line < lines; ++line, values += units)
    for (std::size_t unit = 0; unit < units; ++unit) {
      const double value = values[unit];
      sums_[unit] += value;
      squares_[unit] += value * value;
    }
  lines_ += lines;
}

void UnitMoments::add(const UnitMoments& other) {
  for (std::size_t unit = 0; unit < sums_.size(); ++unit) {
    sums_[unit] += other.sums_[unit];
    squares_[unit] += other.squares_[unit];
  }
  lines_ += other.lines_;
}

double UnitMoments::variance(std::int64_t unit) const {
  const double mean_square = squares_[unit] / static_cast<double>(lines_);
  return std::fmax(0.0, mean_square - mean(unit) * mean(unit));
}

void walk(const char* what, engine::Model& model, const std::vector<int>& nodes,
          const Sampled& sampled,
          const std::function<std::vector<float>(int node, const UnitMoments& moments)>& settle) {
  if (nodes.empty()) return;
  if (sampled.passes != nullptr)
    sampled.passes->add({.what = what, .examples = sampled.examples()});
  const std::vector<std::uint32_t> sample = evenly_spaced(sampled.data->size, sampled.most);
  const train::DatasetSource source(*sampled.data, sample);
  engine::LayerWalk layers(model, source, std::ssize(sample),
                           {.nodes = nodes, .threads = sampled.threads, .memory = sampled.memory});
  for (const int node : nodes) {
    const ops::Value& value = model.node_values()[node];
    const std::int64_t positions = ops::position_count(value);
    std::vector<UnitMoments> chunks(static_cast<std::size_t>(layers.chunks()),
                                    UnitMoments(ops::unit_count(value)));
    layers.advance([&](std::int64_t chunk, std::int64_t rows, const float* values) {
      chunks[chunk].add(values, rows * positions);
    });
    for (std::size_t i = 1; i < chunks.size(); ++i) chunks[0].add(chunks[i]);
    layers.settle(settle(node, chunks[0]));
  }
}

}  // namespace undying::doctor
