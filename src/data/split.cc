#include "data/split.h"

#include <fmt/format.h>

#include <cmath>

#include "undying/error.h"

namespace undying::data {
namespace {

constexpr std::int64_t kEvery = 6;

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
          .outputs = all.outputs};
}

void standardise_bytes(Dataset& train, Dataset& test) {
  double sum = 0.0;
  double squares = 0.0;
  for (const std::uint8_t byte : train.bytes) {
    sum += byte;
    squares += static_cast<double>(byte) * byte;
  }
  const double n = static_cast<double>(train.bytes.size());
  const double mean = sum / n;
  const double deviation = std::sqrt(std::fmax(0.0, squares / n - mean * mean));
  for (Dataset* data : {&train, &test}) {
    data->scale = deviation > 0.0 ? static_cast<float>(1.0 / deviation) : 1.0f;
    data->offset = static_cast<float>(-mean) * data->scale;
  }
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

Split hold_out(const Dataset& all) {
  if (all.size < kEvery)
    throw Error(ErrorCode::kBadData, "data " + all.name,
                fmt::format("has {} examples; at least {} are needed to hold some out for testing", all.size, kEvery));
  auto train = std::make_shared<Dataset>(empty_like(all, "train"));
  auto test = std::make_shared<Dataset>(empty_like(all, "test"));
  for (std::int64_t row = 0; row < all.size; ++row) {
    Dataset& part = row % kEvery == kEvery - 1 ? *test : *train;
    append(part.bytes, all.bytes, row, all.features());
    append(part.values, all.values, row, all.features());
    append(part.labels, all.labels, row, 1);
    append(part.targets, all.targets, row, all.outputs);
    ++part.size;
  }
  return {train, test, "held out for testing: every 6th example"};
}

void standardise(Dataset& train, Dataset& test) {
  if (!train.bytes.empty()) return standardise_bytes(train, test);
  const auto width = static_cast<std::size_t>(train.features());
  for (std::size_t column = 0; column < width; ++column) standardise_column(train, test, column, width);
}

}  // namespace undying::data
