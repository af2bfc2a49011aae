#include <numeric>
#include <utility>

#include "base/philox.h"
#include "data/stream/streams.h"

namespace undying::data {
namespace {

// Fisher and Yates.
std::vector<std::uint32_t> permutation(const Random& random, std::int64_t size) {
  std::vector<std::uint32_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0U);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i, i)]);
  return order;
}

// Each place of an example takes what stood at `from` of it, in every channel.
template <class T>
std::vector<T> rows_of(const Dataset& base, const std::vector<T>& all,
                       std::span<const std::uint32_t> order, std::span<const std::uint32_t> from) {
  std::vector<T> rows;
  if (all.empty()) return rows;
  rows.reserve(all.size());
  const auto width = static_cast<std::size_t>(base.features());
  for (const std::uint32_t row : order)
    for (std::size_t channel = 0; channel < width; channel += from.size())
      for (const std::uint32_t place : from) rows.push_back(all[row * width + channel + place]);
  return rows;
}

std::shared_ptr<const Dataset> task(const Dataset& base, Permuted what, std::uint64_t seed,
                                    std::int64_t index) {
  const auto sequence = [&](std::uint32_t kind) {
    return Random(seed + 0x9E3779B97F4A7C15U * static_cast<std::uint64_t>(index),
                  Stream::kSyntheticData, kind);
  };
  const auto order = permutation(sequence(40), base.size);
  std::vector<std::uint32_t> places(static_cast<std::size_t>(base.features() / base.channels()));
  std::iota(places.begin(), places.end(), 0U);
  if (what == Permuted::kInputs)
    places = permutation(sequence(41), static_cast<std::int64_t>(places.size()));
  auto data = std::make_shared<Dataset>();
  data->name = base.name + ", permuted";
  data->size = base.size;
  data->shape = base.shape;
  data->mean = base.mean;
  data->deviation = base.deviation;
  data->classes = base.classes;
  data->class_names = base.class_names;
  data->bytes = rows_of(base, base.bytes, order, places);
  data->values = rows_of(base, base.values, order, places);
  const auto labels = what == Permuted::kLabels ? permutation(sequence(42), base.classes)
                                                : permutation(sequence(42), 0);
  for (const std::uint32_t row : order) {
    const std::int32_t label = base.labels[row];
    data->labels.push_back(
        labels.empty() ? label
                       : static_cast<std::int32_t>(labels[static_cast<std::size_t>(label)]));
  }
  return data;
}

}  // namespace

std::shared_ptr<const DataStream> permuted_stream(const std::shared_ptr<const Dataset>& base,
                                                  const std::string& name, Permuted what,
                                                  std::uint64_t seed) {
  auto stream = std::make_shared<DataStream>();
  stream->name = name;
  stream->stretch_name = "task";
  stream->stretch = base->size;
  stream->read = [base, what, seed](std::int64_t index) { return task(*base, what, seed, index); };
  stream->redraw = [base, name, what](std::uint64_t other) {
    return permuted_stream(base, name, what, other);
  };
  return stream;
}

}  // namespace undying::data
