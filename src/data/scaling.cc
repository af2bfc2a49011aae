#include "data/scaling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "undying/error.h"

namespace undying::data {
namespace {

struct Moments {
  double mean = 0.0;
  double deviation = 0.0;
};

// Of one channel over all examples. Sums of bytes are exact in integers.
Moments moments_of_channel(const Dataset& data, std::int64_t channel) {
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

// Of every column of float32 rows, in two passes.
std::vector<Moments> moments_of_columns(std::span<const float> values, std::size_t width) {
  std::vector<Moments> moments(width);
  const std::size_t rows = values.size() / width;
  const auto n = static_cast<double>(rows);
  for (std::size_t row = 0; row < values.size(); row += width)
    for (std::size_t i = 0; i < width; ++i) moments[i].mean += values[row + i];
  for (Moments& column : moments) column.mean /= n;
  for (std::size_t row = 0; row < values.size(); row += width)
    for (std::size_t i = 0; i < width; ++i)
      moments[i].deviation += std::pow(values[row + i] - moments[i].mean, 2);
  for (Moments& column : moments) column.deviation = std::sqrt(column.deviation / n);
  return moments;
}

// Columns of text are 0 or 1 already: rare values would become large.
void keep_text_columns(Dataset& data, const std::vector<TableColumn>& columns) {
  std::size_t at = 0;
  for (const TableColumn& column : columns) {
    for (std::size_t i = 0; i < column.values.size(); ++i) {
      data.mean[at + i] = 0.0f;
      data.deviation[at + i] = 1.0f;
    }
    at += std::max<std::size_t>(1, column.values.size());
  }
}

// Whole numbers that stand for something, where every column has figures of its own.
void keep_integers(Dataset& data) {
  std::size_t at = 0;
  for (const InputPart& part : data.inputs) {
    std::size_t width = 1;
    for (const std::int64_t extent : part.shape) width *= static_cast<std::size_t>(extent);
    for (std::size_t i = at; part.integer && i < std::min(at + width, data.mean.size()); ++i) {
      data.mean[i] = 0.0f;
      data.deviation[i] = 1.0f;
    }
    at += width;
  }
}

}  // namespace

void standardise(Dataset& train, Dataset& test, const std::vector<TableColumn>& columns) {
  std::vector<Moments> moments;
  if (train.bytes.empty())
    moments = moments_of_columns(train.values, static_cast<std::size_t>(train.features()));
  for (std::int64_t c = 0; !train.bytes.empty() && c < train.channels(); ++c)
    moments.push_back(moments_of_channel(train, c));
  train.mean.clear();
  train.deviation.clear();
  for (const Moments& each : moments) {
    const auto deviation = static_cast<float>(each.deviation);
    train.mean.push_back(static_cast<float>(each.mean));
    train.deviation.push_back(deviation > 0.0f ? deviation : 1.0f);
  }
  keep_text_columns(train, columns);
  keep_integers(train);
  test.mean = train.mean;
  test.deviation = train.deviation;
}

void fill_missing(Dataset& train, Dataset& test, std::vector<TableColumn>& columns) {
  if (train.missing.empty()) return;
  const auto width = static_cast<std::size_t>(train.features());
  std::size_t feature = 0;
  for (TableColumn& column : columns) {
    const std::size_t at = feature;
    feature += std::max<std::size_t>(1, column.values.size());
    double sum = 0.0;
    double count = 0.0;
    for (std::size_t i = at; column.fill && i < train.values.size(); i += width) {
      sum += train.missing[i] != 0 ? 0.0 : train.values[i];
      count += train.missing[i] == 0;
    }
    if (!column.fill) continue;
    column.fill = static_cast<float>(
        sum /
        std::max(1.0, count));  // of no row that is trained on: 0, since nothing of others may show
    for (Dataset* part : {&train, &test})
      for (std::size_t i = at; i < part->values.size(); i += width)
        if (part->missing[i] != 0) part->values[i] = *column.fill;
  }
}

void standardise_targets(Dataset& train, Dataset& test) {
  const auto outputs = static_cast<std::size_t>(train.outputs);
  const std::vector<Moments> moments = moments_of_columns(train.targets, outputs);
  double variance = 0.0;
  train.target_mean.clear();
  for (const Moments& output : moments) {
    train.target_mean.push_back(static_cast<float>(output.mean));
    variance += output.deviation * output.deviation / static_cast<double>(outputs);
  }
  const auto deviation = static_cast<float>(std::sqrt(variance));
  train.target_deviation = deviation > 0.0f ? deviation : 1.0f;
  test.target_mean = train.target_mean;
  test.target_deviation = train.target_deviation;
}

namespace {

// Whether numbers of images are bytes in another form: whole, 0 to 255, and not only 0 and 1.
bool hold_bytes(const Dataset& data) {
  float highest = 0.0f;
  for (const float value : data.values) {
    if (value < 0.0f || value > 255.0f || value != std::floor(value)) return false;
    highest = std::max(highest, value);
  }
  return highest > 1.0f;
}

}  // namespace

void scale(Split& split, Normalize normalize, bool targets, bool from_file) {
  // Nobody else has the parts yet: they change in place, for a copy may not fit into memory.
  auto& train = const_cast<Dataset&>(*split.train);
  auto& test = const_cast<Dataset&>(*split.test);
  split.normalize = Normalize::kUnit;
  if (normalize == Normalize::kUnit || (normalize == Normalize::kAuto && !from_file)) return;
  const bool table = train.bytes.empty() && train.shape.size() == 1;
  if (normalize == Normalize::kStandard || table) {
    standardise(train, test, split.reading.columns);
    split.normalize = Normalize::kStandard;
  } else if (train.bytes.empty() && train.shape.size() >= 2 && hold_bytes(train) &&
             hold_bytes(test)) {
    train.mean = test.mean = {0.0f};
    train.deviation = test.deviation = {255.0f};
  }
  if (targets && train.outputs > 0) standardise_targets(train, test);
}

void apply_form(Dataset& data, const DataForm& form) {
  const auto count = static_cast<std::int64_t>(form.mean.size());
  const bool fits = form.mean.size() == form.deviation.size() &&
                    (count == 1 || count == data.channels() || count == data.features());
  const bool answers =
      form.target_mean.empty() || data.outputs == 0 || std::ssize(form.target_mean) == data.outputs;
  if (!fits || !answers)
    throw Error(ErrorCode::kBadData, "data " + data.name,
                fmt::format("has {} inputs and {} values to predict; the model scales {} and {}",
                            data.features(), data.outputs, count, form.target_mean.size()));
  data.mean = form.mean;
  data.deviation = form.deviation;
  if (data.classes > 0 || form.target_mean.empty())
    return;  // without targets, too: answers have units
  data.target_mean = form.target_mean;
  data.target_deviation = form.target_deviation;
}

}  // namespace undying::data
