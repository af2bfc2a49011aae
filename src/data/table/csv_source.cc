#include "data/table/csv_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/nearest.h"
#include "data/table/csv_reader.h"
#include "undying/error.h"

namespace undying::data {
namespace {

const std::vector<std::string> kOptions = {"label",   "target",  "drop",   "keep", "text",
                                           "numbers", "missing", "header", "sep",  "values"};

constexpr const char* kForm =
    "expected csv:FILE with any of :label=NAME, :target=NAME, :drop=NAME,..., :keep=NAME,..., "
    ":text=NAME,..., :numbers=NAME,..., "
    ":missing=drop|mean|keep, :header=yes|no, :sep=CHARACTER|tab|space, :values=N";

[[noreturn]] void fail(std::string_view text, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("data {}", text), message);
}

// Where ":NAME=" of an option begins at or behind `from`, outside quotes; npos where there is none.
std::size_t find_option(std::string_view text, std::size_t from) {
  bool quoted = false;
  for (std::size_t at = from; at < text.size(); ++at) {
    quoted ^= text[at] == '"';
    if (quoted || text[at] != ':') continue;
    const std::string_view name =
        text.substr(at + 1, std::min(text.find('=', at), text.size()) - at - 1);
    if (at + 1 + name.size() < text.size() && std::ranges::find(kOptions, name) != kOptions.end())
      return at;
  }
  return std::string_view::npos;
}

// Refuses what looks like an option behind the last colon and is none.
void refuse_unknown_option(std::string_view text, std::string_view part, bool is_file) {
  const auto colon = part.rfind(':');
  const std::string_view last =
      colon == std::string_view::npos ? std::string_view() : part.substr(colon + 1);
  const auto equals = last.find('=');
  if (equals == std::string_view::npos || last.find('/') != std::string_view::npos ||
      last.find('"') != std::string_view::npos)
    return;
  std::error_code ignored;
  if (is_file && std::filesystem::exists(part, ignored)) return;
  const std::string near = nearest(last.substr(0, equals), kOptions);
  fail(text, fmt::format("has the option \"{}\"{}; {}", last.substr(0, equals),
                         near.empty() ? "" : fmt::format(", perhaps {}", near), kForm));
}

// "a,b" or "\"a,b\",c": names may be quoted.
std::vector<std::string> names_in(std::string_view value) {
  std::vector<std::string> names(1);
  bool quoted = false;
  for (const char c : value) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      names.emplace_back();
    } else {
      names.back() += c;
    }
  }
  return names;
}

std::string unquoted(std::string_view value) {
  if (value.size() > 1 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  return std::string(value);
}

template <class T>
T one_of(std::string_view text, std::string_view option, std::string_view value,
         std::initializer_list<std::pair<const char*, T>> known) {
  std::string names;
  for (const auto& [name, meaning] : known) {
    if (value == name) return meaning;
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  fail(text, fmt::format("has :{}={}; expected one of {}", option, value, names));
}

void set_option(CsvSource& source, std::string_view text, std::string_view name,
                std::string_view value) {
  if (value.empty())
    fail(text, fmt::format("names no {} behind :{}=; {}",
                           name == "label" || name == "target" ? "column" : "value", name, kForm));
  if (name == "label" || name == "target") {
    if (source.column) fail(text, "names two columns to predict; expected one :label= or :target=");
    source.column = unquoted(value);
    source.kind = name == "target" ? CsvLabel::kValue : CsvLabel::kAny;
  } else if (name == "drop") {
    source.drop = names_in(value);
  } else if (name == "keep") {
    source.keep = names_in(value);
  } else if (name == "text") {
    source.text = names_in(value);
  } else if (name == "numbers") {
    source.numbers = names_in(value);
  } else if (name == "missing") {
    source.missing = one_of<Missing>(
        text, name, value,
        {{"drop", Missing::kDrop}, {"mean", Missing::kMean}, {"keep", Missing::kKeep}});
  } else if (name == "header") {
    source.header = one_of<Header>(text, name, value, {{"yes", Header::kYes}, {"no", Header::kNo}});
  } else if (name == "sep") {
    if (value != "tab" && value != "space" && value.size() != 1)
      fail(text, fmt::format("has :sep={}; expected one character, tab or space", value));
    source.separator = value == "tab" ? '\t' : value == "space" ? ' ' : value[0];
  } else {
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), source.most_values);
    if (error != std::errc() || end != value.data() + value.size() || source.most_values < 2 ||
        source.most_values > 10000)
      fail(text,
           fmt::format("has :values={}; expected the most values a text column may have, 2..10000",
                       value));
  }
}

std::string quoted(const std::string& name, bool list) {
  const bool plain = find_option(":" + name, 0) == std::string::npos &&
                     name.find(list ? "," : "\"") == std::string::npos;
  return plain ? name : '"' + name + '"';
}

std::string list_form(const char* option, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + quoted(name, true);
  return names.empty() ? "" : fmt::format(":{}={}", option, text);
}

}  // namespace

std::string_view name(TableFormat format) {
  return format == TableFormat::kCsv       ? "csv"
         : format == TableFormat::kParquet ? "parquet"
                                           : "arrow";
}

std::optional<TableFormat> table_format(std::string_view text) {
  for (const TableFormat format : {TableFormat::kCsv, TableFormat::kParquet, TableFormat::kArrow})
    if (name(format) == text) return format;
  return std::nullopt;
}

std::string CsvSource::text_form() const {
  std::string form = std::string(name(format)) + ":" + file;
  if (header != Header::kAuto) form += header == Header::kYes ? ":header=yes" : ":header=no";
  if (separator) form += ":sep=" + separator_name(*separator);
  if (column) form += (kind == CsvLabel::kValue ? ":target=" : ":label=") + quoted(*column, false);
  form += list_form("drop", drop) + list_form("keep", keep) + list_form("text", text) +
          list_form("numbers", numbers);
  if (missing != Missing::kRefuse)
    form += missing == Missing::kDrop   ? ":missing=drop"
            : missing == Missing::kMean ? ":missing=mean"
                                        : ":missing=keep";
  if (most_values != CsvSource{}.most_values) form += fmt::format(":values={}", most_values);
  return form;
}

CsvSource parse_csv_source(std::string_view text, TableFormat format) {
  CsvSource source{.format = format};
  std::size_t at = find_option(text, 0);
  source.file = text.substr(0, at);
  refuse_unknown_option(text, source.file, true);
  while (at != std::string_view::npos) {
    const std::size_t equals = text.find('=', at);
    const std::size_t next = find_option(text, equals + 1);
    const std::string_view value =
        text.substr(equals + 1, next == std::string_view::npos ? next : next - equals - 1);
    refuse_unknown_option(text, value, false);
    set_option(source, text, text.substr(at + 1, equals - at - 1), value);
    at = next;
  }
  return source;
}

}  // namespace undying::data
