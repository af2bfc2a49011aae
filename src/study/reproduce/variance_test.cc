#include "study/reproduce/variance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "trial/statistics.h"

namespace undying::study {
namespace {

// E[f(Z)^2] and E[f'(Z)^2] of a standard normal Z by sums over a fine grid, times width x variance.
double by_integration(const Activation& activation, double weight_moment, bool gradient) {
  double sum = 0.0;
  constexpr double kStep = 1e-3;
  for (double z = -8.0 + kStep / 2.0; z < 8.0; z += kStep) {
    const auto x = static_cast<float>(z);
    const auto f = static_cast<double>(gradient ? activation.derivative(x) : activation.value(x));
    sum += f * f * std::exp(-z * z / 2.0) / std::sqrt(2.0 * M_PI) * kStep;
  }
  return weight_moment * sum;
}

TEST(Variance, FactorIsTheIntegral) {
  for (const bool gradient : {false, true}) {
    const Drawing glorot{"relu", Initializer::kXavierNormal, 1.0};
    EXPECT_NEAR(layer_factor(glorot, 0.0), by_integration("relu", 1.0, gradient), 1e-4);
    const Drawing he{"leaky_relu:0.25", Initializer::kKaimingNormal, 1.3};
    EXPECT_NEAR(layer_factor(he, 0.25), by_integration("leaky_relu:0.25", 1.69, gradient), 1e-4);
  }
}

// One draw, layer by layer in double: the engine's gradients give the same norms.
TEST(Variance, GrowthFollowsTheFormulaOverDraws) {
  const Drawing drawings[] = {{"relu", Initializer::kXavierNormal, 1.0},
                              {"leaky_relu:0.5", Initializer::kKaimingNormal, 1.2}};
  const double slopes[] = {0.0, 0.5};
  for (int i = 0; i < 2; ++i) {
    std::vector<double> signal;
    std::vector<double> gradient;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
      const Growth growth = growth_over(drawings[i], 4, 48, seed);
      signal.push_back(growth.signal.back());
      gradient.push_back(growth.gradient.front());
    }
    const double expected = std::pow(layer_factor(drawings[i], slopes[i]), 3.0);
    for (const auto& values : {signal, gradient}) {
      const Estimate mean = trial::mean_interval(values);
      EXPECT_NEAR(mean.mean, expected, 2.0 * (mean.upper - mean.mean));
      EXPECT_LT(mean.upper - mean.mean, 0.1 * expected);
    }
  }
}

// Twice the gain is four times the second moment, layer by layer, of the same draw.
TEST(Variance, GainMultipliesEachLayer) {
  const Growth once = growth_over({"relu", Initializer::kKaimingNormal, 1.0}, 5, 16, 3);
  const Growth twice = growth_over({"relu", Initializer::kKaimingNormal, 2.0}, 5, 16, 3);
  EXPECT_NEAR(twice.signal.back() / once.signal.back(), 256.0, 0.1);
  EXPECT_NEAR(twice.gradient.front() / once.gradient.front(), 256.0, 0.1);
}

}  // namespace
}  // namespace undying::study
