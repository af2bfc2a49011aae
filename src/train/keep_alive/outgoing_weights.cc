#include "train/keep_alive/outgoing_weights.h"

#include <algorithm>
#include <cmath>

namespace undying::train {
namespace {

// Adds the sizes of `count` numbers of a row, from its `first` on, to the units they weigh.
void add_sizes(const float* __restrict values, std::int64_t first, std::int64_t count,
               std::int64_t run, float* __restrict units) {
  if (run == 1) {
    for (std::int64_t i = 0; i < count; ++i) units[first + i] += std::fabs(values[i]);
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) units[(first + i) / run] += std::fabs(values[i]);
}

}  // namespace

OutgoingWeights::OutgoingWeights(Treatment& treatment) {
  const auto layers = treatment.layers();
  for (std::size_t l = 0; l < layers.size(); ++l) {
    sums_.emplace_back(static_cast<std::size_t>(layers[l].units), 0.0);
    for (const engine::Reader& reader : layers[l].wiring.readers) add(treatment, l, reader);
  }
  for (const engine::Slice& slice : treatment.engine().slices()) {
    const auto found = readers_.find(slice.parameter);
    if (found == readers_.end()) continue;
    Reader& reader = found->second;
    if (reader.first < 0) reader.first = slice.index;
    reader.parts.emplace_back(sums_[reader.layer].size());
  }
}

void OutgoingWeights::add(Treatment& treatment, std::size_t layer, const engine::Reader& reader) {
  engine::Model& model = treatment.model();
  const TreatedLayer& treated = treatment.layers()[layer];
  const int index = engine::parameter_of(model, reader.node, ops::ParameterSpec::Role::kWeight);
  const engine::Parameter& weight = model.parameters()[index];
  // Of the first unit there is a span that says how its numbers lie, over the outputs of its group.
  const std::vector<engine::Span> spans = engine::outgoing(model, treated.wiring, 0);
  const auto span = std::ranges::find(spans, index, &engine::Span::parameter);
  readers_[index] = {.layer = layer,
                     .row = span->stride,
                     .run = span->size,
                     .outputs = span->count,
                     .values = model.values(weight),
                     .offset = weight.offset};
}

void OutgoingWeights::updated(const engine::Slice& slice) {
  const auto found = readers_.find(slice.parameter);
  if (found == readers_.end()) return;
  Reader& reader = found->second;
  std::vector<float>& part = reader.parts[static_cast<std::size_t>(slice.index - reader.first)];
  std::ranges::fill(part, 0.0f);
  const std::int64_t end = slice.offset - reader.offset + slice.size;
  for (std::int64_t at = slice.offset - reader.offset; at < end;) {
    const std::int64_t output = at / reader.row;
    const std::int64_t column = at % reader.row;
    const std::int64_t count = std::min(end - at, reader.row - column);
    const std::int64_t first_unit = output / reader.outputs * (reader.row / reader.run);
    add_sizes(reader.values + at, column, count, reader.run, part.data() + first_unit);
    at += count;
  }
}

std::span<const double> OutgoingWeights::sums(std::size_t layer) {
  std::vector<double>& sums = sums_[layer];
  std::ranges::fill(sums, 0.0);
  for (const auto& [parameter, reader] : readers_) {
    if (reader.layer != layer) continue;
    for (const std::vector<float>& part : reader.parts)
      for (std::size_t unit = 0; unit < sums.size(); ++unit)
        sums[unit] += static_cast<double>(part[unit]);
  }
  return sums;
}

}  // namespace undying::train
