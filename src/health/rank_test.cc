#include "health/rank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/philox.h"

namespace undying::health {
namespace {

// The bidiagonal matrix of differences, whose singular values are 2 sin(k pi / (2 n + 2)).
TEST(EffectiveRank, OfADifferenceOperator) {
  constexpr int kSize = 40;
  std::vector<float> matrix((kSize + 1) * kSize);
  for (int i = 0; i < kSize; ++i) {
    matrix[i * kSize + i] = 1.0f;
    matrix[(i + 1) * kSize + i] = -1.0f;
  }
  double sum = 0.0, entropy = 0.0;
  const auto value = [](int k) { return 2.0 * std::sin(k * M_PI / (2.0 * kSize + 2.0)); };
  for (int k = 1; k <= kSize; ++k) sum += value(k);
  for (int k = 1; k <= kSize; ++k) entropy -= value(k) / sum * std::log(value(k) / sum);
  EXPECT_NEAR(effective_rank(matrix, kSize + 1, kSize), std::exp(entropy), 1e-9);
}

// Columns of ever less weight, the first hundreds of which carry most: what a sample misses of the
// whole is within the error it says.
TEST(EffectiveRank, OfASampleIsWithinItsError) {
  constexpr std::int64_t kRows = 64, kColumns = 4096, kSampled = 512;
  const Random random(4, Stream::kTest);
  std::vector<float> factors(kRows * kRows), whole, sample;
  for (std::size_t i = 0; i < factors.size(); ++i)
    factors[i] = static_cast<float>(random.normal(i) / (1.0 + static_cast<double>(i) / 640.0));
  for (std::int64_t row = 0; row < kRows; ++row)
    for (std::int64_t column = 0; column < kColumns; ++column) {
      const std::int64_t k = random.below(static_cast<std::uint64_t>(column), kRows);
      const double noise =
          0.05 * random.normal(static_cast<std::uint64_t>(100'000 + row * kColumns + column));
      whole.push_back(factors[k * kRows + row] + static_cast<float>(noise));
      if (column % (kColumns / kSampled) == 0) sample.push_back(whole.back());
    }
  const double exact = effective_rank(whole, kRows, kColumns);
  const SampledRank found = sampled_rank(sample, kRows, kSampled);
  EXPECT_GT(found.error, 0.0);
  EXPECT_NEAR(found.rank, exact, found.error);
  EXPECT_LT(found.error, 0.1 * exact);
}

TEST(EffectiveRank, OfOrthogonalRowsIsTheirNumber) {
  const std::vector<float> matrix = {3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, -3};
  EXPECT_NEAR(effective_rank(matrix, 3, 4), 3.0, 1e-9);
}

TEST(EffectiveRank, OfMultiplesOfOneRowIsOne) {
  std::vector<float> matrix;
  for (int row = 0; row < 50; ++row)
    for (int column = 0; column < 7; ++column)
      matrix.push_back(static_cast<float>((row + 1) * (column - 2)));
  EXPECT_NEAR(effective_rank(matrix, 50, 7), 1.0, 1e-6);
}

// Singular values 2 and 1: entropy of (2/3, 1/3).
TEST(EffectiveRank, IsTheExponentialOfTheEntropy) {
  const std::vector<float> matrix = {2, 0, 0, 1};
  EXPECT_NEAR(effective_rank(matrix, 2, 2),
              std::exp(2.0 / 3.0 * std::log(1.5) + std::log(3.0) / 3.0), 1e-9);
}

TEST(EffectiveRank, OfZerosAndOfWhatIsNotFinite) {
  EXPECT_EQ(effective_rank(std::vector<float>(12), 3, 4), 0.0);
  EXPECT_TRUE(std::isnan(effective_rank(std::vector<float>{1, 2, NAN, 4}, 2, 2)));
}

}  // namespace
}  // namespace undying::health
