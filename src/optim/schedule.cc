#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include "undying/error.h"
#include "undying/optimizer.h"

namespace undying {
namespace {

constexpr std::string_view kKnown = "constant, step:PERIOD[,GAMMA], cosine[:FINAL], one-cycle";

[[noreturn]] void fail(std::string_view what, const std::string& message) { throw Error(ErrorCode::kInvalidArgument, what, message); }

// From `from` at share 0 to `to` at share 1, along half a cosine.
double half_cosine(double from, double to, double share) { return to + (from - to) * 0.5 * (1.0 + std::cos(std::numbers::pi * share)); }

// PyTorch's OneCycleLR with its defaults: 30% up from 1/25, then down to 1/25e4; the last step reaches the end of a phase.
double one_cycle(std::int64_t step, std::int64_t total) {
  const double top = 0.3 * static_cast<double>(total) - 1.0;
  const double end = static_cast<double>(total) - 1.0;
  const double at = static_cast<double>(step);
  if (at <= top) return half_cosine(1.0 / 25.0, 1.0, top > 0.0 ? at / top : 1.0);
  return half_cosine(1.0, 1.0 / 25e4, end > top ? std::min(1.0, (at - top) / (end - top)) : 1.0);
}

double parse_number(std::string_view schedule, std::string_view text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    fail(fmt::format("schedule {}", schedule), fmt::format("\"{}\" is not a number; expected one of {}", text, kKnown));
  return value;
}

Schedule parse_step(std::string_view text, std::string_view values) {
  const auto comma = values.find(',');
  const double period = parse_number(text, values.substr(0, comma));
  if (!(period >= 1.0 && period <= 1e15 && period == std::floor(period)))
    fail(fmt::format("schedule {}", text), fmt::format("the period is {}; expected a whole number of steps, at least 1", period));
  Schedule schedule{.kind = Schedule::Kind::kStep, .period = static_cast<std::int64_t>(period)};
  if (comma != std::string_view::npos) schedule.gamma = parse_number(text, values.substr(comma + 1));
  if (!(schedule.gamma > 0.0)) fail(fmt::format("schedule {}", text), fmt::format("gamma is {}; expected above 0", schedule.gamma));
  return schedule;
}

}  // namespace

double learning_rate_factor(const Schedule& schedule, std::int64_t step, std::int64_t total) {
  if (schedule.warmup < 0 || schedule.warmup > total)
    fail("warm-up", fmt::format("is {} steps; expected 0..{}, the steps of the run", schedule.warmup, total));
  if (schedule.period < 1) fail("schedule period", fmt::format("is {}; expected at least 1", schedule.period));
  if (step < schedule.warmup) return static_cast<double>(step + 1) / static_cast<double>(schedule.warmup);
  const std::int64_t at = step - schedule.warmup;
  const std::int64_t length = std::max<std::int64_t>(1, total - schedule.warmup);
  switch (schedule.kind) {
    case Schedule::Kind::kStep:
      return std::pow(schedule.gamma, static_cast<double>(at / schedule.period));
    case Schedule::Kind::kCosine:
      return half_cosine(1.0, schedule.final_factor, static_cast<double>(at) / static_cast<double>(length));
    case Schedule::Kind::kOneCycle:
      return one_cycle(at, length);
    case Schedule::Kind::kConstant:
      break;
  }
  return 1.0;
}

Schedule parse_schedule(std::string_view text) {
  const auto colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const bool has_values = colon != std::string_view::npos;
  const std::string_view values = has_values ? text.substr(colon + 1) : std::string_view();
  if (name == "constant" && !has_values) return {};
  if (name == "one-cycle" && !has_values) return {.kind = Schedule::Kind::kOneCycle};
  if (name == "step" && has_values) return parse_step(text, values);
  if (name == "cosine") {
    Schedule schedule{.kind = Schedule::Kind::kCosine};
    if (has_values) schedule.final_factor = parse_number(text, values);
    if (!(schedule.final_factor >= 0.0 && schedule.final_factor <= 1.0))
      fail(fmt::format("schedule {}", text), fmt::format("the final factor is {}; expected 0..1", schedule.final_factor));
    return schedule;
  }
  fail(fmt::format("schedule {}", text), fmt::format("is not known; expected one of {}", kKnown));
}

}  // namespace undying
