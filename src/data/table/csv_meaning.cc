// What the rows of a CSV file mean: which columns can be features, and what they become.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "data/table/csv_read.h"
#include "undying/error.h"

namespace undying::data {
namespace {

using Use = CsvColumn::Use;

// What a column is called whose numbers only count the rows.
bool is_index_name(const std::string& name) {
  static const std::set<std::string> kNames = {
      "",      "id",     "index",      "idx",      "row",        "row_id",
      "rowid", "rownum", "row_number", "rownames", "row.names",  "__index_level_0__",
      "nr",    "no",     "number",     "#",        "unnamed: 0", "obs",
      "sno",   "s.no"};
  return kNames.contains(lower(name));
}

// As pandas writes the index of a frame, which has gaps where rows were taken out.
bool is_written_index(const std::string& name) {
  return name.empty() || name == "Unnamed: 0" || name == "__index_level_0__";
}

}  // namespace

void CsvRead::leave_out(CsvColumn& column, const std::string& reason) {
  column.use = Use::kLeftOut;
  reading_.dropped.emplace_back(column.title(), reason);
}

// Texts that training never saw. Where a column holds nothing else, it is another column, or
// written otherwise.
void CsvRead::judge_strangers(const CsvColumn& column) {
  if (column.unknown == 0) return;
  if (column.unknown + column.missing.count < rows()) {
    reading_.warnings.push_back(fmt::format(
        "{}: {} rows have a value that training never saw; they are read as none of its values",
        column.name, column.unknown));
    return;
  }
  constexpr std::size_t kMost = 8;
  std::vector<std::string> known = column.texts.values();
  if (known.size() > kMost) known.resize(kMost), known.push_back("...");
  add_problem(fmt::format("{}: the network knows none of its values (\"{}\"{}); expected {}",
                          column.title(), column.stranger, column.unknown > 1 ? ", ..." : "",
                          fmt::join(known, ", ")));
}

void CsvRead::judge_column(CsvColumn& column) {
  if (column.missing.count == rows() && !predicting())
    return leave_out(column,
                     column.others.count > 0 ? "no field of it is a number" : "it is empty");
  judge_others(column);
  if (predicting()) return judge_strangers(column);
  const bool rises =
      !column.text && column.whole && column.rising && column.numbers == rows() && rows() > 2;
  const bool counts = rises && (column.counting || is_written_index(column.name));
  if (counts && is_index_name(column.name) && !holds(source_.keep, column.name))
    return leave_out(
        column,
        fmt::format(
            "it counts the rows{}",
            column.name.empty() ? "" : fmt::format("; :keep={} makes it an input", column.name)));
  if (column.text) judge_texts(column);
}

void CsvRead::judge_texts(CsvColumn& column) {
  const auto drop = [&](const std::string& problem) {
    add_problem(problem);
    ready_.drop.push_back(column.name);
  };
  const std::size_t values = column.texts.size();
  const std::string example = values > 0 ? shown(column.texts.values()[0]) : "";
  if (values == 1 && column.missing.count == 0)
    return leave_out(column, fmt::format("it is \"{}\" in every row", example));
  if (looks_like_date(example) && !holds(source_.text, column.name))
    return drop(
        fmt::format("{}: holds dates (\"{}\"); drop it, or make numbers of it first. Of rows in "
                    "order of time --ordered tests on the last",
                    column.title(), example));
  const std::optional<std::string> mixed = mixture(column);
  const bool many = values > source_.most_values;
  if (mixed && many) {
    ready_.numbers.push_back(column.name);
    return add_problem(fmt::format(
        "{}: {}; take these for missing with :numbers={}, or read all as texts with :text={}",
        column.title(), *mixed, column.name, column.name));
  }
  if (mixed)
    reading_.warnings.push_back(
        fmt::format("{}: {}; each becomes a feature of its own. With :numbers={} it is one of "
                    "numbers and texts are missing, with :text={} it is meant so",
                    column.title(), *mixed, column.name, column.name));
  if (!many) return;
  drop(fmt::format(
      "{}: {}{} different texts in {} rows (\"{}\"), more than the {} that become features{}",
      column.title(), values >= kMostTexts ? "more than " : "", values, rows(), example,
      source_.most_values,
      2 * static_cast<std::int64_t>(values) < rows()
          ? fmt::format("; :values={} would take them", values)
          : ""));
}

void CsvRead::judge_columns() {
  if (ragged_.count > 0)
    add_problem(fmt::format(
        "{} of {} rows have another number of fields than the {} columns ({}: {} fields); correct "
        "or remove them",
        ragged_.count, ragged_.count + rows(), columns_.size(), where(ragged_), ragged_fields_));
  if (decimal_commas_) reading_.remarks.push_back("numbers have decimal commas");
  for (CsvColumn& column : columns_) {
    if (column.use == Use::kFeature) judge_column(column);
    if (column.use == Use::kLabel) judge_others(column);
    if (column.use == Use::kLeftOut && holds(source_.drop, column.name))
      reading_.dropped.emplace_back(column.title(), "as :drop= says");
    if (column.use == Use::kGroup)
      reading_.dropped.emplace_back(
          column.title(), fmt::format("its {} groups are kept together", column.texts.size()));
  }
  const bool any = std::ranges::any_of(columns_, [&](const CsvColumn& c) {
    return c.use == Use::kFeature && !holds(ready_.drop, c.name);
  });
  mendable_ = any || predicting();
  if (!mendable_)
    add_problem(
        reading_.dropped.empty()
            ? "no column is left to predict from; expected at least one beside the one to predict"
            : fmt::format("no column is left to predict from; {} was left out because {}",
                          reading_.dropped[0].first, reading_.dropped[0].second));
}

void CsvRead::note_leaks(const CsvTable& table) {
  if (predicting() || table.data.labels.empty()) return;
  for (const CsvColumn& column : columns_) {
    if (column.use != Use::kFeature || holds(ready_.drop, column.name) ||
        !says_the_label(column, table.data.labels))
      continue;
    const std::string what = fmt::format(
        "{}: each of its values goes with one class alone, as if it were the label in other words",
        column.name);
    if (problems_.empty())
      reading_.warnings.push_back(fmt::format("{}; :drop={} leaves it out", what, column.name));
    if (problems_.empty()) continue;
    add_problem(what);
    ready_.drop.push_back(column.name);
  }
}

// Numbers stay where they are, texts become a feature for each of their values.
void CsvRead::set_features(CsvTable& table) {
  std::vector<const CsvColumn*> used;
  for (const CsvColumn& column : columns_)
    if (column.use == Use::kFeature) used.push_back(&column);
  if (predicting())  // in the order of the coding
    std::ranges::sort(used, {}, [&](const CsvColumn* c) {
      return std::ranges::find(coding_->columns, c->title(), &TableColumn::name) -
             coding_->columns.begin();
    });
  std::vector<std::vector<std::size_t>>
      places;  // of each code of a text column, among its features
  std::size_t width = 0;
  for (const CsvColumn* column : used) {
    TableColumn& known = reading_.columns.emplace_back(
        TableColumn{.name = column->title(), .values = {}, .fill = column->fill});
    std::vector<std::size_t> order(column->text ? column->texts.size() : 0);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (!predicting())
      std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
        return column->texts.values()[a] < column->texts.values()[b];
      });
    places.emplace_back(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      places.back()[order[i]] = i;
      known.values.push_back(shown(column->texts.values()[order[i]]));
      table.data.columns.push_back(known.name + "=" + known.values.back());
    }
    if (column->text) known.fill.reset();
    if (!column->text) table.data.columns.push_back(known.name);
    width += column->text ? order.size() : 1;
  }
  table.data.size = rows();
  table.data.shape = {static_cast<std::int64_t>(width)};
  expand(used, places, width);
  table.data.values = std::move(values_);
  fill_means(table);
}

