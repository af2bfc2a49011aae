// Columns that hold numbers and texts: which of the two they are taken for, and what is said of it.

#include <fmt/format.h>

#include <algorithm>

#include "data/table/csv_read.h"

namespace undying::data {
namespace {

using Use = CsvColumn::Use;

// Of one kind are columns that hold one field in ten of the other kind at most.
constexpr std::int64_t kMostPerOther = 9;

bool seldom(std::int64_t one, std::int64_t other) { return kMostPerOther * one <= other; }

}  // namespace

// Of a column of texts, the fields that are numbers.
std::int64_t CsvRead::numerals(const CsvColumn& column) const {
  std::int64_t count = 0;
  for (std::size_t code = 0; code < column.texts.size(); ++code)
    if (parse_number(column.texts.values()[code], separator_ != ','))
      count += column.texts.seen()[code].count;
  return count;
}

// Whether a column that was taken for texts by its first field is one of numbers.
bool CsvRead::is_numeric(const CsvColumn& column) const {
  if (!column.text || holds(source_.text, column.name)) return false;
  const std::int64_t numbers = numerals(column);
  return numbers > 0 && seldom(column.texts.fields() - numbers, numbers);
}

// Texts in more than one field in ten make a column one of texts; else it is one of numbers. Then
// all is read again.
bool CsvRead::turn_columns() {
  bool changed = false;
  for (CsvColumn& column : columns_) {
    if (column.use != Use::kFeature || column.lenient || predicting()) continue;
    const bool to_text = !column.text && !seldom(column.others.count - column.beyond,
                                                 column.numbers + column.beyond);
    const bool to_numbers = !to_text && is_numeric(column);
    if (to_text || to_numbers) column.text = to_text;
    if (to_numbers) column.numeric = true;
    changed = changed || to_text || to_numbers;
  }
  if (!changed) return false;
  for (CsvColumn& column : columns_) {
    CsvColumn fresh{.name = column.name,
                    .use = column.use,
                    .text = column.text,
                    .numeric = column.numeric,
                    .lenient = column.lenient,
                    .texts = {}};
    fresh.position = column.position;
    column = std::move(fresh);
  }
  count_ = 0;
  values_.clear();
  labels_.clear();
  targets_.clear();
  groups_.clear();
  ragged_ = {};
  return true;
}

// Fields of a column of numbers that are none.
void CsvRead::judge_others(const CsvColumn& column) {
  if (column.others.count == 0) return;
  const std::string what = fmt::format(
      "{}: {} of {} values {} (\"{}\", {})", column.title(), column.others.count, rows(),
      column.others.count == 1 ? "is not a finite number" : "are not finite numbers", column.other,
      where(column.others));
  if (column.lenient) return reading_.remarks.push_back(what + ", so missing");
  const std::string texts = column.use == Use::kLabel
                                ? ", or for classes write :label=" + column.name
                            : predicting() ? ""
                                           : ", or read all as texts with :text=" + column.name;
  add_problem(fmt::format("{}; correct it, or take it for missing with :numbers={}{}", what,
                          column.name, texts));
  (2 * column.others.count > rows() ? ready_.drop : ready_.numbers).push_back(column.name);
}

// What a column of texts holds of numbers, where these are no exception: "70% of its values are
// numbers, 30% texts ("unk")".
std::optional<std::string> CsvRead::mixture(const CsvColumn& column) const {
  const std::int64_t numbers = numerals(column);
  const std::int64_t texts = column.texts.fields() - numbers;
  if (texts == 0 || seldom(numbers, texts) || holds(source_.text, column.name)) return std::nullopt;
  const auto text = std::ranges::find_if(column.texts.values(), [&](const std::string& value) {
    return !parse_number(value, separator_ != ',');
  });
  const double share = static_cast<double>(texts) / static_cast<double>(column.texts.fields());
  return fmt::format("{:.0f}% of its values are numbers, {:.0f}% texts (\"{}\")",
                     100.0 * (1.0 - share), 100.0 * share, shown(*text));
}

}  // namespace undying::data
