#include "engine/activity.h"

#include <gtest/gtest.h>

#include <vector>

namespace undying::engine {
namespace {

void fill(StepCounters& counters, const std::vector<std::uint32_t>& fired, float gradient) {
  for (std::size_t i = 0; i < fired.size(); ++i) {
    counters.fired[i] = fired[i];
    counters.abs_output[i] = 0.5f * static_cast<float>(fired[i]);
    counters.abs_gradient[i] = gradient;
  }
}

template <class T>
std::vector<T> values(const Buffer<T>& buffer) {
  return {buffer.data(), buffer.data() + buffer.size()};
}

TEST(Activity, TalliesStepsAndEmptiesTheirCounters) {
  StepCounters counters(3);
  Activity activity(3);
  fill(counters, {0, 2, 4}, 0.25f);
  activity.tally(counters, 1, 8);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(counters.fired[i], 0U);
    EXPECT_EQ(counters.abs_output[i], 0.0f);
    EXPECT_EQ(counters.abs_gradient[i], 0.0f);
  }
  fill(counters, {0, 0, 1}, 0.5f);
  activity.tally(counters, 2, 4);
  EXPECT_EQ(values(activity.fired), (std::vector<std::uint64_t>{0, 2, 5}));
  EXPECT_EQ(values(activity.first_fired), (std::vector<std::uint32_t>{0, 1, 1}));
  EXPECT_EQ(values(activity.last_fired), (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(values(activity.abs_output), (std::vector<double>{0.0, 1.0, 2.5}));
  EXPECT_EQ(values(activity.abs_gradient), (std::vector<double>{4.0, 4.0, 4.0}));
  EXPECT_EQ(activity.examples, 12);
}

TEST(Activity, OfShardsIsTheirSum) {
  StepCounters counters(4);
  Activity one(4), two(4);
  fill(counters, {0, 1, 0, 1}, 1.0f);
  one.tally(counters, 1, 2);
  fill(counters, {0, 0, 3, 3}, 1.0f);
  two.tally(counters, 1, 2);
  fill(counters, {0, 0, 0, 2}, 1.0f);
  one.tally(counters, 2, 2);
  fill(counters, {0, 5, 0, 0}, 1.0f);
  two.tally(counters, 2, 2);
  one.add(two);
  EXPECT_EQ(values(one.fired), (std::vector<std::uint64_t>{0, 6, 3, 6}));
  EXPECT_EQ(values(one.first_fired), (std::vector<std::uint32_t>{0, 1, 1, 1}));
  EXPECT_EQ(values(one.last_fired), (std::vector<std::uint32_t>{0, 2, 1, 2}));
  EXPECT_EQ(values(one.abs_gradient), (std::vector<double>{8.0, 8.0, 8.0, 8.0}));
  EXPECT_EQ(one.examples, 4);
  one.clear();
  EXPECT_EQ(values(one.fired), (std::vector<std::uint64_t>(4)));
  EXPECT_EQ(values(one.first_fired), (std::vector<std::uint32_t>(4)));
  EXPECT_EQ(one.examples, 0);
}

}  // namespace
}  // namespace undying::engine
