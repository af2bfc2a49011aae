#include "cli/condition.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "cli/parse.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

using Count = std::int64_t (Diagnosis::*)() const;

constexpr std::array<std::pair<std::string_view, Count>, 5> kMetrics = {{{"dead", &Diagnosis::dead},
                                                                         {"locked", &Diagnosis::locked},
                                                                         {"always-negative", &Diagnosis::always_negative},
                                                                         {"dormant", &Diagnosis::dormant},
                                                                         {"saturated", &Diagnosis::saturated_units}}};

constexpr const char* kExpected =
    "expected METRIC>SHARE or METRIC>=SHARE, such as 'dead>5%', of dead, locked, always-negative, dormant, saturated";

[[noreturn]] void fail(std::string_view flag, std::string_view text, std::string_view found) {
  throw Error(ErrorCode::kInvalidArgument, flag, fmt::format("\"{}\" {}; {}", text, found, kExpected));
}

}  // namespace

Condition parse_condition(std::string_view flag, std::string_view text) {
  const auto sign = text.find('>');
  if (sign == std::string_view::npos) fail(flag, text, "has no >");
  Condition condition{.metric = std::string(text.substr(0, sign)), .text = std::string(text)};
  bool known = false;
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

std::int64_t count_of(const Condition& condition, const Diagnosis& diagnosis) {
  for (const auto& [name, count] : kMetrics)
    if (name == condition.metric) return (diagnosis.*count)();
  return 0;
}

bool met(const Condition& condition, const Diagnosis& diagnosis) {
  const double count = static_cast<double>(count_of(condition, diagnosis)) * condition.whole;  // 7 of 100 is 7% to the bit
  const double bound = condition.bound * static_cast<double>(diagnosis.units());
  return condition.or_equal ? count >= bound : count > bound;
}

}  // namespace undying::cli
