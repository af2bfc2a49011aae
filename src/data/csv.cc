#include "data/csv.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "undying/error.h"

namespace undying::data {
namespace {

// Records of a CSV text, one at a time.
class Reader {
 public:
  Reader(std::string_view content, const std::string& source) : rest_(content), source_(source) {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  }

  // The fields of the next record, empty lines left out; false at the end.
  bool next(std::vector<std::string>& fields) {
    for (;;) {
      if (rest_.empty()) return false;
      line_ = ++last_line_;
      read_record(fields);
      if (fields.size() > 1 || !fields[0].empty()) return true;
    }
  }

  std::int64_t line() const { return line_; }  // where the record began

 private:
  void read_record(std::vector<std::string>& fields) {
    fields.clear();
    do fields.push_back(read_field());
    while (take(','));
    take('\r');
    if (rest_.empty() || take('\n')) return;
    const bool alone = rest_.data()[-1] == '\r';
    throw Error(ErrorCode::kBadData, source_,
                fmt::format("line {}: {}", line_,
                            alone ? "a carriage return stands alone; save the file with line feeds (LF or CRLF) at the ends of lines"
                                  : "text follows a closing quote"));
  }

  std::string read_field() {
    if (take('"')) return read_quoted();
    const auto end = std::min(rest_.find_first_of(",\r\n"), rest_.size());
    std::string field(rest_.substr(0, end));
    rest_.remove_prefix(end);
    const auto first = field.find_first_not_of(" \t");
    if (first == std::string::npos) return "";
    return field.substr(first, field.find_last_not_of(" \t") - first + 1);
  }

  std::string read_quoted() {
    std::string field;
    for (;;) {
      const auto quote = rest_.find('"');
      if (quote == std::string_view::npos)
        throw Error(ErrorCode::kBadData, source_, fmt::format("line {}: a quote is never closed", line_));
      last_line_ += std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(quote), '\n');
      field += rest_.substr(0, quote);
      rest_.remove_prefix(quote + 1);
      if (!take('"')) return field;
      field += '"';
    }
  }

  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
  const std::string& source_;
  std::int64_t line_ = 0;
  std::int64_t last_line_ = 0;
};

std::optional<double> number(const std::string& text) {
  double value = 0.0;
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::size_t find_label(const std::vector<std::string>& header, std::string_view label, const std::string& source) {
  const auto at = std::find(header.begin(), header.end(), label);
  if (header.size() == 1 && header[0].find_first_of(";\t") != std::string::npos)
    throw Error(ErrorCode::kBadData, source,
                fmt::format("its header is one field, \"{}\"; expected fields separated by commas", header[0]));
  if (at == header.end())
    throw Error(
        ErrorCode::kBadData, source,
        fmt::format("has no column \"{}\"; its columns are {}. Choose one with csv:FILE:label=NAME", label, fmt::join(header, ", ")));
  if (std::find(at + 1, header.end(), label) != header.end())
    throw Error(ErrorCode::kBadData, source, fmt::format("has two columns \"{}\"", label));
  return static_cast<std::size_t>(at - header.begin());
}

void refuse_repeated_columns(const std::vector<std::string>& header, const std::string& source) {
  for (auto at = header.begin(); at != header.end(); ++at)
    if (std::find(header.begin(), at, *at) != at) throw Error(ErrorCode::kBadData, source, fmt::format("has two columns \"{}\"", *at));
}

void set_classes(Dataset& data, const std::vector<std::string>& labels, bool integers) {
  const auto before = [integers](const std::string& a, const std::string& b) { return integers ? *number(a) < *number(b) : a < b; };
  std::map<std::string, std::int32_t, decltype(before)> classes(before);
  for (const std::string& label : labels) classes.emplace(label, 0);
  std::int32_t next = 0;
  for (auto& [label, index] : classes) {
    index = next++;
    data.class_names.push_back(label);
  }
  if (next < 2) data.class_names.clear();
  for (const std::string& label : labels) data.labels.push_back(classes.at(label));
  data.classes = std::max<std::int64_t>(2, next);
}

void set_labels(Dataset& data, const std::vector<std::string>& labels, std::string_view column, CsvLabel kind) {
  bool numbers = true;
  bool integers = true;
  for (const std::string& label : labels) {
    const auto value = number(label);
    numbers = numbers && value.has_value();
    integers = integers && value.has_value() && *value == std::floor(*value);
    if (kind == CsvLabel::kValue && !value)
      throw Error(ErrorCode::kBadData, data.name,
                  fmt::format("column {}: \"{}\" is not a number; expected values to predict", column, label));
  }
  if (kind == CsvLabel::kAny && (!numbers || integers)) return set_classes(data, labels, integers);
  data.outputs = 1;
  for (const std::string& label : labels) data.targets.push_back(static_cast<float>(*number(label)));
}

}  // namespace

Dataset parse_csv(std::string_view content, const std::string& source, std::string_view label, CsvLabel kind) {
  Reader reader(content, source);
  std::vector<std::string> header;
  if (!reader.next(header)) throw Error(ErrorCode::kBadData, source, "is empty; expected a header line and examples");
  const std::size_t label_column = find_label(header, label, source);
  refuse_repeated_columns(header, source);
  if (header.size() < 2) throw Error(ErrorCode::kBadData, source, "has a label column only; expected at least one feature");
  Dataset data{.name = source, .shape = {static_cast<std::int64_t>(header.size()) - 1}};
  std::vector<std::string> labels;
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    const auto fail = [&](const std::string& message) {
      throw Error(ErrorCode::kBadData, source, fmt::format("line {}: {}", reader.line(), message));
    };
    if (fields.size() != header.size()) fail(fmt::format("has {} fields; the header has {}", fields.size(), header.size()));
    for (std::size_t column = 0; column < fields.size(); ++column) {
      if (column == label_column) {
        if (fields[column].empty()) fail(fmt::format("column {}: the label is empty; fill it in or remove the line", label));
        labels.push_back(fields[column]);
        continue;
      }
      const auto value = number(fields[column]);
      if (!value || !std::isfinite(static_cast<float>(*value)))
        fail(
            fmt::format("column {}: \"{}\" is not a finite number, as every column but the label has to be; fill in or remove the line, or "
                        "take the column out",
                        header[column], fields[column]));
      data.values.push_back(static_cast<float>(*value));
    }
    ++data.size;
  }
  if (data.size == 0) throw Error(ErrorCode::kBadData, source, "has a header line but no examples");
  set_labels(data, labels, label, kind);
  validate(data);
  return data;
}

CsvSource parse_csv_source(std::string_view text) {
  for (const auto& [option, kind] :
       {std::pair{std::string_view(":label="), CsvLabel::kAny}, {std::string_view(":target="), CsvLabel::kValue}}) {
    const auto at = text.rfind(option);
    if (at == std::string_view::npos) continue;
    const std::string_view column = text.substr(at + option.size());
    if (column.empty())
      throw Error(ErrorCode::kInvalidArgument, fmt::format("data csv:{}", text),
                  "names no column; expected csv:FILE:label=NAME or csv:FILE:target=NAME");
    return {std::string(text.substr(0, at)), std::string(column), kind};
  }
  const auto colon = text.rfind(':');
  const std::string_view last = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (last.find('=') != std::string_view::npos && last.find('/') == std::string_view::npos && !std::filesystem::exists(text))
    throw Error(ErrorCode::kInvalidArgument, fmt::format("data csv:{}", text),
                fmt::format("has the option \"{}\"; expected csv:FILE:label=NAME or csv:FILE:target=NAME", last.substr(0, last.find('='))));
  return {std::string(text)};
}

}  // namespace undying::data
