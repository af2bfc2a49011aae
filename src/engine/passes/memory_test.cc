#include "engine/passes/memory.h"

#include <gtest/gtest.h>

#include "base/philox.h"

namespace undying::engine {
namespace {

TEST(Place, BuffersAliveTogetherNeverOverlap) {
  const Random random(3, Stream::kTest);
  std::vector<Lifetime> lifetimes;
  for (std::uint64_t i = 0; i < 300; ++i) {
    const int first = static_cast<int>(random.below(3 * i, 100));
    lifetimes.push_back({static_cast<std::int64_t>(random.below(3 * i + 1, 5000)), first,
                         first + static_cast<int>(random.below(3 * i + 2, 30))});
  }
  const Placement placement = place(lifetimes);
  for (std::size_t a = 0; a < lifetimes.size(); ++a) {
    EXPECT_EQ(placement.offsets[a] % 16, 0);
    EXPECT_LE(placement.offsets[a] + lifetimes[a].size, placement.total);
    for (std::size_t b = 0; b < a; ++b) {
      const bool together =
          lifetimes[a].first <= lifetimes[b].last && lifetimes[b].first <= lifetimes[a].last;
      const bool apart = placement.offsets[a] + lifetimes[a].size <= placement.offsets[b] ||
                         placement.offsets[b] + lifetimes[b].size <= placement.offsets[a];
      EXPECT_TRUE(!together || apart || lifetimes[a].size == 0 || lifetimes[b].size == 0)
          << a << " and " << b;
    }
  }
}

TEST(Place, ReusesTheSpaceOfTheDead) {
  std::vector<Lifetime> chain;
  for (int i = 0; i < 100; ++i) chain.push_back({64, i, i + 1});
  EXPECT_EQ(place(chain).total, 128);
}

}  // namespace
}  // namespace undying::engine
