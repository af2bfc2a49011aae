#include "study/draws.h"

#include "study/tune.h"

namespace undying::study {
namespace {

constexpr std::int64_t kFewHeldOut = 1000;

}  // namespace

bool redraws(const Split& data) {
  return !data.given && !data.rule.ordered && data.test->size < kFewHeldOut;
}

bool redraws(const StudySettings& settings, const Split& data) {
  return !tunes(settings) && redraws(data);
}

const Split& Draws::of(std::uint64_t seed) {
  if (!redrawn_) return data_;
  const std::lock_guard lock(mutex_);
  const auto found = splits_.find(seed);
  return found != splits_.end() ? found->second
                                : splits_.emplace(seed, redraw(data_, seed)).first->second;
}

Baseline Draws::baseline_of(std::uint64_t seed, const TrainSettings& settings) {
  const Split& split = of(seed);
  return baseline(*split.train, *split.test, settings);
}

}  // namespace undying::study
