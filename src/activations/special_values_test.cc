// What the family does at 0, -0, infinities, NaN, subnormals and kinks (docs/activations.md), on
// every vector target.

#include <gtest/gtest.h>

#include <cmath>

#include "activations/test_support.h"

namespace undying::activations {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <class Body>
void for_each_member(const Body& body) {
  for_each_target([&](const std::string& target) {
    for (const Activation& activation : tested_activations()) {
      SCOPED_TRACE(activation.specification() + " on " + target);
      body(activation);
    }
  });
}

TEST(SpecialValues, NanPropagates) {
  for_each_member([](const Activation& activation) {
    for (const float value : forward_of(activation, {kNan, -kNan})) EXPECT_TRUE(std::isnan(value));
  });
}

// Far out, a member has either reached its bound or grows without one.
float limit(const Activation& activation, Real far) {
  const auto value = static_cast<float>(oracle_value(activation, far));
  return std::abs(value) > 50.0f ? std::copysign(kInfinity, value) : value;
}

TEST(SpecialValues, InfinityGivesTheLimit) {
  for_each_member([](const Activation& activation) {
    if (activation == Activation("leaky_relu:0")) return;  // 0 * inf is NaN, as the formula says
    const std::vector<float> values = forward_of(activation, {kInfinity, -kInfinity});
    EXPECT_EQ(values[0], limit(activation, 1e4L));
    EXPECT_EQ(values[1], limit(activation, -1e4L));
  });
}

TEST(SpecialValues, ZerosGiveTheValueAtZero) {
  for_each_member([](const Activation& activation) {
    const std::vector<float> values = forward_of(activation, {0.0f, -0.0f});
    const auto wanted = static_cast<double>(oracle_value(activation, 0));
    EXPECT_NEAR(values[0], wanted, 1e-7);
    EXPECT_EQ(values[0], values[1]);
    EXPECT_EQ(derivative_of(activation, {0.0f})[0], derivative_of(activation, {-0.0f})[0]);
  });
}

TEST(SpecialValues, SubnormalsAreNotFlushed) {
  for_each_member([](const Activation& activation) {
    for (const float x : {0x1p-140f, -0x1p-140f, 0x1.8p-127f, -0x1.8p-127f}) {
      const Real wanted = oracle_value(activation, x);
      EXPECT_NEAR(forward_of(activation, {x})[0], static_cast<double>(wanted),
                  0x1p-148 + 1e-6 * std::abs(static_cast<double>(wanted)))
          << x;
    }
  });
}

TEST(SpecialValues, DerivativeAtAKinkIsThatFromTheLeft) {
  for_each_target([](const std::string& target) {
    for (const ActivationInfo& info : activation_family()) {
      const Activation activation(info.name);
      for (const float kink : info.kinks) {
        const auto left =
            static_cast<double>(oracle_derivative(activation, std::nextafter(kink, -kInfinity)));
        EXPECT_NEAR(derivative_of(activation, {kink})[0], left, 1e-6)
            << info.name << " on " << target << " at " << kink;
        EXPECT_NEAR(activation.derivative(kink), left, 1e-6) << info.name << " at " << kink;
      }
    }
  });
}

TEST(LeakyRelu, GradientAtZeroIsSlope) {
  for (const float slope : {0.0f, 0.01f, 1.5f, -0.5f}) {
    const Activation activation("leaky_relu:" + std::to_string(slope));
    for_each_target([&](const std::string& target) {
      EXPECT_EQ(derivative_of(activation, {0.0f})[0], slope) << target;
    });
  }
}

TEST(SpecialValues, DerivativeOfNanIsThatOfThePositiveSideOrNan) {
  for_each_member([](const Activation& activation) {
    const float found = derivative_of(activation, {kNan})[0];
    EXPECT_TRUE(std::isnan(found) || found != 0.0f) << found;
  });
}

TEST(SpecialValues, GradientsFarOutAreTheLimits) {
  for_each_member([](const Activation& activation) {
    for (const float x : {1e4f, -1e4f, 1e30f, -1e30f}) {
      const auto wanted = static_cast<double>(oracle_derivative(activation, x > 0 ? 1e3L : -1e3L));
      EXPECT_NEAR(derivative_of(activation, {x})[0], wanted, 1e-6) << x;
    }
  });
}

}  // namespace
}  // namespace undying::activations
