#include "study/reproduce/plasticity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"

namespace undying::study {
namespace {

using Errors = std::vector<std::vector<double>>;

// Noise around `level(bin)`.
template <class Level>
Errors curves(int seeds, std::size_t bins, const Level& level) {
  Errors all;
  for (int seed = 0; seed < seeds; ++seed) {
    const Random random(static_cast<std::uint64_t>(seed), Stream::kTest);
    std::vector<double> curve;
    for (std::size_t bin = 0; bin < bins; ++bin)
      curve.push_back(level(static_cast<double>(bin)) * std::exp(0.1 * random.normal(bin)));
    all.push_back(curve);
  }
  return all;
}

TEST(Rise, IsTheRatioOfTheEndToTheBestStretch) {
  // Falls to 1 at bin 10, then rises to 2 in the last five.
  const auto level = [](double bin) {
    return bin < 10.0 ? 2.0 - 0.1 * bin : bin < 20.0 ? 1.0 : 2.0;
  };
  const Estimate up = rise(curves(30, 25, level), 5);
  EXPECT_NEAR(up.mean, 2.0, 0.1);
  EXPECT_GT(up.lower, 1.8);
  EXPECT_EQ(up.n, 22);
}

// The least of many equal bins is below their mean by the choice alone.
TEST(Rise, IsNotThereWhereNothingRises) {
  int shown = 0;
  for (std::size_t bins : {20U, 30U, 40U, 50U}) {
    const Estimate up = rise(curves(30, bins, [](double) { return 1.0; }), 5);
    EXPECT_NEAR(up.mean, 1.0, 0.05);
    shown += up.lower > 1.0;
  }
  EXPECT_LE(shown, 1);
}

TEST(Rise, IsUnknownOfTooFewCurvesOrBins) {
  EXPECT_TRUE(std::isnan(rise(curves(3, 25, [](double) { return 1.0; }), 5).mean));
  EXPECT_TRUE(std::isnan(rise(curves(9, 9, [](double) { return 1.0; }), 5).mean));
}

TEST(Growth, IsTheRatioOfTheEndToTheBeginning) {
  const auto level = [](double bin) { return bin < 5.0 ? 1.0 : 1.5; };
  const Errors all = curves(30, 25, level);
  const Estimate up = growth(all, 5);
  EXPECT_NEAR(up.mean, 1.5, 0.05);
  EXPECT_LT(up.lower, up.mean);
  EXPECT_EQ(up.n, 30);
  EXPECT_NEAR(growth(curves(30, 25, [](double) { return 2.0; }), 5).mean, 1.0, 0.04);
  Errors half = all;
  for (auto& curve : half)
    for (double& error : curve) error *= 0.5;
  EXPECT_NEAR(end_ratio(half, all, 5).mean, 0.5, 1e-12);
}

TEST(Reproduce, EveryResultSaysWhereItIsFrom) {
  for (const PublishedResult& each : published_results()) {
    EXPECT_FALSE(each.name.empty());
    EXPECT_FALSE(each.source.empty());
    EXPECT_NE(each.run, nullptr);
  }
}

}  // namespace
}  // namespace undying::study
