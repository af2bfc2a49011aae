#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>

#include "undying/error.h"
#include "undying/optimizer.h"

namespace undying {
namespace {

[[noreturn]] void fail(std::string_view what, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, what, message);
}

// From `from` at share 0 to `to` at share 1, along half a cosine.
double half_cosine(double from, double to, double share) {
  return to + (from - to) * 0.5 * (1.0 + std::cos(std::numbers::pi * share));
}

// PyTorch's OneCycleLR with its defaults: 30% up from 1/25, then down to 1/25e4; the last step
// reaches the end of a phase.
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
    fail(fmt::format("schedule {}", schedule),
         fmt::format("\"{}\" is not a number; expected one of {}", text,
                     fmt::join(schedule_forms(), ", ")));
  return value;
}

void parse_step(std::string_view text, std::string_view values, Schedule& schedule) {
  const auto comma = values.find(',');
  const double period = parse_number(text, values.substr(0, comma));
  if (!(period >= 1.0 && period <= 1e15 && period == std::floor(period)))
    fail(fmt::format("schedule {}", text),
         fmt::format("the period is {}; expected a whole number of steps, at least 1", period));
  schedule.period = static_cast<std::int64_t>(period);
  if (comma != std::string_view::npos)
    schedule.gamma = parse_number(text, values.substr(comma + 1));
  if (!(schedule.gamma > 0.0))
    fail(fmt::format("schedule {}", text),
         fmt::format("gamma is {}; expected above 0", schedule.gamma));
}

void parse_cosine(std::string_view text, std::string_view values, Schedule& schedule) {
  schedule.final_factor = parse_number(text, values);
  if (!(schedule.final_factor >= 0.0 && schedule.final_factor <= 1.0))
    fail(fmt::format("schedule {}", text),
         fmt::format("the final factor is {}; expected 0..1", schedule.final_factor));
}

// One schedule, behind its warm-up: step `at` of `length`.
struct Row {
  Schedule::Kind kind;
  std::string_view form;  // as it is written
  double (*factor)(const Schedule& schedule, std::int64_t at, std::int64_t length);
  void (*parse)(std::string_view text, std::string_view values,
                Schedule& schedule) = nullptr;  // what is behind the colon; null: nothing
  std::string (*values)(const Schedule& schedule) = nullptr;

  std::string_view name() const { return form.substr(0, form.find_first_of(":[")); }
  bool needs_values() const { return form.find(':') < form.find('['); }
};

using Kind = Schedule::Kind;

constexpr std::array kRows = {
    Row{Kind::kConstant, "constant",
        [](const Schedule&, std::int64_t, std::int64_t) { return 1.0; }},
    Row{Kind::kStep, "step:PERIOD[,GAMMA]",
        [](const Schedule& s, std::int64_t at, std::int64_t) {
          const std::int64_t steps = at / s.period;
          return std::pow(s.gamma, static_cast<double>(steps));
        },
        parse_step, [](const Schedule& s) { return fmt::format("{},{}", s.period, s.gamma); }},
    Row{Kind::kCosine, "cosine[:FINAL]",
        [](const Schedule& s, std::int64_t at, std::int64_t length) {
          return half_cosine(1.0, s.final_factor,
                             static_cast<double>(at) / static_cast<double>(length));
        },
        parse_cosine, [](const Schedule& s) { return fmt::format("{}", s.final_factor); }},
    Row{Kind::kOneCycle, "one-cycle", [](const Schedule&, std::int64_t at, std::int64_t length) {
          return one_cycle(at, length);
        }}};

const Row& row_of(const Schedule& schedule) {
  return *std::ranges::find(kRows, schedule.kind, &Row::kind);
}

}  // namespace

double learning_rate_factor(const Schedule& schedule, std::int64_t step, std::int64_t total) {
  if (schedule.warmup < 0 || schedule.warmup > total)
    fail("warm-up",
         fmt::format("is {} steps; expected 0..{}, the steps of the run", schedule.warmup, total));
  if (schedule.period < 1)
    fail("schedule period", fmt::format("is {}; expected at least 1", schedule.period));
  if (step < schedule.warmup)
    return static_cast<double>(step + 1) / static_cast<double>(schedule.warmup);
  return row_of(schedule).factor(schedule, step - schedule.warmup,
                                 std::max<std::int64_t>(1, total - schedule.warmup));
}

Schedule parse_schedule(std::string_view text) {
  const auto colon = text.find(':');
  const bool has_values = colon != std::string_view::npos;
  for (const Row& row : kRows) {
    if (row.name() != text.substr(0, colon) ||
        (has_values ? row.parse == nullptr : row.needs_values()))
      continue;
    Schedule schedule{.kind = row.kind};
    if (has_values) row.parse(text, text.substr(colon + 1), schedule);
    return schedule;
  }
  fail(fmt::format("schedule {}", text),
       fmt::format("is not known; expected one of {}", fmt::join(schedule_forms(), ", ")));
}

std::string specification(const Schedule& schedule) {
  const Row& row = row_of(schedule);
  return std::string(row.name()) + (row.values == nullptr ? "" : ":" + row.values(schedule));
}

std::vector<std::string> schedule_forms() {
  std::vector<std::string> forms;
  for (const Row& row : kRows) forms.emplace_back(row.form);
  return forms;
}

}  // namespace undying
