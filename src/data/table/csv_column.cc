#include "data/table/csv_column.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

namespace undying::data {
namespace {

constexpr std::size_t kLinesShown = 3;

bool digit(char c) { return c >= '0' && c <= '9'; }

// The length of the UTF-8 sequence that begins there; 0 where none does.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(at);
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xC2 && first < 0xE0 ? 2
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xF0 && first < 0xF5 ? 4
                                                             : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  return length;
}

// What stands for a number that double does not hold: 0 where it is too small.
double beyond(std::string_view number) {
  const std::size_t exponent = number.find_first_of("eE");
  const bool small = exponent == std::string_view::npos
                         ? number.find_first_not_of("-0") == number.find('.')
                         : number.substr(exponent + 1).starts_with('-');
  const double sign = number.starts_with('-') ? -1.0 : 1.0;
  return sign * (small ? 0.0 : std::numeric_limits<double>::infinity());
}

struct Parsed {
  double value = 0.0;
  std::size_t length = 0;  // of what was read
};

Parsed parse(std::string_view text) {
  Parsed parsed;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed.value);
  if (error == std::errc::invalid_argument) return parsed;
  parsed.length = static_cast<std::size_t>(end - text.data());
  if (error == std::errc::result_out_of_range) parsed.value = beyond(text.substr(0, parsed.length));
  return parsed;
}

}  // namespace

std::optional<double> parse_number(std::string_view field, bool decimal_comma) {
  if (field.starts_with('+')) field.remove_prefix(1);
  const Parsed plain = parse(field);
  if (plain.length == field.size() && !field.empty()) return plain.value;
  if (plain.length == 0 || !decimal_comma || field[plain.length] != ',' ||
      field.find('.') != std::string_view::npos)
    return std::nullopt;
  std::string pointed(field);
  pointed[plain.length] = '.';
  const Parsed whole = parse(pointed);
  return whole.length == pointed.size() ? std::optional(whole.value) : std::nullopt;
}

bool marks_missing(std::string_view field) {
  if (field.size() > 5) return false;
  static constexpr std::string_view kMarks[] = {"",  "na", "n/a", "nan",  "-nan", "null", "none",
                                                "?", "-",  "nil", "#n/a", "<na>", "."};
  return std::ranges::find(kMarks, lower(field)) != std::end(kMarks);
}

bool looks_like_date(std::string_view field) {
  const auto part = [&field](std::size_t most) {
    std::size_t length = 0;
    while (length < field.size() && digit(field[length])) ++length;
    field.remove_prefix(length);
    return length >= 1 && length <= most;
  };
  if (!part(4) || field.empty() || (field[0] != '-' && field[0] != '/' && field[0] != '.'))
    return false;
  const char between = field[0];
  field.remove_prefix(1);
  if (!part(2)) return false;
  if (field.empty()) return between == '-';  // a month of a year
  if (field[0] != between) return false;
  field.remove_prefix(1);
  return part(4);
}

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return low;
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

std::string shown(std::string_view text) {
  std::string safe;
  bool valid = true;
  for (std::size_t at = 0; at < text.size() && valid;
       at += std::max<std::size_t>(1, sequence_length(text, at)))
    valid = sequence_length(text, at) > 0;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20 || byte == 0x7F) {
      safe += ' ';
    } else if (valid || byte < 0x80) {
      safe += c;
    } else {
      safe += static_cast<char>(0xC0 | byte >> 6);
      safe += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return safe;
}

void Occurrences::add(std::int64_t line) {
  ++count;
  if (lines.size() < kLinesShown) lines.push_back(line);
}

std::string Occurrences::text(std::string_view what) const {
  return fmt::format("{}{} {}{}", what, count == 1 ? "" : "s", fmt::join(lines, ", "),
                     count > static_cast<std::int64_t>(lines.size()) ? ", ..." : "");
}

std::int32_t Texts::code(std::string_view text, std::int64_t line) {
  auto at = codes_.find(text);
  if (at == codes_.end()) {
    at = codes_.emplace(std::string(text), static_cast<std::int32_t>(values_.size())).first;
    values_.emplace_back(text);
    seen_.emplace_back();
  }
  if (line > 0) seen_[at->second].add(line);
  return at->second;
}

std::int32_t Texts::find(std::string_view text) const {
  const auto at = codes_.find(text);
  return at == codes_.end() ? -1 : at->second;
}

std::int64_t Texts::fields() const {
  std::int64_t count = 0;
  for (const Occurrences& seen : seen_) count += seen.count;
  return count;
}

void CsvColumn::note_number(double value) {
  counting = counting && (numbers == 0 || value == last + 1.0);
  rising = rising && (numbers == 0 || value > last);
  whole = whole && value == std::floor(value);
  last = value;
  ++numbers;
}

void CsvColumn::note_other(std::string_view field, std::int64_t line) {
  if (others.count == 0) other = shown(field);
  others.add(line);
  if (lenient) missing.add(line);
}

std::string CsvColumn::title() const {
  return name.empty() ? fmt::format("column {} (no name)", position + 1) : name;
}

}  // namespace undying::data
