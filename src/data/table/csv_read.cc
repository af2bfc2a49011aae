#include "data/table/csv_read.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <numeric>

#include "base/nearest.h"
#include "data/read_common.h"
#include "data/table/arrow.h"
#include "undying/error.h"

namespace undying::data {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t kRowsBeforeReserving = 1000;
constexpr std::int64_t kRowsBetweenReports = 1000;

}  // namespace

CsvRead::CsvRead(Records& records, const CsvSource& source, const std::string& group,
                 const Coding* coding, const ReadingWatch& watch)
    : records_(records),
      source_(source),
      ready_(source),
      group_(group),
      coding_(coding),
      watch_(watch),
      separator_(records.separator()) {}

// Whether a first record is an example and no names: most of its fields are numbers.
bool CsvRead::is_data(const std::vector<std::string_view>& fields) const {
  std::size_t numbers = 0;
  std::size_t filled = 0;
  for (const std::string_view field : fields) {
    filled += !field.empty();
    numbers += parse_number(field, separator_ != ',').has_value();
  }
  return 2 * numbers > filled;
}

void CsvRead::read_header() {
  std::vector<std::string_view> fields;
  if (!records_.next(fields))
    throw Error(ErrorCode::kBadData, records_.name(),
                "is empty; expected a header line and examples");
  std::vector<std::string> names;
  for (const std::string_view field : fields) names.push_back(shown(field));
  const bool named =
      source_.column && holds(names, *source_.column) && !parse_number(*source_.column, false);
  if (records_.has_types() && source_.header != Header::kAuto)
    add_problem(":header= has no use: the file itself names its columns"),
        ready_.header = Header::kAuto;
  headless_ =
      (source_.header == Header::kNo && !records_.has_types()) ||
      (source_.header == Header::kAuto && !records_.has_types() && !named && is_data(fields));
  if (headless_)
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = std::to_string(i + 1);
  if (headless_ && source_.header == Header::kAuto && !predicting()) {
    add_problem(fmt::format(
        "it has no header line: its first line is an example ({}{}); with :header=no columns are "
        "named 1 to {}",
        shown(fmt::format(
            "{}",
            fmt::join(fields.begin(),
                      fields.begin() + std::min<std::ptrdiff_t>(4, std::ssize(fields)), ","))),
        fields.size() > 4 ? ",..." : "", fields.size()));
    ready_.header = Header::kNo;
  }
  const auto one_more = [&] { return records_.next(fields) && fields.size() == names.size() + 1; };
  if (!headless_ && one_more() && one_more())
    names.insert(names.begin(), "");  // rows begin with their names
  name_columns(names);
}

void CsvRead::name_columns(const std::vector<std::string>& names) {
  columns_.resize(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    columns_[i].name = names[i];
    columns_[i].position = i;
    if (!names[i].empty() &&
        std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
            names.begin() + static_cast<std::ptrdiff_t>(i))
      add_problem(fmt::format("two columns are called \"{}\"; rename one of them", names[i]));
  }
}

void CsvRead::open() {
  records_.restart();
  read_header();
  check_example();
  reading_.remarks = records_.remarks();
  if (headless_)
    reading_.remarks.push_back(
        fmt::format("there is no header line: columns are named 1 to {}", columns_.size()));
  assign_uses();
}

// A network of images takes no table of a few columns, whatever is mended in it.
void CsvRead::check_example() const {
  const std::vector<std::int64_t>& example = source_.example;
  const auto axes = std::ranges::count_if(example, [](std::int64_t extent) { return extent > 1; });
  const std::int64_t values = count(example);
  if (axes < 2 || std::ssize(columns_) >= values) return;
  throw Error(ErrorCode::kInvalidArgument, records_.name(),
              fmt::format("is a table of {} columns; the network takes examples of shape {}, {} "
                          "values: expected a column for each, or such examples (--data "
                          "images:DIR, idx:DIR, npz:FILE)",
                          columns_.size(), fmt::join(example, " x "), values));
}

// The column of that name; one past the last, and a problem, where there is none.
std::size_t CsvRead::find_column(const std::string& name, const char* option) {
  for (const CsvColumn& column : columns_)
    if (column.name == name || column.title() == name) return column.position;
  std::vector<std::string> names;
  for (const CsvColumn& column : columns_) names.push_back(column.title());
  const std::string near = nearest(name, names);
  const std::size_t shown_names = std::min<std::size_t>(names.size(), 40);
  add_problem(fmt::format(
      "there is no column \"{}\"{}{}; the columns are {}{}", name, option,
      near.empty() ? "" : fmt::format(", perhaps \"{}\"", near),
      fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown_names), ", "),
      names.size() > shown_names ? fmt::format(" and {} more", names.size() - shown_names) : ""));
  return columns_.size();
}

