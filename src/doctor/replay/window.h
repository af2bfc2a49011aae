#ifndef UNDYING_DOCTOR_REPLAY_WINDOW_H_
#define UNDYING_DOCTOR_REPLAY_WINDOW_H_

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>

#include "doctor/replay/replay.h"

namespace undying::doctor {

// The steps that matter for an event. Where it is dated, `turn` is the step whose update ended what
// training saw of it: a death's own; a revival's is the step before the first that saw it fire.
struct Window {
  std::int64_t start = 0;  // where it begins
  std::int64_t turn = 0;   // where it ends; of a death that still fires on some of the rows, one of
                           // `later`, or the census
  std::int64_t census = 0;  // that surely knew the unit dead: the first from a death on, the last
                            // up to a revival
  bool dated = true;
  std::set<std::int64_t> later = {};
  std::set<std::int64_t> looks = {};  // of one between two censuses: where it may be cut shorter

  std::int64_t last() const { return std::max(turn, census); }
  // All after which the network's numbers are needed.
  std::set<std::int64_t> steps() const {
    std::set<std::int64_t> all{start, turn, census};
    if (dated) all.insert(std::max(start, turn - 1));
    all.insert(later.begin(), later.end());
    all.insert(looks.begin(), looks.end());
    return all;
  }
};

// The last census before `step`, or at it where `or_at`; 0: there is none.
inline std::int64_t census_before(std::span<const std::int64_t> censuses, std::int64_t step,
                                  bool or_at) {
  std::int64_t last = 0;
  for (const std::int64_t census : censuses)
    if (census < step || (or_at && census == step)) last = census;
  return last;
}

// `count` evenly spaced steps, or all, from `start` to `end`.
inline std::set<std::int64_t> spread(std::int64_t start, std::int64_t end, std::int64_t count) {
  std::set<std::int64_t> steps{start, end};
  count = std::min(count, end - start);
  for (std::int64_t i = 1; i < count; ++i) steps.insert(start + i * (end - start) / count);
  return steps;
}

// Between two censuses. Each costs a pass over the rows for every layer that is looked at.
inline constexpr std::int64_t kLooks = 8;

inline Window window_of(const UnitEvent& event, std::span<const std::int64_t> censuses,
                        std::int64_t last, bool dated) {
  const std::int64_t step = event.step;
  const std::int64_t before = census_before(censuses, step, false);
  if (!dated)
    return {.start = before,
            .turn = step,
            .census = event.kind == UnitEvent::Kind::kDeath ? step : before,
            .dated = false,
            .looks = spread(before, step, std::min(last, kLooks))};
  if (event.kind == UnitEvent::Kind::kRevival) {
    const std::int64_t turn = std::max(before, step - 1);
    return {std::max(before, turn - last), turn, before, true};
  }
  const auto found = std::ranges::lower_bound(censuses, step);
  Window window{std::max<std::int64_t>(0, step - last), step,
                found == censuses.end() ? step : *found};
  for (std::int64_t ahead = 1; step + ahead < window.census; ahead *= 2)
    window.later.insert(step + ahead);
  return window;
}

// After which steps z is measured for the life of the unit: each of a dated window and where it may
// end; of a census's window `last` evenly spaced ones.
inline std::set<std::int64_t> life_of(const Window& window, std::int64_t last) {
  std::set<std::int64_t> steps = spread(window.start, window.turn, last);
  steps.insert(window.later.begin(), window.later.end());
  steps.insert(window.last());
  return steps;
}

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_REPLAY_WINDOW_H_
