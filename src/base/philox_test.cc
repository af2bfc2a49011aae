#include "base/philox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <vector>

#include "base/test_support.h"

namespace undying {
namespace {

using Block = std::array<std::uint32_t, 4>;

// Known answers of the authors' library (Random123, kat_vectors, philox4x32 10).
TEST(Philox, AgreesWithTheKnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  const Random random(3, Stream::kTest);
  constexpr int kDraws = 200'000;
  double uniform = 0.0, normal = 0.0, square = 0.0, fourth = 0.0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double u = random.uniform(i);
    const double z = random.normal(i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    uniform += u;
    normal += z;
    square += z * z;
    fourth += z * z * z * z;
  }
  const double error =
      4.0 / std::sqrt(static_cast<double>(kDraws));  // four standard errors of a unit deviation
  EXPECT_NEAR(uniform / kDraws, 0.5, error * std::sqrt(1.0 / 12.0));
  EXPECT_NEAR(normal / kDraws, 0.0, error);
  EXPECT_NEAR(square / kDraws, 1.0, error * std::sqrt(2.0));
  EXPECT_NEAR(fourth / kDraws, 3.0, error * std::sqrt(96.0));
}

// Box and Muller of the block's words, with the standard library's functions.
double normal_by_formula(const Random& random, std::uint64_t index) {
  const Block words = random.block(index / 2);
  const double u =
      (static_cast<double>((std::uint64_t{words[0]} << 21) ^ (words[1] >> 11)) + 0.5) * 0x1p-53;
  const double angle = 2.0 * std::numbers::pi * (words[2] * 0x1p-32);
  return std::sqrt(-2.0 * std::log(u)) * (index % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

TEST(Random, NormalsAreThoseOfTheirFormulaOnEveryTarget) {
  const Random random(5, Stream::kTest, 2);
  for_each_target([&](const std::string& target) {
    for (const std::uint64_t first :
         {std::uint64_t{0}, std::uint64_t{7}, (std::uint64_t{1} << 33) - 5}) {
      std::vector<double> draws(1001);
      random.normals(first, draws);
      for (std::size_t i = 0; i < draws.size(); ++i)
        ASSERT_NEAR(draws[i], normal_by_formula(random, first + i), 1e-14)
            << target << ' ' << first + i;
    }
  });
}

TEST(Random, ANormalBelongsToItsIndexHoweverARunIsCut) {
  const Random random(5, Stream::kTest);
  std::vector<double> whole(257);
  random.normals(0, whole);
  for (const std::size_t first : {0U, 1U, 2U, 3U, 16U, 31U, 255U}) {
    for (const std::size_t count : {1U, 2U, 3U, 15U, 16U, 17U, 100U}) {
      std::vector<double> part(std::min(count, whole.size() - first));
      random.normals(first, part);
      ASSERT_TRUE(
          std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(first)))
          << first << ' ' << count;
    }
    ASSERT_EQ(random.normal(first), whole[first]);
  }
}

TEST(Random, BelowIsInRangeAndTakesEveryValue) {
  const Random random(3, Stream::kTest);
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 1000; ++i) seen.insert(random.below(i, 7));
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_EQ(*seen.rbegin(), 6U);
}

TEST(Random, SeedStreamAndSequenceTellSequencesApart) {
  const std::uint32_t one = Random(1, Stream::kTest).bits(0);
  EXPECT_NE(one, Random(2, Stream::kTest).bits(0));
  EXPECT_NE(one, Random(1, Stream::kDropout).bits(0));
  EXPECT_NE(one, Random(1, Stream::kTest, 1).bits(0));
  EXPECT_NE(one, Random(std::uint64_t{1} << 32, Stream::kTest).bits(0));
}

}  // namespace
}  // namespace undying
