#include "trial/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace undying::trial {
namespace {

// t quantiles from the usual tables: t(.975, 4) = 2.776445, t(.975, 9) = 2.262157.
TEST(MeanInterval, AgreesWithTheTables) {
  const std::vector<double> five = {1.0, 2.0, 3.0, 4.0, 5.0};
  const Estimate estimate = mean_interval(five);
  EXPECT_DOUBLE_EQ(estimate.mean, 3.0);
  EXPECT_NEAR(estimate.upper - estimate.mean, 2.776445 * std::sqrt(2.5 / 5.0), 1e-6);
  EXPECT_NEAR(estimate.mean - estimate.lower, 2.776445 * std::sqrt(2.5 / 5.0), 1e-6);
  EXPECT_EQ(estimate.n, 5);
}

TEST(MeanInterval, OneValueHasNoBounds) {
  const std::vector<double> one = {0.5};
  EXPECT_EQ(mean_interval(one).mean, 0.5);
  EXPECT_TRUE(std::isnan(mean_interval(one).lower));
  EXPECT_TRUE(std::isnan(mean_interval({}).mean));
}

// Student's own sleep data (1908): differences of ten patients, t = -4.0621 with 9 degrees of
// freedom, p = 0.002833.
TEST(StudentsT, AgreesWithTheSleepData) {
  EXPECT_NEAR(two_sided_p(-4.0621, 9), 0.002833, 1e-6);
  EXPECT_NEAR(reach(0.002833, 9), 4.0621, 1e-3);
}

// At its bounds the chance of as many, or as few, is half the level each: sums of the binomial.
TEST(Share, IsExact) {
  const auto at_most = [](int count, int of, double p) {
    double sum = 0.0;
    for (int k = 0; k <= count; ++k)
      sum += std::exp(std::lgamma(of + 1.0) - std::lgamma(k + 1.0) - std::lgamma(of - k + 1.0)) *
             std::pow(p, k) * std::pow(1.0 - p, of - k);
    return sum;
  };
  const Estimate share = share_interval(7, 20, 0.1);
  EXPECT_EQ(share.mean, 0.35);
  EXPECT_NEAR(at_most(7, 20, share.upper), 0.05, 1e-9);
  EXPECT_NEAR(1.0 - at_most(6, 20, share.lower), 0.05, 1e-9);
  EXPECT_EQ(share_interval(0, 9).lower, 0.0);
  EXPECT_NEAR(share_interval(0, 9).upper, 1.0 - std::pow(0.025, 1.0 / 9.0), 1e-12);
  EXPECT_EQ(share_interval(9, 9).upper, 1.0);
  EXPECT_TRUE(std::isnan(share_interval(0, 0).mean));
}

// Fisher's tea: 4 of 4 cups right by chance in 1 of 70; 3 of 4 or better in 17 of 70.
TEST(Fisher, AgreesWithTheTea) {
  EXPECT_NEAR(fisher_p(4, 4, 0, 4), 1.0 / 70.0, 1e-12);
  EXPECT_NEAR(fisher_p(3, 4, 1, 4), 17.0 / 70.0, 1e-12);
  EXPECT_EQ(fisher_p(0, 4, 4, 4), 1.0);
  EXPECT_EQ(fisher_p(0, 5, 0, 10), 1.0);
}

TEST(GeometricInterval, StaysAboveZero) {
  const Estimate found = geometric_interval(std::vector<double>{1e-6, 1.0, 100.0}, 1e-12);
  EXPECT_NEAR(found.mean, std::pow(1e-4, 1.0 / 3.0), 1e-12);
  EXPECT_GT(found.lower, 0.0);
  EXPECT_NEAR(geometric_interval(std::vector<double>{0.0, 1.0}, 1e-4).mean, 1e-2, 1e-12);
}

TEST(MeanInterval, HasALeastDeviation) {
  const std::vector<double> same = {0.3, 0.3};
  EXPECT_NEAR(mean_interval(same, 0.1).upper - 0.3, 12.706205 * 0.1 / std::sqrt(2.0), 1e-6);
  EXPECT_EQ(mean_interval(same).upper, 0.3);
}

TEST(Median, IsTheMiddleOne) {
  EXPECT_EQ(median_of({5, 1, 3}), 3);
  EXPECT_EQ(median_of({4, 1, 3, 2}), 3) << "the upper one";
  EXPECT_TRUE(std::isnan(median_of({})));
}

// Anscombe 1973, first set: r = 0.81642, p = 0.00217.
TEST(Correlation, AgreesWithAnscombe) {
  const std::vector<double> x = {10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5};
  const std::vector<double> y = {8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68};
  const Correlation found = correlation(x, y);
  EXPECT_NEAR(found.r, 0.81642, 1e-5);
  EXPECT_NEAR(found.p_value, 0.00217, 1e-5);
  EXPECT_TRUE(
      std::isnan(correlation(std::vector<double>{1, 1, 1}, std::vector<double>{1, 2, 3}).r));
}

}  // namespace
}  // namespace undying::trial