void CsvRead::find_label() {
  const std::string wanted = predicting() ? coding_->target : source_.column.value_or("label");
  if (predicting()) {
    for (const CsvColumn& column : columns_)
      if (column.name == wanted) label_ = column.position;
  } else if (source_.inputs_alone && !source_.column &&
             std::ranges::find(columns_, wanted, &CsvColumn::name) == columns_.end()) {
    // all are inputs
  } else if (const std::size_t at =
                 find_column(wanted, source_.column ? "" : " (say which one is to be predicted)");
             at < columns_.size()) {
    label_ = at;
  } else {
    unnamed_ = true;
  }
}

void CsvRead::assign_uses() {
  find_label();
  for (const std::string& name : source_.drop)
    if (const std::size_t at = find_column(name, " to drop"); at < columns_.size()) {
      columns_[at].use = CsvColumn::Use::kLeftOut;
    } else {
      std::erase(ready_.drop, name);
    }
  if (!group_.empty())
    if (const std::size_t at = find_column(group_, " for --group"); at < columns_.size())
      columns_[at].use = CsvColumn::Use::kGroup;
  for (const std::string& name : source_.text)
    if (const std::size_t at = find_column(name, " for :text"); at < columns_.size())
      columns_[at].text = true;
  for (const std::string& name : source_.numbers)
    if (const std::size_t at = find_column(name, " for :numbers"); at < columns_.size()) {
      columns_[at].lenient = true;
      if (columns_[at].text)
        add_problem(fmt::format("{} cannot be both: one of :text and :numbers", name));
    } else {
      std::erase(ready_.numbers, name);
    }
  if (label_ && columns_[*label_].use != CsvColumn::Use::kFeature)
    add_problem(fmt::format(
        "{} is to be predicted, and cannot be {} as well", columns_[*label_].title(),
        columns_[*label_].use == CsvColumn::Use::kGroup ? "the groups of --group" : "dropped"));
  if (label_) columns_[*label_].use = CsvColumn::Use::kLabel;
  if (predicting()) take_coding();
}

// The columns and their values are those that the model was trained on.
void CsvRead::take_coding() {
  for (CsvColumn& column : columns_) {
    const auto known = std::ranges::find(coding_->columns, column.title(), &TableColumn::name);
    if (known == coding_->columns.end() && column.use == CsvColumn::Use::kFeature)
      column.use = CsvColumn::Use::kLeftOut;
    if (known == coding_->columns.end() || column.use != CsvColumn::Use::kFeature) continue;
    column.text = !known->values.empty();
    for (const std::string& value : known->values) column.texts.code(value, 0);
  }
  for (const TableColumn& known : coding_->columns)
    if (const std::size_t at = find_column(known.name, ", which the model reads");
        at < columns_.size() && columns_[at].use != CsvColumn::Use::kFeature)
      add_problem(fmt::format(
          "the model reads the column {}, which is not to be one of the inputs here", known.name));
}

CsvTable CsvRead::run() {
  open();
  do read_rows();
  while (turn_columns());
  judge_columns();
  CsvTable table;
  table.rows = rows();
  judge_missing();
  judge_label(table);
  note_leaks(table);
  refuse();
  set_features(table);
  table.reading = std::move(reading_);
  table.data.rows = std::move(positions_);
  table.data.groups = std::move(groups_);
  table.data.name = std::filesystem::path(records_.name()).filename().string();
  if (label_) validate(table.data);
  return table;
}

void CsvRead::read_rows() {
  slots_ = 0;
  for (CsvColumn& column : columns_)
    if (column.use == CsvColumn::Use::kFeature) column.slot = slots_++;
  records_.restart();
  std::vector<std::string_view> fields;
  if (!headless_) records_.next(fields);
  while (records_.next(fields)) {
    take_row(fields, records_.line());
    if (count_ == kRowsBeforeReserving) reserve();
    if (count_ % kRowsBetweenReports == 0) report();
  }
  if (count_ == 0 && ragged_.count == 0)
    throw Error(ErrorCode::kBadData, records_.name(), "has a header line but no examples");
}

// For as many rows as the file holds, if they go on like these: growing by doubling would need
// three times the memory.
void CsvRead::reserve() {
  if (records_.size() == 0 || records_.bytes() <= 0) return;
  const double share = static_cast<double>(records_.bytes()) / static_cast<double>(records_.size());
  const auto rows = static_cast<std::size_t>(static_cast<double>(count_) / share * 1.03);
  values_.reserve(rows * slots_);
  label_&& columns_[*label_].text ? labels_.reserve(rows) : targets_.reserve(rows);
}

