#include "doctor/diagnose/rank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/philox.h"

namespace undying::doctor {
namespace {

// The second difference matrix, whose eigenvalues are 2 - 2 cos(k pi / (n + 1)).
TEST(SymmetricEigenvalues, OfTheSecondDifference) {
  constexpr std::size_t kSize = 40;
  std::vector<double> matrix(kSize * kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    matrix[i * kSize + i] = 2.0;
    if (i + 1 < kSize) matrix[i * kSize + i + 1] = matrix[(i + 1) * kSize + i] = -1.0;
  }
  std::vector<double> found = symmetric_eigenvalues(matrix, kSize);
  std::ranges::sort(found);
  for (std::size_t k = 0; k < kSize; ++k)
    EXPECT_NEAR(found[k], 2.0 - 2.0 * std::cos(static_cast<double>(k + 1) * M_PI / (kSize + 1.0)), 1e-12);
}

// Traces of powers do not change: sum of eigenvalues, and of their squares.
TEST(SymmetricEigenvalues, KeepTheTraces) {
  const Random random(4, Stream::kTest);
  for (const std::size_t n : {1U, 2U, 3U, 17U, 60U}) {
    std::vector<double> matrix(n * n);
    double trace = 0.0, squares = 0.0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) matrix[i * n + j] = matrix[j * n + i] = random.normal(i * n + j);
    for (std::size_t i = 0; i < n; ++i) trace += matrix[i * n + i];
    for (const double value : matrix) squares += value * value;
    double sum = 0.0, sum_of_squares = 0.0;
    for (const double value : symmetric_eigenvalues(matrix, n)) {
      sum += value;
      sum_of_squares += value * value;
    }
    EXPECT_NEAR(sum, trace, 1e-10 * (1.0 + std::fabs(trace)));
    EXPECT_NEAR(sum_of_squares, squares, 1e-10 * (1.0 + squares));
  }
}

TEST(EffectiveRank, OfOrthogonalRowsIsTheirNumber) {
  const std::vector<float> matrix = {3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, -3};
  EXPECT_NEAR(effective_rank(matrix, 3, 4), 3.0, 1e-9);
}

TEST(EffectiveRank, OfMultiplesOfOneRowIsOne) {
  std::vector<float> matrix;
  for (int row = 0; row < 50; ++row)
    for (int column = 0; column < 7; ++column) matrix.push_back(static_cast<float>((row + 1) * (column - 2)));
  EXPECT_NEAR(effective_rank(matrix, 50, 7), 1.0, 1e-6);
}

// Singular values 2 and 1: entropy of (2/3, 1/3).
TEST(EffectiveRank, IsTheExponentialOfTheEntropy) {
  const std::vector<float> matrix = {2, 0, 0, 1};
  EXPECT_NEAR(effective_rank(matrix, 2, 2), std::exp(2.0 / 3.0 * std::log(1.5) + std::log(3.0) / 3.0), 1e-9);
}

TEST(EffectiveRank, OfZerosAndOfWhatIsNotFinite) {
  EXPECT_EQ(effective_rank(std::vector<float>(12), 3, 4), 0.0);
  EXPECT_TRUE(std::isnan(effective_rank(std::vector<float>{1, 2, NAN, 4}, 2, 2)));
}

}  // namespace
}  // namespace undying::doctor
