#include "study/draws.h"

#include "study/tune.h"

namespace undying::study {
namespace {

constexpr std::int64_t kFewHeldOut = 1000;

}  // namespace

bool redraws(const Split& data) {
  if (data.stream != nullptr) return static_cast<bool>(data.stream->redraw);
  return !data.given && !data.rule.ordered && data.test->size < kFewHeldOut;
}

bool redraws(const StudySettings& settings, const Split& data) {
  return !tunes(settings) && redraws(data);
}

const Split& Draws::of(std::uint64_t seed) {
  if (!redrawn_) return data_;
  const std::lock_guard lock(mutex_);
  const auto found = splits_.find(seed);
  return found != splits_.end() ? found->second : splits_.emplace(seed, drawn(seed)).first->second;
}

Split Draws::drawn(std::uint64_t seed) const {
  if (data_.stream == nullptr) return redraw(data_, seed);
  Split split = data_;
  split.stream = data_.stream->redraw(seed);
  return split;
}

Baseline Draws::baseline_of(std::uint64_t seed, const TrainSettings& settings) {
  const Split& split = of(seed);
  // Each seed's stream is of other targets; what it begins with is not kept, for it may be large.
  if (split.stream != nullptr) {
    const std::shared_ptr<const Dataset> first = split.stream->read(0);
    return baseline(*first, *first, settings);
  }
  return baseline(*split.train, *split.test, settings);
}

}  // namespace undying::study
