// What is predicted of a CSV table: classes by name or number, or values.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "data/table/csv_read.h"
#include "undying/error.h"

namespace undying::data {
namespace {

// Different values of a column that may be the label in other words.
constexpr std::int64_t kMostTelling = 1000;

std::string number_text(double value) { return fmt::format("{}", value); }

}  // namespace

void CsvRead::judge_label(CsvTable& table) {
  if (!label_) return;
  const CsvColumn& column = *label();
  table.data.target = column.name;
  if (predicting() && !coding_->classes.empty()) return set_known_classes(table);
  if (!targets_.empty()) {
    table.data.outputs = 1;
    table.data.targets = std::move(targets_);
    if (!predicting()) reading_.task = fmt::format("target={}: values to predict", column.name);
    return;
  }
  set_classes(table);
}

void CsvRead::set_known_classes(CsvTable& table) {
  const std::vector<std::string>& texts = label()->texts.values();
  std::vector<std::int32_t> classes;
  for (std::size_t code = 0; code < texts.size(); ++code) {
    const auto value = parse_number(texts[code], separator_ != ',');
    const auto at = std::ranges::find_if(coding_->classes, [&](const std::string& name) {
      const auto known = parse_number(name, false);
      return name == shown(texts[code]) || (value && known && *value == *known);
    });
    classes.push_back(static_cast<std::int32_t>(at - coding_->classes.begin()));
    if (at != coding_->classes.end()) continue;
    const Occurrences& seen = label()->texts.seen()[code];
    add_problem(fmt::format("{}: the class \"{}\" ({}) is not one that was trained: {}",
                            label()->name, shown(texts[code]), where(seen),
                            fmt::join(coding_->classes, ", ")));
  }
  for (std::int32_t& label : labels_)
    if (label >= 0) label = classes[label];
  table.data.labels = std::move(labels_);
  table.data.classes = std::ssize(coding_->classes);
  table.data.class_names = coding_->classes;
}

// Of a label column: whole numbers and names are classes; where many numbers have fractions, all
// are values to predict.
void CsvRead::set_classes(CsvTable& table) {
  const CsvColumn& column = *label();
  const std::vector<std::string>& texts = column.texts.values();
  std::vector<std::optional<double>> numbers;
  std::int64_t texts_rows = 0;
  std::int64_t fraction_rows = 0;
  std::size_t fraction = 0;
  for (std::size_t code = 0; code < texts.size(); ++code) {
    numbers.push_back(parse_number(texts[code], separator_ != ','));
    const std::int64_t count = column.texts.seen()[code].count;
    if (!numbers.back()) texts_rows += count;
    if (!numbers.back() || *numbers.back() == std::floor(*numbers.back())) continue;
    fraction_rows += count;
    fraction = code;
  }
  if (texts_rows == 0 && fraction_rows > std::max<std::int64_t>(1, rows() / 100))
    return set_values(table);
  if (texts_rows == 0 && fraction_rows > 0)
    add_problem(
        fmt::format("{}: \"{}\" ({}) is not a whole number, as the other {} labels are; correct "
                    "it, or write :target={} to predict values",
                    column.name, texts[fraction], where(column.texts.seen()[fraction]),
                    rows() - fraction_rows, column.name));
  whole_ = texts_rows == 0;
  const std::vector<std::int32_t> classes = name_classes(table, numbers);
  if (2 * table.data.classes > rows() && table.data.classes > kManyClasses) refuse_classes(table);
  for (std::int32_t& label : labels_)
    if (label >= 0) label = classes[label];
  note_odd_labels(table, texts);
  table.data.labels = std::move(labels_);
  if (std::ssize(table.data.class_names) < 2) table.data.class_names.clear();
  reading_.task = fmt::format("label={}: {}", column.name, whole_ ? "whole numbers" : "names");
}

// Classes in order: numbers by value, names by their text. Numbers that are equal are one class.
// Returns the class of each text.
std::vector<std::int32_t> CsvRead::name_classes(CsvTable& table,
                                                const std::vector<std::optional<double>>& numbers) {
  const std::vector<std::string>& texts = label()->texts.values();
  const bool whole = whole_;
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return whole ? *numbers[a] < *numbers[b] : texts[a] < texts[b];
  });
  std::vector<std::int32_t> classes(texts.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool same = whole && i > 0 && *numbers[order[i]] == *numbers[order[i - 1]];
    if (!same)
      table.data.class_names.push_back(whole ? number_text(*numbers[order[i]])
                                             : shown(texts[order[i]]));
    classes[order[i]] = static_cast<std::int32_t>(table.data.class_names.size()) - 1;
  }
  table.data.classes = classes_ = std::max<std::int64_t>(2, std::ssize(table.data.class_names));
  return classes;
}

