// Networks that are dead at birth (Lu et al. 2019, arXiv 1903.06733): constant on their domain at
// initialisation.

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/initializers.h"

namespace undying::engine {
namespace {

constexpr int kDraws = 10'000;

// The output of a network with d_in = d_out = 1, L layers, N units in each hidden one, zero bias;
// in double, by the definition.
double output(const std::vector<std::vector<float>>& weights, double x, double slope) {
  std::vector<double> h = {x};
  for (std::size_t layer = 0; layer < weights.size(); ++layer) {
    std::vector<double> z(weights[layer].size() / h.size(), 0.0);
    for (std::size_t j = 0; j < z.size(); ++j)
      for (std::size_t i = 0; i < h.size(); ++i)
        z[j] += static_cast<double>(weights[layer][j * h.size() + i]) * h[i];
    if (layer + 1 < weights.size())
      for (double& value : z) value = value > 0.0 ? value : slope * value;
    h = std::move(z);
  }
  return h[0];
}

// With zero bias the network is positively homogeneous, so it is constant exactly when it is 0 at
// both x = 1 and x = -1.
double born_dead_share(std::int64_t width, int layers, double slope) {
  int dead = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<std::vector<float>> weights;
    for (int layer = 0; layer < layers; ++layer) {
      const std::int64_t in = layer == 0 ? 1 : width;
      const std::int64_t out = layer + 1 == layers ? 1 : width;
      weights.emplace_back(static_cast<std::size_t>(in * out));
      initialize_linear(Initializer::kKaimingNormal, std::sqrt(2.0 / (1.0 + slope * slope)), in,
                        out,
                        Random(static_cast<std::uint64_t>(draw) + 1, Stream::kInitialDraw,
                               static_cast<std::uint32_t>(layer)),
                        weights.back(), {});
    }
    dead += output(weights, 1.0, slope) == 0.0 && output(weights, -1.0, slope) == 0.0;
  }
  return static_cast<double>(dead) / kDraws;
}

double upper_bound(int width, int layers) {
  return 1.0 - std::pow(1.0 - std::pow(2.0, -width), layers - 1);
}

double lower_bound(int n, int layers) {
  const double a1 = 1.0 - std::pow(2.0, -n);
  const double a2 = 1.0 - std::pow(2.0, 1 - n) - (n - 1) * std::pow(4.0, -n);
  const double factor = (1.0 - std::pow(2.0, 1 - n)) * (1.0 - std::pow(2.0, -n)) /
                        (1.0 + (n - 1) * std::pow(2.0, -n));
  return 1.0 - std::pow(a1, layers - 2) +
         factor * (std::pow(a2, layers - 2) - std::pow(a1, layers - 2));
}

// Four standard errors of a share of 10,000 draws.
double reach(double share) { return 4.0 * std::sqrt(share * (1.0 - share) / kDraws); }

TEST(BornDead, BoundsAreThoseOfThePaper) {
  EXPECT_NEAR(lower_bound(3, 10), 0.5134, 5e-5);
  EXPECT_NEAR(upper_bound(3, 10), 0.6993, 5e-5);
}

TEST(BornDead, ReluOfWidthThreeAndTenLayers) {
  const double share = born_dead_share(3, 10, 0.0);
  RecordProperty("share", std::to_string(share));
  EXPECT_GT(share, lower_bound(3, 10));
  EXPECT_LT(share, upper_bound(3, 10));
  EXPECT_NEAR(share, 0.577, reach(0.577));
}

TEST(BornDead, ReluOfWidthFive) {
  const double share = born_dead_share(5, 10, 0.0);
  RecordProperty("share", std::to_string(share));
  EXPECT_NEAR(share, 0.125, reach(0.125) + 0.01);
  EXPECT_LT(share, upper_bound(5, 10));
}

TEST(BornDead, LeakyReluNever) {
  EXPECT_EQ(born_dead_share(3, 10, 0.01), 0.0);
  EXPECT_EQ(born_dead_share(2, 20, 0.2), 0.0);
}

}  // namespace
}  // namespace undying::engine
