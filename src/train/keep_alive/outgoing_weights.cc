#include "train/keep_alive/outgoing_weights.h"

#include <algorithm>
#include <cmath>

#include "train/keep_alive/sums.h"

namespace undying::train {
namespace {

// Adds the sizes of `count` numbers of a row, from its `first` on, to the units they weigh.
void add_row(const float* values, std::int64_t first, std::int64_t count, std::int64_t run,
             float* units) {
  if (run == 1) return add_sizes(1, count, values, units + first);
  std::int64_t left = run - first % run;  // of the numbers of the unit at hand
  for (float* unit = units + first / run; count > 0; ++unit, left = run) {
    left = std::min(left, count);
    for (std::int64_t i = 0; i < left; ++i) *unit += std::fabs(values[i]);
    values += left;
    count -= left;
  }
}

}  // namespace

OutgoingWeights::OutgoingWeights(Treatment& treatment)
    : by_parameter_(treatment.model().parameters().size(), nullptr) {
  const auto layers = treatment.layers();
  readers_.resize(layers.size());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    sums_.emplace_back(static_cast<std::size_t>(layers[l].units), 0.0);
    readers_[l].reserve(layers[l].wiring.readers.size());
    for (const engine::Reader& reader : layers[l].wiring.readers) add(treatment, l, reader);
  }
  for (const engine::Slice& slice : treatment.engine().slices()) {
    Reader* reader = by_parameter_[static_cast<std::size_t>(slice.parameter)];
    if (reader == nullptr) continue;
    if (reader->first < 0) reader->first = slice.index;
    reader->parts.emplace_back(static_cast<std::size_t>(reader->units));
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
  readers_[layer].push_back({.units = treated.units,
                             .row = span->stride,
                             .run = span->size,
                             .outputs = span->count,
                             .values = model.values(weight),
                             .offset = weight.offset});
  by_parameter_[static_cast<std::size_t>(index)] = &readers_[layer].back();
}

void OutgoingWeights::updated(const engine::Slice& slice) {
  Reader* const found = by_parameter_[static_cast<std::size_t>(slice.parameter)];
  if (found == nullptr) return;
  Reader& reader = *found;
  std::vector<float>& part = reader.parts[static_cast<std::size_t>(slice.index - reader.first)];
  std::ranges::fill(part, 0.0f);
  const std::int64_t end = slice.offset - reader.offset + slice.size;
  for (std::int64_t at = slice.offset - reader.offset; at < end;) {
    const std::int64_t output = at / reader.row;
    const std::int64_t column = at % reader.row;
    const std::int64_t first_unit = output / reader.outputs * (reader.row / reader.run);
    // Whole rows of one group together, where each number of a row is another unit's.
    const std::int64_t rows =
        reader.run == 1 && column == 0
            ? std::min((end - at) / reader.row, reader.outputs - output % reader.outputs)
            : 0;
    const std::int64_t count =
        rows > 0 ? rows * reader.row : std::min(end - at, reader.row - column);
    if (rows > 0)
      add_sizes(rows, reader.row, reader.values + at, part.data() + first_unit);
    else
      add_row(reader.values + at, column, count, reader.run, part.data() + first_unit);
    at += count;
  }
}

std::span<const double> OutgoingWeights::sums(std::size_t layer) {
  std::vector<double>& sums = sums_[layer];
  std::ranges::fill(sums, 0.0);
  for (const Reader& reader : readers_[layer])
    for (const std::vector<float>& part : reader.parts)
      for (std::size_t unit = 0; unit < sums.size(); ++unit)
        sums[unit] += static_cast<double>(part[unit]);
  return sums;
}

}  // namespace undying::train