void CsvRead::refuse_classes(const CsvTable& table) {
  const std::string& column = label()->name;
  if (whole_) {
    add_problem(
        fmt::format("{}: {} different whole numbers in {} rows are too many for classes; to "
                    "predict a value, write :target={}",
                    column, table.data.classes, rows(), column));
    ready_.kind = CsvLabel::kValue;
    return;
  }
  add_problem(fmt::format(
      "{}: {} different labels in {} rows leave nothing to learn from; choose another column, of "
      "few different values, with :label=NAME, or of values, with :target=NAME",
      column, table.data.classes, rows()));
  mendable_ = false;
}

void CsvRead::set_values(CsvTable& table) {
  const CsvColumn& column = *label();
  std::vector<float> numbers;
  for (const std::string& text : column.texts.values())
    numbers.push_back(static_cast<float>(*parse_number(text, separator_ != ',')));
  table.data.outputs = 1;
  for (const std::int32_t label : labels_)
    table.data.targets.push_back(label < 0 ? 0.0f : numbers[label]);
  for (const float value : numbers)
    if (!std::isfinite(value))
      return add_problem(
          fmt::format("{}: holds a value to predict that is not finite", column.name));
  reading_.task =
      fmt::format("label={}: numbers with fractions, so values to predict", column.name);
}

// Labels that differ in case or blanks only are often one class written in two ways.
void CsvRead::note_odd_labels(CsvTable& table, const std::vector<std::string>& texts) {
  std::map<std::string, std::size_t> seen;
  for (std::size_t code = 0; code < texts.size(); ++code) {
    const auto [at, inserted] = seen.emplace(lower(shown(texts[code])), code);
    if (inserted || texts[at->second] == texts[code]) continue;
    const std::vector<Occurrences>& counts = label()->texts.seen();
    reading_.warnings.push_back(
        fmt::format("{}: the classes \"{}\" ({} rows) and \"{}\" ({} rows, {}) differ in upper and "
                    "lower case only",
                    label()->name, shown(texts[at->second]), counts[at->second].count,
                    shown(texts[code]), counts[code].count, where(counts[code])));
  }
  std::vector<std::int64_t> counts(static_cast<std::size_t>(table.data.classes));
  for (const std::int32_t label : labels_)
    if (label >= 0) ++counts[label];
  for (std::size_t i = 0; i < table.data.class_names.size(); ++i)
    if (counts[i] == 1)
      reading_.warnings.push_back(
          fmt::format("{}: the class \"{}\" has one row, so it is trained and never tested",
                      label()->name, table.data.class_names[i]));
}

// Whether every value of a column of few values goes with one class alone.
bool CsvRead::says_the_label(const CsvColumn& column,
                             const std::vector<std::int32_t>& labels) const {
  std::map<float, std::int32_t> classes;
  std::set<std::int32_t> met;
  const std::int64_t most = std::min(kMostTelling, rows() / 5);
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const float value = values_[row * slots_ + column.slot];
    if (std::isnan(value) || (column.text && value < 0.0f) || labels[row] < 0) continue;
    const auto [known, fresh] = classes.emplace(value, labels[row]);
    if (known->second != labels[row] || std::ssize(classes) > most) return false;
    met.insert(labels[row]);
  }
  return met.size() > 1;
}

}  // namespace undying::data