void CsvRead::report() const {
  if (watch_ && !watch_(records_.name(), records_.bytes(), records_.size()))
    throw Error(ErrorCode::kInterrupted, records_.name(),
                "was being read when it was interrupted; nothing is written");
}

void CsvRead::take_row(const std::vector<std::string_view>& fields, std::int64_t line) {
  if (fields.size() != columns_.size()) {
    if (ragged_.count == 0) ragged_fields_ = fields.size();
    return ragged_.add(line);
  }
  const std::size_t base = values_.size();
  values_.resize(base + slots_);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    CsvColumn& column = columns_[i];
    switch (column.use) {
      case CsvColumn::Use::kFeature:
        take_feature(column, fields[i], line, values_[base + column.slot]);
        break;
      case CsvColumn::Use::kLabel:
        take_label(column, fields[i], line);
        break;
      case CsvColumn::Use::kGroup:
        groups_.push_back(column.texts.code(fields[i], line));
        break;
      case CsvColumn::Use::kLeftOut:
        break;
    }
  }
  ++count_;
}

void CsvRead::take_feature(CsvColumn& column, std::string_view field, std::int64_t line,
                           float& value) {
  if (!column.text) {
    const auto number = parse_number(field, separator_ != ',');
    if (number && std::isfinite(static_cast<float>(*number))) {
      value = static_cast<float>(*number);
      decimal_commas_ =
          decimal_commas_ || (separator_ != ',' && field.find(',') != std::string_view::npos);
      return column.note_number(*number);
    }
    value = kMissing;
    if (marks_missing(field)) return column.missing.add(line);
    if (number || column.numbers > 0 || column.numeric || column.lenient || predicting()) {
      column.beyond += number.has_value();
      return column.note_other(field, line);
    }
    column.text = true;
  }
  if (field.empty() || (source_.missing != Missing::kKeep && marks_missing(field))) {
    value = kMissing;
    return column.missing.add(line);
  }
  if (!predicting()) {
    const bool full = column.texts.size() >= kMostTexts;  // no more are counted
    value = static_cast<float>(full ? column.texts.find(field) : column.texts.code(field, line));
    return;
  }
  const std::int32_t code = known_text(column, shown(field));
  if (code < 0 && column.unknown++ == 0) column.stranger = shown(field);
  value = static_cast<float>(code);  // -1: none of its values
}

// As it was trained, or the one that differs in upper and lower case only: programs write true,
// True and TRUE. -1: none.
std::int32_t CsvRead::known_text(const CsvColumn& column, const std::string& text) {
  const std::int32_t code = column.texts.find(text);
  if (code >= 0) return code;
  const auto same = [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  };
  std::int32_t found = -1;
  for (std::size_t i = 0; i < column.texts.size(); ++i) {
    if (!std::ranges::equal(column.texts.values()[i], text, same)) continue;
    if (found >= 0) return -1;
    found = static_cast<std::int32_t>(i);
  }
  return found;
}

void CsvRead::take_label(CsvColumn& column, std::string_view field, std::int64_t line) {
  const bool values = predicting() ? coding_->classes.empty() : source_.kind == CsvLabel::kValue;
  const bool missing =
      field.empty() || ((values || source_.missing != Missing::kKeep) && marks_missing(field));
  const auto number = missing ? std::nullopt : parse_number(field, separator_ != ',');
  const bool usable = number && std::isfinite(static_cast<float>(*number));
  const bool other = (values || column.lenient) && !missing && !usable;
  if (missing) column.missing.add(line);
  if (other) column.note_other(field, line);
  column.text = !values;
  if (values)
    targets_.push_back(usable ? static_cast<float>(*number) : kMissing);
  else
    labels_.push_back(missing || other ? -1 : column.texts.code(field, line));
}

CsvTable read_table(Records& records, const CsvSource& source, const std::string& group,
                    const Coding* coding, const ReadingWatch& watch) {
  return CsvRead(records, source, group, coding, watch).run();
}

CsvTable read_csv(TextStream& text, const CsvSource& source, const std::string& group,
                  const Coding* coding, const ReadingWatch& watch) {
  CsvRecords records(text, source.separator);
  return read_table(records, source, group, coding, watch);
}

CsvTable read_table_file(const CsvSource& source, const std::string& group, const Coding* coding,
                         const ReadingWatch& watch) {
  if (source.format == TableFormat::kCsv) {
    TextStream text(source.file);
    return read_csv(text, source, group, coding, watch);
  }
  const std::unique_ptr<Records> records = open_arrow(source.file, source.format);
  return read_table(*records, source, group, coding, watch);
}

}  // namespace undying::data
