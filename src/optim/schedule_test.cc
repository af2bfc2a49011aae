#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "undying/error.h"
#include "undying/optimizer.h"

namespace undying {
namespace {

using Kind = Schedule::Kind;

TEST(Schedule, StepAndCosineAgreeWithTheirFormulas) {
  EXPECT_DOUBLE_EQ(learning_rate_factor({.kind = Kind::kStep, .period = 10, .gamma = 0.5}, 25, 100),
                   0.25);
  const Schedule cosine{.kind = Kind::kCosine, .final_factor = 0.1};
  for (const std::int64_t step : {0, 25, 50, 99})
    EXPECT_NEAR(learning_rate_factor(cosine, step, 100),
                0.1 + 0.45 * (1 + std::cos(std::numbers::pi * static_cast<double>(step) / 100)),
                1e-12);
  EXPECT_EQ(learning_rate_factor({}, 7, 10), 1.0);
}

TEST(Schedule, WarmUpIsLinearAndComesFirst) {
  const Schedule schedule{.kind = Kind::kCosine, .warmup = 4};
  EXPECT_DOUBLE_EQ(learning_rate_factor(schedule, 0, 104), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate_factor(schedule, 3, 104), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_factor(schedule, 4, 104), 1.0);
  EXPECT_NEAR(learning_rate_factor(schedule, 54, 104), 0.5, 1e-12);
}

// torch 1.13.1: OneCycleLR(SGD([p], lr=1), max_lr=1, total_steps=100), get_last_lr() before each
// step.
TEST(Schedule, OneCycleAgreesWithPyTorch) {
  const Schedule schedule{.kind = Kind::kOneCycle};
  EXPECT_NEAR(learning_rate_factor(schedule, 0, 100), 0.040000000000000036, 1e-9);
  EXPECT_NEAR(learning_rate_factor(schedule, 10, 100), 0.29516394846410077, 1e-9);
  EXPECT_NEAR(learning_rate_factor(schedule, 28, 100), 0.9971862194340926, 1e-9);
  EXPECT_NEAR(learning_rate_factor(schedule, 29, 100), 1.0, 1e-9);
  EXPECT_NEAR(learning_rate_factor(schedule, 30, 100), 0.9994965352845243, 1e-9);
  EXPECT_NEAR(learning_rate_factor(schedule, 64, 100), 0.500002, 1e-9);
  EXPECT_NEAR(learning_rate_factor(schedule, 98, 100), 0.0005074647154757879, 1e-9);
  EXPECT_NEAR(learning_rate_factor(schedule, 99, 100), 4e-06, 1e-9);
}

TEST(Schedule, IsParsedOrRefusedByName) {
  EXPECT_EQ(parse_schedule("step:30,0.2").period, 30);
  EXPECT_EQ(parse_schedule("step:30,0.2").gamma, 0.2);
  EXPECT_EQ(parse_schedule("cosine:0.05").final_factor, 0.05);
  EXPECT_EQ(parse_schedule("one-cycle").kind, Kind::kOneCycle);
  EXPECT_EQ(parse_schedule("constant").kind, Kind::kConstant);
  for (const char* text : {"", "step", "step:", "step:x", "step:0", "step:1.5", "step:10,0",
                           "cosine:2", "cosine:", "linear", "constant:1", "one-cycle:3"})
    EXPECT_THAT([&] { parse_schedule(text); },
                testing::ThrowsMessage<Error>(testing::HasSubstr("schedule")))
        << text;
  EXPECT_THROW(learning_rate_factor({.warmup = 11}, 0, 10), Error);
}

}  // namespace
}  // namespace undying
