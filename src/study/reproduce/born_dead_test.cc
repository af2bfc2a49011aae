#include "study/reproduce/born_dead.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace undying::study {
namespace {

double share(Initializer initializer, int width, int hidden, int draws) {
  constexpr std::array kTwo = {-1.0, 1.0};
  int dead = 0;
  for (int seed = 1; seed <= draws; ++seed)
    dead += constant_from(initializer, width, hidden, static_cast<std::uint64_t>(seed), kTwo) > 0;
  return static_cast<double>(dead) / draws;
}

// By cases: the first layer parts its units between the two inputs, each on one side; where both
// sides have units, those of the second layer die at either input by coins of their own.
double two_hidden_layers(int width) {
  const double one_sided = std::pow(2.0, 1 - width);
  return (1.0 - one_sided) * std::pow(4.0, -width) + one_sided * std::pow(2.0, -width);
}

TEST(BornDead, BoundsAreThoseOfThePaper) {
  EXPECT_NEAR(born_dead_lower(3, 10), 0.5134, 5e-5);
  EXPECT_NEAR(born_dead_upper(3, 10), 0.6993, 5e-5);
  for (int width = 2; width <= 10; ++width) {
    EXPECT_NEAR(born_dead_lower(width, 2), 0.0, 1e-12);
    EXPECT_NEAR(born_dead_lower(width, 3), two_hidden_layers(width), 1e-12);
  }
}

TEST(BornDead, ShareIsThatOfTheCases) {
  constexpr int kDraws = 20'000;
  for (const int width : {2, 3, 4}) {
    const double expected = two_hidden_layers(width);
    EXPECT_NEAR(share(Initializer::kKaimingNormal, width, 2, kDraws), expected,
                4.0 * std::sqrt(expected * (1.0 - expected) / kDraws));
    EXPECT_EQ(share(Initializer::kKaimingNormal, width, 1, 1000), 0.0);
  }
}

TEST(BornDead, LayerIsTheFirstThatDies) {
  constexpr std::array kTwo = {-1.0, 1.0};
  const int layer = constant_from(Initializer::kKaimingNormal, 2, 50, 1, kTwo);
  ASSERT_GT(layer, 1);
  EXPECT_EQ(constant_from(Initializer::kKaimingNormal, 2, layer - 1, 1, kTwo), 0);
  EXPECT_EQ(constant_from(Initializer::kKaimingNormal, 2, layer, 1, kTwo), layer);
}

TEST(BornDead, AsymmetricDrawsDieLessOften) {
  EXPECT_LT(share(Initializer::kRandomizedAsymmetric, 2, 9, 500),
            share(Initializer::kKaimingNormal, 2, 9, 500) - 0.2);
}

}  // namespace
}  // namespace undying::study
