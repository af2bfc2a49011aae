#include "cli/progress.h"

#include <gtest/gtest.h>

namespace undying::cli {
namespace {

TEST(Bar, FillsWithTheShareAndNeverLeavesItsWidth) {
  EXPECT_EQ(bar(0.0, 10), "----------");
  EXPECT_EQ(bar(0.5, 10), "#####-----");
  EXPECT_EQ(bar(1.0, 10), "##########");
  EXPECT_EQ(bar(1.5, 4), "####");
  EXPECT_EQ(bar(-0.5, 4), "----");
}

TEST(DurationText, UsesTwoUnitsAtMost) {
  EXPECT_EQ(duration_text(0.0), "0s");
  EXPECT_EQ(duration_text(0.2), "1s");
  EXPECT_EQ(duration_text(59.5), "1m 00s");
  EXPECT_EQ(duration_text(185.0), "3m 05s");
  EXPECT_EQ(duration_text(3600.0), "1h 00m");
  EXPECT_EQ(duration_text(90'000.0), "25h 00m");
}

TEST(RateText, KeepsThreeDigits) {
  EXPECT_EQ(rate_text(0.0), "0 samples/s");
  EXPECT_EQ(rate_text(999.4), "999 samples/s");
  EXPECT_EQ(rate_text(999.6), "1k samples/s");
  EXPECT_EQ(rate_text(12'345.0), "12.3k samples/s");
  EXPECT_EQ(rate_text(999'499.0), "999k samples/s");
  EXPECT_EQ(rate_text(4'560'000.0), "4.56M samples/s");
}

TEST(DeadText, IsAShareOfTheUnits) {
  EXPECT_EQ(dead_text(12, 480), "2.5% of 480 units dead");
  EXPECT_EQ(dead_text(0, 0), "0.0% of 0 units dead");
}

}  // namespace
}  // namespace undying::cli
