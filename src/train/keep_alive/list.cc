#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <string>

#include "base/nearest.h"
#include "train/keep_alive/rules.h"
#include "undying/error.h"
#include "undying/settings.h"

namespace undying {
namespace {

using train::RuleNumber;
using train::RuleRow;

[[noreturn]] void fail(std::string_view text, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("keep alive \"{}\"", text), message);
}

std::string form_of(const RuleRow& row) {
  std::string form(row.name);
  std::string end;
  for (const RuleNumber& number : row.numbers) {
    form += fmt::format("[{}{}", end.empty() ? ':' : ',', number.name);
    end += "]";
  }
  return form + end;
}

const RuleRow& row_named(std::string_view name) {
  for (const RuleRow& row : train::rule_rows())
    if (row.name == name) return row;
  std::vector<std::string> names;
  for (const RuleRow& row : train::rule_rows()) names.emplace_back(row.name);
  const std::string near = nearest(name, names);
  fail(name,
       fmt::format("is not known{}; expected none, or one of {}, or several joined by +",
                   near.empty() ? "" : ", perhaps " + near, fmt::join(keep_alive_forms(), ", ")));
}

double parse_number(std::string_view text, const RuleRow& row, const RuleNumber& number,
                    std::string_view found) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(found.data(), found.data() + found.size(), value);
  const bool is_number = error == std::errc() && end == found.data() + found.size();
  if (!is_number || !(value >= number.least && value <= number.greatest) ||
      (number.whole && value != std::floor(value)))
    fail(text,
         fmt::format("{} of {} is \"{}\"; expected a {}number in {}..{}", number.name, row.name,
                     found, number.whole ? "whole " : "", number.least, number.greatest));
  return value;
}

KeepAlive::Rule parse_rule(std::string_view text) {
  const auto colon = text.find(':');
  const RuleRow& row = row_named(text.substr(0, colon));
  KeepAlive::Rule rule{.name = std::string(row.name)};
  for (const RuleNumber& number : row.numbers) rule.values.push_back(number.initial);
  if (colon == std::string_view::npos) return rule;
  std::string_view rest = text.substr(colon + 1);
  for (std::size_t i = 0;; ++i) {
    if (i == row.numbers.size())
      fail(text, fmt::format("has \"{}\" behind its last number; expected {}", rest, form_of(row)));
    const auto comma = rest.find(',');
    rule.values[i] = parse_number(text, row, row.numbers[i], rest.substr(0, comma));
    if (comma == std::string_view::npos) return rule;
    rest.remove_prefix(comma + 1);
  }
}

std::string text_of(const KeepAlive::Rule& rule) {
  const RuleRow& row = row_named(rule.name);
  std::size_t shown = rule.values.size();
  while (shown > 0 && rule.values[shown - 1] == row.numbers[shown - 1].initial) --shown;
  std::string text = rule.name;
  for (std::size_t i = 0; i < shown; ++i)
    text += fmt::format("{}{}", i == 0 ? ':' : ',', rule.values[i]);
  return text;
}

std::string_view without_spaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::span<const RuleRow> train::rule_rows() {
#define UNDYING_ROW(NAME) NAME##_rule(),
  static const std::vector<RuleRow> rows = {UNDYING_KEEP_ALIVE_RULES(UNDYING_ROW)};
#undef UNDYING_ROW
  return rows;
}

double train::first_step(const KeepAlive::Rule& rule, std::int64_t units) {
  const RuleRow& row = row_named(rule.name);
  return row.first_step(rule.values, static_cast<double>(units));
}

std::vector<std::string> keep_alive_forms() {
  std::vector<std::string> forms;
  for (const RuleRow& row : train::rule_rows()) forms.push_back(form_of(row));
  return forms;
}

KeepAlive parse_keep_alive(std::string_view text) {
  KeepAlive keep;
  if (text == "none") return keep;
  for (std::string_view rest = text;;) {
    const auto plus = rest.find('+');
    KeepAlive::Rule rule = parse_rule(without_spaces(rest.substr(0, plus)));
    for (const KeepAlive::Rule& other : keep.rules)
      if (other.name == rule.name) fail(text, rule.name + " is given more than once");
    keep.rules.push_back(std::move(rule));
    if (plus == std::string_view::npos) return keep;
    rest.remove_prefix(plus + 1);
  }
}

std::string KeepAlive::specification() const {
  std::string text;
  for (const Rule& rule : rules) text += (text.empty() ? "" : " + ") + text_of(rule);
  return text.empty() ? "none" : text;
}

}  // namespace undying
