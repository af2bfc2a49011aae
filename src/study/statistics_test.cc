#include "study/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace undying::study {
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

// Student's own sleep data (1908): differences of ten patients, t = -4.0621, p = 0.002833.
TEST(PairedPValue, AgreesWithStudentsSleepData) {
  const std::vector<double> differences = {-1.2, -2.4, -1.3, -1.3, 0.0, -1.0, -1.8, -0.8, -4.6, -1.4};
  EXPECT_NEAR(paired_p_value(differences), 0.002833, 1e-6);
}

TEST(PairedPValue, DegenerateCases) {
  EXPECT_EQ(paired_p_value(std::vector<double>{0.0, 0.0, 0.0}), 1.0);
  EXPECT_EQ(paired_p_value(std::vector<double>{0.5, 0.5, 0.5}), 0.0);
  EXPECT_EQ(paired_p_value(std::vector<double>{0.5}), 1.0);
}

// Two values that agree, of a deviation of at least 0.1: t = 0.3 / (0.1 / sqrt 2) with one degree of freedom, whose distribution is
// Cauchy's.
TEST(PairedPValue, HasALeastDeviation) {
  const std::vector<double> same = {0.3, 0.3};
  const double t = 0.3 / (0.1 / std::sqrt(2.0));
  EXPECT_NEAR(paired_p_value(same, 0.1), 1.0 - 2.0 / 3.14159265358979 * std::atan(t), 1e-12);
  EXPECT_NEAR(mean_interval(same, 0.1).upper - 0.3, 12.706205 * 0.1 / std::sqrt(2.0), 1e-6);
  const std::vector<double> apart = {0.0, 0.6};
  EXPECT_EQ(paired_p_value(apart, 0.1), paired_p_value(apart));
  EXPECT_EQ(paired_p_value(std::vector<double>{0.0, 0.0}, 0.1), 1.0);
}

// Worked by hand: sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling.
TEST(Holm, AgreesWithTheHand) {
  EXPECT_THAT(holm(std::vector<double>{0.01, 0.04, 0.03, 0.005}),
              testing::ElementsAre(testing::DoubleEq(0.03), testing::DoubleEq(0.06), testing::DoubleEq(0.06), testing::DoubleEq(0.02)));
  EXPECT_THAT(holm(std::vector<double>{0.6, 0.9}), testing::ElementsAre(1.0, 1.0));
}

// Anscombe 1973, first set: r = 0.81642, p = 0.00217.
TEST(Correlation, AgreesWithAnscombe) {
  const std::vector<double> x = {10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5};
  const std::vector<double> y = {8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68};
  const Correlation found = correlation(x, y);
  EXPECT_NEAR(found.r, 0.81642, 1e-5);
  EXPECT_NEAR(found.p_value, 0.00217, 1e-5);
  EXPECT_TRUE(std::isnan(correlation(std::vector<double>{1, 1, 1}, std::vector<double>{1, 2, 3}).r));
}

}  // namespace
}  // namespace undying::study
