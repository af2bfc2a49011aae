#include "doctor/replay/shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace undying::doctor {
namespace {

TEST(Shapley, ThreePlayersByHand) {
  // Worth 6 together; 0 and 1 make 3 only together, 2 makes 3 alone.
  const auto value = [](unsigned set) {
    return ((set & 3U) == 3U ? 3.0 : 0.0) + ((set & 4U) != 0 ? 3.0 : 0.0);
  };
  EXPECT_THAT(shapley(3, value),
              testing::ElementsAre(testing::DoubleNear(1.5, 1e-15), testing::DoubleNear(1.5, 1e-15),
                                   testing::DoubleNear(3.0, 1e-15)));
  EXPECT_EQ(cause_of({-1.0, -2.0, -0.5, {}}, -3.5), Cause::kWeights);
  EXPECT_EQ(cause_of({-1.0, -1.1, -0.5, {}}, -2.6), Cause::kMixed);
  EXPECT_EQ(cause_of(Shares{std::nullopt, 1.0, -3.0, std::nullopt}, -2.0), Cause::kBelow);
}

}  // namespace
}  // namespace undying::doctor
