#include "cli/flags/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "cli/flags/parse.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

using Count = std::int64_t (Diagnosis::*)() const;

constexpr std::array<std::pair<std::string_view, Count>, 7> kMetrics = {
    {{"dead", &Diagnosis::dead},
     {"locked", &Diagnosis::locked},
     {"always-negative", &Diagnosis::always_negative},
     {"dormant", &Diagnosis::dormant},
     {"constant", &Diagnosis::constant},
     {"zero-weights", &Diagnosis::zero_weights},
     {"saturated", &Diagnosis::saturated_units}}};
constexpr std::string_view kOutOfReach = "out-of-reach";

std::string dashed(std::string_view finding) {
  std::string text(finding);
  std::ranges::replace(text, ' ', '-');
  return text;
}

std::string expected() {
  std::string text = "expected METRIC>SHARE or METRIC>=SHARE, such as 'dead>5%', of ";
  for (const auto& [name, count] : kMetrics) text += std::string(name) + ", ";
  text += std::string(kOutOfReach) + "; or a finding: ";
  for (const std::string_view name : finding_names())
    text += (name == finding_names().front() ? "" : ", ") + dashed(name);
  return text;
}

[[noreturn]] void fail(std::string_view flag, std::string_view text, std::string_view found) {
  throw Error(ErrorCode::kInvalidArgument, flag,
              fmt::format("\"{}\" {}; {}", text, found, expected()));
}

Condition parse_finding(std::string_view flag, std::string_view text) {
  for (const std::string_view name : finding_names())
    if (dashed(name) == text)
      return {.metric = std::string(name), .of_finding = true, .text = std::string(text)};
  fail(flag, text, "has no > and is no finding");
}

std::int64_t count_of(const Condition& condition, const Diagnosis& diagnosis) {
  for (const auto& [name, count] : kMetrics)
    if (name == condition.metric) return (diagnosis.*count)();
  return 0;
}

// What the share is of, and how much of it there is.
std::pair<double, double> part_and_whole(const Condition& condition, const Diagnosis& diagnosis) {
  if (condition.metric == kOutOfReach) return {diagnosis.reach ? diagnosis.reach->share : 0.0, 1.0};
  return {static_cast<double>(count_of(condition, diagnosis)),
          static_cast<double>(diagnosis.units())};
}

}  // namespace

Condition parse_condition(std::string_view flag, std::string_view text) {
  const auto sign = text.find('>');
  if (sign == std::string_view::npos) return parse_finding(flag, text);
  Condition condition{.metric = std::string(text.substr(0, sign)), .text = std::string(text)};
  bool known = condition.metric == kOutOfReach;
  for (const auto& [name, count] : kMetrics) known = known || name == condition.metric;
  if (!known) fail(flag, text, fmt::format("asks for \"{}\"", condition.metric));
  std::string_view value = text.substr(sign + 1);
  condition.or_equal = value.starts_with('=');
  if (condition.or_equal) value.remove_prefix(1);
  const bool percent = value.ends_with('%');
  if (percent) value.remove_suffix(1);
  if (percent) condition.whole = 100.0;
  condition.bound = parse_real(flag, value, 0.0, condition.whole);
  return condition;
}

bool met(const Condition& condition, const Diagnosis& diagnosis) {
  if (condition.of_finding) return diagnosis.found(condition.metric);
  const auto [part, whole] = part_and_whole(condition, diagnosis);
  const double count = part * condition.whole;  // 7 of 100 is 7% to the bit
  const double bound = condition.bound * whole;
  return condition.or_equal ? count >= bound : count > bound;
}

std::string found_text(const Condition& condition, const Diagnosis& diagnosis) {
  if (condition.of_finding)
    return std::ranges::find(diagnosis.findings, condition.metric, &Finding::what)->evidence;
  const auto [part, whole] = part_and_whole(condition, diagnosis);
  if (condition.metric == kOutOfReach) return fmt::format("{:.2f}% of the targets", 100.0 * part);
  return fmt::format("{} of {} units, {:.2f}%", count_of(condition, diagnosis), diagnosis.units(),
                     100.0 * part / whole);
}

}  // namespace undying::cli
