// Where a CSV file has no value: rows that are left out, means and texts that stand instead.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/table/csv_read.h"

namespace undying::data {
namespace {

constexpr double kFewRows = 0.05;  // what may be left out without asking

using Use = CsvColumn::Use;

}  // namespace

// Whether a row misses nothing that is read.
bool CsvRead::complete(std::size_t row) const {
  for (const CsvColumn& column : columns_) {
    if (column.use == Use::kLabel && !labels_.empty() && labels_[row] < 0) return false;
    if (column.use == Use::kLabel && !targets_.empty() && std::isnan(targets_[row])) return false;
    const bool read = column.use == Use::kFeature &&
                      !(holds(ready_.drop, column.name) && !holds(source_.drop, column.name));
    if (!read || column.fill) continue;
    const float value = values_[row * slots_ + column.slot];
    if (std::isnan(value)) return false;
    if (column.text && value >= 0.0f && holds(ready_.numbers, column.name) &&
        !parse_number(column.texts.values()[static_cast<std::size_t>(value)], separator_ != ','))
      return false;
  }
  return true;
}

// What speaks against a column with gaps.
void CsvRead::judge_gaps(const CsvColumn& column) {
  const bool input = column.use == Use::kFeature;
  const bool fills = source_.missing == Missing::kMean;
  const auto known = predicting() && input
                         ? std::ranges::find(coding_->columns, column.title(), &TableColumn::name)
                               ->fill.has_value()
                         : false;
  if (fills && predicting() && input && !column.text && !known)
    add_problem(
        fmt::format("{}: {} of {} values are missing ({}), and the model's file has no mean for "
                    "them: it was trained on rows without gaps; :missing=drop leaves these rows "
                    "without an answer",
                    column.title(), column.missing.count, rows(), where(column.missing)));
  if (source_.missing == Missing::kDrop || fills) return;
  if (predicting() && input && (column.text || known)) return;
  const bool mostly = 2 * column.missing.count > rows() && input;
  std::string marks = column.text && column.use == Use::kLabel
                          ? "; :missing=keep makes a class of NA and its like"
                          : "";
  if (predicting() && marks.empty()) marks = "; :missing=drop leaves these rows without an answer";
  add_problem(fmt::format("{}: {} of {} values are missing ({}){}", column.title(),
                          column.missing.count, rows(), where(column.missing), marks));
  if (mostly && !holds(ready_.drop, column.name)) ready_.drop.push_back(column.name);
}

void CsvRead::judge_missing() {
  bool any = false;
  for (const CsvColumn& column : columns_) {
    if (column.use != Use::kFeature && column.use != Use::kLabel) continue;
    any = any || holds(ready_.numbers, column.name);
    if (column.missing.count == 0) continue;
    if (column.use == Use::kLabel && column.missing.count == rows()) {
      mendable_ = false;
      add_problem(
          fmt::format("{}: all its values are missing, and they are what is to be predicted; name "
                      "another column with :label=NAME or :target=NAME",
                      column.title()));
      return;
    }
    any = true;
    judge_gaps(column);
  }
  if (!any) return;
  std::int64_t incomplete = 0;
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows()); ++row)
    incomplete += !complete(row);
  const bool inputs = std::ranges::any_of(columns_, [&](const CsvColumn& c) {
    return c.use == Use::kFeature && (c.missing.count > 0 || holds(ready_.numbers, c.name));
  });
  const bool few = static_cast<double>(incomplete) <= kFewRows * static_cast<double>(rows());
  if (source_.missing == Missing::kRefuse && !predicting() && incomplete > 0)
    ready_.missing = few || !inputs ? Missing::kDrop : Missing::kMean;
  if (!problems_.empty()) return;
  if (source_.missing == Missing::kMean || predicting()) find_fills();
  drop_incomplete();
}

// What stands for a missing number; for a missing text, none of its values.
void CsvRead::find_fills() {
  for (CsvColumn& column : columns_) {
    if (column.use != Use::kFeature || column.missing.count == 0) continue;
    if (column.text) {
      for (std::size_t at = column.slot; at < values_.size(); at += slots_)
        if (std::isnan(values_[at])) values_[at] = -1.0f;
      if (!predicting())
        reading_.remarks.push_back(fmt::format("{}: {} missing values became none of its values",
                                               column.name, column.missing.count));
    } else if (predicting()) {
      column.fill = std::ranges::find(coding_->columns, column.title(), &TableColumn::name)->fill;
    } else {
      double sum = 0.0;
      for (std::size_t at = column.slot; at < values_.size(); at += slots_)
        if (!std::isnan(values_[at])) sum += values_[at];
      column.fill = static_cast<float>(sum / static_cast<double>(column.numbers));
      reading_.remarks.push_back(
          fmt::format("{}: {} missing values became the mean of the training rows", column.name,
                      column.missing.count));
    }
  }
}

// The means in their places, which are noted: a mean of other rows may take theirs.
void CsvRead::fill_means(CsvTable& table) {
  const auto width = static_cast<std::size_t>(table.data.features());
  std::size_t feature = 0;
  for (const TableColumn& column : reading_.columns) {
    const std::size_t first = feature;
    feature += std::max<std::size_t>(1, column.values.size());
    for (std::size_t at = first; column.fill && at < table.data.values.size(); at += width) {
      if (!std::isnan(table.data.values[at])) continue;
      if (table.data.missing.empty() && !predicting())
        table.data.missing.resize(table.data.values.size());
      table.data.values[at] = *column.fill;
      if (!predicting()) table.data.missing[at] = 1;
    }
  }
}

void CsvRead::drop_incomplete() {
  std::size_t kept = 0;
  const auto count = static_cast<std::size_t>(rows());
  for (std::size_t row = 0; row < count; ++row) {
    if (!complete(row)) continue;
    const auto from = values_.begin() + static_cast<std::ptrdiff_t>(row * slots_);
    if (kept < row)
      std::copy(from, from + static_cast<std::ptrdiff_t>(slots_),
                values_.begin() + static_cast<std::ptrdiff_t>(kept * slots_));
    for (auto* codes : {&labels_, &groups_})
      if (!codes->empty()) (*codes)[kept] = (*codes)[row];
    if (!targets_.empty()) targets_[kept] = targets_[row];
    positions_.push_back(static_cast<std::uint32_t>(row));
    ++kept;
  }
  if (kept == count) return positions_.clear();
  reading_.remarks.push_back(
      fmt::format("{} of {} rows were left out because a value is missing", count - kept, count));
  if (kept == 0) add_problem("every row misses a value, so :missing=drop leaves none");
  count_ = static_cast<std::int64_t>(kept);
  values_.resize(kept * slots_);
  if (!labels_.empty()) labels_.resize(kept);
  if (!groups_.empty()) groups_.resize(kept);
  if (!targets_.empty()) targets_.resize(kept);
}

}  // namespace undying::data
