// The judge of units, from counts made by hand.

#include "health/judge.h"

#include <gtest/gtest.h>

#include <cmath>

namespace undying::health {
namespace {

constexpr std::int64_t kN = 100;

// Of a unit whose z on D are these, by the definition of the activation.
Counts counts(const Activation& activation, const std::vector<float>& z, double eps = 1e-3) {
  Counts all{.n = static_cast<std::int64_t>(z.size()),
             .max = -std::numeric_limits<double>::infinity()};
  const auto n = static_cast<double>(z.size());
  const bool exact = activation.can_be_dead();
  for (const float each : z) {
    const double h = activation.value(each), slope = activation.derivative(each);
    all.fired += each > 0.0f;
    all.gradient_zero += exact && slope == 0.0;
    all.saturated += std::fabs(slope) < eps;
    all.abs_mean += std::fabs(h) / n;
    all.mean += h / n;
    all.square_mean += h * h / n;
    all.max = std::fmax(all.max, each);
  }
  return all;
}

std::vector<float> repeated(float value) { return std::vector<float>(kN, value); }
std::vector<float> repeated(float value, float last) {
  std::vector<float> all = repeated(value);
  all.back() = last;
  return all;
}

UnitState state(const char* activation, const std::vector<float>& z) {
  return state_of(counts(activation, z), activation);
}

TEST(Judge, StatesFollowTheirDefinitions) {
  EXPECT_EQ(state("relu", repeated(-1.0f)), UnitState::kDead);
  EXPECT_EQ(state("relu", repeated(0.0f)), UnitState::kDead) << "z = 0 does not fire";
  EXPECT_EQ(state("relu", repeated(-1.0f, 1.0f)), UnitState::kAlive);
  EXPECT_EQ(state("relu", repeated(1.0f)), UnitState::kAlwaysPositive);
  EXPECT_EQ(state("leaky_relu", repeated(-1.0f)), UnitState::kAlwaysNegative);
  EXPECT_EQ(state("leaky_relu:0", repeated(-1.0f)), UnitState::kDead);
  EXPECT_EQ(state("elu", repeated(-1.0f)), UnitState::kAlwaysNegative);
  EXPECT_EQ(state("hardswish", repeated(-4.0f)), UnitState::kDead);
  EXPECT_EQ(state("hardswish", repeated(-2.0f)), UnitState::kAlwaysNegative);
}

// Outputs below the smallest normal float32 count as 0.
TEST(Judge, NumericallyDeadIsDead) {
  EXPECT_EQ(state("relu", repeated(1e-40f)), UnitState::kDead);
  EXPECT_EQ(state("relu", repeated(-1.0f, 1e-39f)), UnitState::kDead);
  EXPECT_EQ(state("relu", repeated(-1.0f, 2e-38f)), UnitState::kAlive) << "normal, if small";
  EXPECT_EQ(state("leaky_relu", repeated(-1.0f, 1e-39f)), UnitState::kAlwaysNegative)
      << "its outputs below 0 are large";
  const Counts passes{
      .n = 2, .fired = 2, .abs_mean = 0.25, .mean = -0.25, .square_mean = 0.125, .max = 0.0};
  EXPECT_NE(state_of(passes, "thresholded_relu:-1"), UnitState::kDead) << "-0.5 and 0 pass it";
  EXPECT_EQ(state("gelu", repeated(-30.0f)), UnitState::kDead) << "0 by underflow, and no gradient";
  EXPECT_EQ(state("silu", repeated(-110.0f)), UnitState::kDead);
  EXPECT_EQ(state("sigmoid", repeated(-110.0f)), UnitState::kDead);
  EXPECT_EQ(state("gelu", repeated(-3.0f)), UnitState::kAlwaysNegative);
  EXPECT_EQ(state("gelu", repeated(-30.0f, -1.0f)), UnitState::kAlwaysNegative);
  for (const char* activation : {"tanh", "elu", "leaky_relu:1e-8", "gelu", "prelu"})
    EXPECT_EQ(state(activation, repeated(0.0f)), UnitState::kAlwaysNegative)
        << activation << " has a gradient at 0";
}

TEST(Judge, DormantExcludesDeadAndAlwaysNegative) {
  EXPECT_FALSE(is_dormant(counts("relu", repeated(-1.0f)), "relu", 1.0, 0.025));
  EXPECT_FALSE(is_dormant(counts("leaky_relu", repeated(-1.0f)), "leaky_relu", 1.0, 0.025));
  EXPECT_TRUE(is_dormant(counts("relu", repeated(-1.0f, 1.0f)), "relu", 1.0, 0.025));
  EXPECT_TRUE(is_dormant(counts("relu", repeated(0.02f)), "relu", 1.0, 0.025));
  EXPECT_FALSE(is_dormant(counts("relu", repeated(0.03f)), "relu", 1.0, 0.025));
}

TEST(Judge, ConstantIsOneOutputOnAllOfD) {
  const auto constant = [](const char* activation, const std::vector<float>& z) {
    return is_constant(counts(activation, z), activation);
  };
  EXPECT_TRUE(constant("relu", repeated(0.5f)));
  EXPECT_TRUE(constant("leaky_relu", repeated(0.0f)));
  EXPECT_TRUE(constant("gelu", repeated(-0.5f)));
  EXPECT_FALSE(constant("relu", repeated(-1.0f))) << "dead has its own name";
  EXPECT_FALSE(constant("relu", repeated(0.5f, 0.51f)));
  EXPECT_FALSE(constant("relu", repeated(0.5f, 0.49f)));
  EXPECT_FALSE(constant("relu", repeated(1000.0f, 999.0f)))
      << "a thousandth, in one example of a hundred";
  EXPECT_TRUE(constant("tanh", repeated(30.0f)));
}

TEST(Judge, SaturationIsOfActivationsThatSaturate) {
  EXPECT_TRUE(is_saturated(counts("tanh", repeated(30.0f)), "tanh"));
  EXPECT_FALSE(is_saturated(counts("relu", repeated(-30.0f)), "relu"));
  EXPECT_FALSE(is_saturated(counts("relu6", repeated(-30.0f)), "relu6"));
  EXPECT_TRUE(is_saturated(counts("relu6", repeated(30.0f)), "relu6"));
  EXPECT_FALSE(is_saturated(counts("sigmoid", repeated(-110.0f)), "sigmoid")) << "numerically dead";
}

TEST(Judge, LockedIsDeadWithoutAGradientAnywhereBelow) {
  EXPECT_TRUE(is_locked(UnitState::kDead, false, false));
  EXPECT_FALSE(is_locked(UnitState::kDead, true, false));
  EXPECT_FALSE(is_locked(UnitState::kDead, false, true));
  EXPECT_FALSE(is_locked(UnitState::kAlwaysNegative, false, false));
}

TEST(Judge, WhatIsNotANumberIsNeitherDeadNorConstant) {
  Counts nan = counts("relu", repeated(1.0f));
  nan.mean = nan.abs_mean = nan.square_mean = std::nan("");
  EXPECT_NE(state_of(nan, "relu"), UnitState::kDead);
  EXPECT_FALSE(is_constant(nan, "relu"));
}

}  // namespace
}  // namespace undying::health
