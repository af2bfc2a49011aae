#include "base/philox.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace undying {
namespace {

using Block = std::array<std::uint32_t, 4>;

// Known answers of the authors' library (Random123, kat_vectors, philox4x32 10).
TEST(Philox, AgreesWithTheKnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
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
  const double error = 4.0 / std::sqrt(static_cast<double>(kDraws));  // four standard errors of a unit deviation
  EXPECT_NEAR(uniform / kDraws, 0.5, error * std::sqrt(1.0 / 12.0));
  EXPECT_NEAR(normal / kDraws, 0.0, error);
  EXPECT_NEAR(square / kDraws, 1.0, error * std::sqrt(2.0));
  EXPECT_NEAR(fourth / kDraws, 3.0, error * std::sqrt(96.0));
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
