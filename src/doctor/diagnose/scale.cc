// Inputs far from unit scale: first steps are as large as the inputs and put every unit on one side
// of its kink.

#include "doctor/diagnose/scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace undying {

double InputColumn::magnitude() const { return std::hypot(mean, deviation); }

bool InputColumn::outlier() const {
  const double beyond = std::max(low - farthest_value, farthest_value - high);
  return high > low && beyond > 100.0 * (high - low);
}

}  // namespace undying

namespace undying::doctor {
namespace {

// Root mean square of a column, above which it is far from unit scale.
constexpr double kLarge = 10.0;
constexpr double kSmall = 0.01;  // of every column
constexpr std::size_t kNamed = 4;
constexpr std::int64_t kRows = 256;

// Which column a value of an example belongs to.
struct Columns {
  explicit Columns(const Dataset& data)
      : features(data.features()), run(data.bytes.empty() ? 1 : features / data.channels()) {}
  std::size_t count() const { return static_cast<std::size_t>(features / run); }

  std::int64_t features;
  std::int64_t run;
};

// Calls `visit(row, column, value)` over the whole of D.
template <class Visit>
void for_each_value(const Dataset& data, const Visit& visit) {
  const Columns columns(data);
  const std::vector<std::uint32_t> order = train::identity_order(data.size);
  std::vector<float> block(static_cast<std::size_t>(std::min(kRows, data.size) * data.features()));
  for (std::int64_t first = 0; first < data.size; first += kRows) {
    const std::int64_t rows = std::min(kRows, data.size - first);
    gather(
        data,
        std::span(order).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows)),
        block.data());
    const float* value = block.data();
    for (std::int64_t row = first; row < first + rows; ++row)
      for (std::size_t column = 0; column < columns.count(); ++column)
        for (std::int64_t k = 0; k < columns.run; ++k)
          visit(row, column, static_cast<double>(*value++));
  }
}

void fill_spread(const Dataset& data, std::size_t at, InputColumn& column) {
  std::vector<double> values;
  std::vector<std::int64_t> rows;
  for_each_value(data, [&](std::int64_t row, std::size_t column_at, double value) {
    if (column_at != at) return;
    values.push_back(value);
    rows.push_back(row);
  });
  std::vector<double> sorted = values;
  const auto quantile = [&](double share) {
    const auto place =
        sorted.begin() + static_cast<std::int64_t>(share * static_cast<double>(sorted.size() - 1));
    std::ranges::nth_element(sorted, place);
    return *place;
  };
  column.low = quantile(0.01);
  column.high = quantile(0.99);
  const double middle = quantile(0.5);
  std::size_t farthest = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::fabs(values[i] - middle) > std::fabs(values[farthest] - middle)) farthest = i;
  column.farthest = rows[farthest];
  column.farthest_row = data.rows.empty() ? column.farthest : data.rows[column.farthest];
  column.farthest_value = values[farthest];
}

}  // namespace

bool InputMoments::vary() const {
  return std::ranges::any_of(deviation, [](double each) { return each > 0.0; });
}

namespace {

// Fills mean and deviation of values held between `least` and `greatest`.
void measure(const Dataset& data, InputMoments& found) {
  const Columns columns(data);
  const double n = static_cast<double>(data.size * columns.run);
  const auto held = [&](std::size_t at, double value) {
    return std::clamp(value, found.least[at], found.greatest[at]);
  };
  found.mean.assign(columns.count(), 0.0);
  found.deviation.assign(columns.count(), 0.0);
  for_each_value(data, [&](std::int64_t, std::size_t at, double value) {
    found.mean[at] += held(at, value) / n;
  });
  for_each_value(data, [&](std::int64_t, std::size_t at, double value) {
    const double distance = held(at, value) - found.mean[at];
    found.deviation[at] += distance * distance / n;
  });
  for (std::size_t at = 0; at < columns.count(); ++at)
    found.deviation[at] =
        found.least[at] < found.greatest[at] ? std::sqrt(found.deviation[at]) : 0.0;
}

}  // namespace

InputMoments moments_of(const Dataset& data) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Columns columns(data);
  InputMoments found;
  found.least.assign(columns.count(), kInfinity);
  found.greatest.assign(columns.count(), -kInfinity);
  for_each_value(data, [&](std::int64_t, std::size_t at, double value) {
    found.least[at] = std::min(found.least[at], value);
    found.greatest[at] = std::max(found.greatest[at], value);
  });
  measure(data, found);
  return found;
}

InputMoments without_outliers(const Dataset& data, const InputMoments& moments,
                              const std::vector<InputColumn>& columns) {
  if (std::ranges::none_of(columns, &InputColumn::outlier)) return moments;
  InputMoments found = moments;
  for (const InputColumn& column : columns) {
    if (!column.outlier()) continue;
    found.least[column.index] = column.low;
    found.greatest[column.index] = column.high;
  }
  measure(data, found);
  return found;
}

InputScale scale_of(const Dataset& data, const InputMoments& moments) {
  InputScale scale{.total = static_cast<std::int64_t>(moments.columns()), .dead_standardised = -1};
  std::vector<std::pair<double, std::size_t>> magnitudes;
  for (std::size_t at = 0; at < moments.columns(); ++at)
    magnitudes.emplace_back(std::hypot(moments.mean[at], moments.deviation[at]), at);
  std::ranges::stable_sort(magnitudes, std::greater<>(), &std::pair<double, std::size_t>::first);
  const double largest = magnitudes.front().first;
  const bool small = largest > 0.0 && largest < kSmall;
  for (const auto& [magnitude, at] : magnitudes) {
    if (!small && magnitude <= kLarge) break;
    if (++scale.far > static_cast<std::int64_t>(kNamed)) continue;
    InputColumn column{.name = fmt::format("{} {}", data.bytes.empty() ? "column" : "channel", at),
                       .index = static_cast<std::int64_t>(at),
                       .mean = moments.mean[at],
                       .deviation = moments.deviation[at],
                       .least = moments.least[at],
                       .greatest = moments.greatest[at]};
    fill_spread(data, at, column);
    scale.columns.push_back(std::move(column));
  }
  return scale;
}

bool reads_inputs_as_they_come(const Graph& graph) {
  std::vector<bool> raw(graph.nodes().size(), false);
  for (std::size_t at = 0; at < raw.size(); ++at) {
    const Node& node = graph.nodes()[at];
    if (ops::is_batch_norm(node)) return false;
    raw[at] = ops::is_input(node);
    for (const int input : node.inputs) {
      if (!raw[input]) continue;
      if (!ops::moves_elements(node) && !ops::makes_units(node)) return false;
      raw[at] = !ops::makes_units(node);
    }
  }
  return true;
}

void StandardisedSource::inputs(int input, std::int64_t first, std::int64_t rows,
                                float* dst) const {
  DatasetSource::inputs(input, first, rows, dst);
  const Columns columns(*data_);
  for (std::int64_t i = 0; i < rows * columns.features; ++i, ++dst) {
    const auto at = static_cast<std::size_t>(i % columns.features / columns.run);
    const double deviation = moments_->deviation[at] > 0.0 ? moments_->deviation[at] : 1.0;
    const double value =
        std::clamp(static_cast<double>(*dst), moments_->least[at], moments_->greatest[at]);
    *dst = static_cast<float>((value - moments_->mean[at]) / deviation);
  }
}

}  // namespace undying::doctor
