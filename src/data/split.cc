#include "data/split.h"

#include <fmt/format.h>

#include <cmath>

#include "undying/error.h"

namespace undying::data {
namespace {

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from, std::int64_t row, std::int64_t width) {
  if (!from.empty()) to.insert(to.end(), from.begin() + row * width, from.begin() + (row + 1) * width);
}

Dataset empty_like(const Dataset& all, const char* part) {
  return {.name = fmt::format("{} {}", all.name, part),
          .shape = all.shape,
          .scale = all.scale,
          .offset = all.offset,
          .classes = all.classes,
          .class_names = all.class_names,
          .outputs = all.outputs};
}

struct Moments {
  double mean = 0.0;
  double deviation = 0.0;
};

// Of one channel over all examples. Sums of bytes are exact in integers.
Moments moments_of(const Dataset& data, std::int64_t channel) {
  const std::int64_t width = data.features() / data.channels();
  std::uint64_t sum = 0;
  std::uint64_t squares = 0;
  for (std::int64_t row = 0; row < data.size; ++row) {
    const std::uint8_t* bytes = data.bytes.data() + row * data.features() + channel * width;
    for (std::int64_t i = 0; i < width; ++i) {
      sum += bytes[i];
      squares += static_cast<std::uint64_t>(bytes[i]) * bytes[i];
    }
  }
  const double n = static_cast<double>(data.size * width);
  const double mean = static_cast<double>(sum) / n;
  return {mean, std::sqrt(std::fmax(0.0, static_cast<double>(squares) / n - mean * mean))};
}

void standardise_bytes(Dataset& train, Dataset& test) {
  train.scale.clear();
  train.offset.clear();
  for (std::int64_t channel = 0; channel < train.channels(); ++channel) {
    const Moments moments = moments_of(train, channel);
    train.scale.push_back(moments.deviation > 0.0 ? static_cast<float>(1.0 / moments.deviation) : 1.0f);
    train.offset.push_back(static_cast<float>(-moments.mean) * train.scale.back());
  }
  test.scale = train.scale;
  test.offset = train.offset;
}

void standardise_column(Dataset& train, Dataset& test, std::size_t column, std::size_t width) {
  double sum = 0.0;
  for (std::size_t i = column; i < train.values.size(); i += width) sum += train.values[i];
  const double n = static_cast<double>(train.size);
  const double mean = sum / n;
  double squares = 0.0;
  for (std::size_t i = column; i < train.values.size(); i += width) squares += (train.values[i] - mean) * (train.values[i] - mean);
  const double deviation = std::sqrt(squares / n);
  for (Dataset* data : {&train, &test})
    for (std::size_t i = column; i < data->values.size(); i += width)
      data->values[i] = static_cast<float>((data->values[i] - mean) / (deviation > 0.0 ? deviation : 1.0));
}

}  // namespace

void check_hold_out(const std::string& name, std::int64_t size) {
  if (size < kEvery)
    throw Error(ErrorCode::kBadData, "data " + name,
                fmt::format("has {} examples; at least {} are needed to hold some out for testing", size, kEvery));
}

Split hold_out(const Dataset& all) {
  check_hold_out(all.name, all.size);
  auto train = std::make_shared<Dataset>(empty_like(all, "train"));
  auto test = std::make_shared<Dataset>(empty_like(all, "test"));
  for (std::int64_t row = 0; row < all.size; ++row) {
    Dataset& part = is_held_out(row) ? *test : *train;
    append(part.bytes, all.bytes, row, all.features());
    append(part.values, all.values, row, all.features());
    append(part.labels, all.labels, row, 1);
    append(part.targets, all.targets, row, all.outputs);
    ++part.size;
  }
  return {train, test, kHeldOut};
}

void standardise(Dataset& train, Dataset& test) {
  if (!train.bytes.empty()) return standardise_bytes(train, test);
  const auto width = static_cast<std::size_t>(train.features());
  for (std::size_t column = 0; column < width; ++column) standardise_column(train, test, column, width);
}

}  // namespace undying::data