// In place, from the front, where rows do not grow; else into new memory.
void CsvRead::expand(const std::vector<const CsvColumn*>& used,
                     const std::vector<std::vector<std::size_t>>& places, std::size_t width) {
  bool moves = width != slots_;
  for (std::size_t i = 0; i < used.size(); ++i)
    moves = moves || used[i]->text || used[i]->slot != i;
  if (!moves) return;
  const auto count = static_cast<std::size_t>(rows());
  std::vector<float> grown(width > slots_ ? count * width : 0);
  std::vector<float> row(width);
  for (std::size_t at = 0; at < count; ++at) {
    std::ranges::fill(row, 0.0f);
    std::size_t place = 0;
    for (std::size_t i = 0; i < used.size(); ++i) {
      const float value = values_[at * slots_ + used[i]->slot];
      if (!used[i]->text) row[place] = value;
      if (used[i]->text && value >= 0.0f)
        row[place + places[i][static_cast<std::size_t>(value)]] = 1.0f;
      place += used[i]->text ? places[i].size() : 1;
    }
    std::ranges::copy(
        row, (grown.empty() ? values_ : grown).begin() + static_cast<std::ptrdiff_t>(at * width));
  }
  if (!grown.empty()) values_ = std::move(grown);
  values_.resize(count * width);
}

}  // namespace undying::data
