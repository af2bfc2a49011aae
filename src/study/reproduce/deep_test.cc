#include "study/reproduce/deep.h"

#include <gtest/gtest.h>

namespace undying::study {
namespace {

TEST(Blocked, SaysWhetherALayerIsDeadOrTheSignalGone) {
  CensusRecord census;
  census.layers = {
      {.name = "layer.0", .units = 4, .dead = 1, .signal_mean = 0.3, .signal_variance = 0.91},
      {.name = "layer.1", .units = 8, .dead = 5, .signal_mean = 0.01, .signal_variance = 0.0009}};
  const Blocked alive = blocked(census);
  EXPECT_FALSE(alive.dead_layer);
  EXPECT_NEAR(alive.signal, 0.001, 1e-12);
  EXPECT_DOUBLE_EQ(alive.dead, 0.5);
  EXPECT_DOUBLE_EQ(alive.dead_last, 5.0 / 8.0);
  census.layers.front().dead = 4;
  EXPECT_TRUE(blocked(census).dead_layer);
}

}  // namespace
}  // namespace undying::study
