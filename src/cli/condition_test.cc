#include "cli/condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "undying/error.h"

namespace undying::cli {
namespace {

using testing::HasSubstr;

Diagnosis with_dead(std::int64_t dead) {
  Diagnosis diagnosis;
  diagnosis.layers.push_back({.name = "layer.0", .units = 40, .dead = dead});
  diagnosis.layers.push_back({.name = "layer.1", .units = 60});
  return diagnosis;
}

TEST(Condition, IsAShareOfAllUnits) {
  EXPECT_FALSE(met(parse_condition("--fail-on", "dead>5%"), with_dead(5)));
  EXPECT_TRUE(met(parse_condition("--fail-on", "dead>=5%"), with_dead(5)));
  EXPECT_TRUE(met(parse_condition("--fail-on", "dead>0.04"), with_dead(5)));
  EXPECT_TRUE(met(parse_condition("--fail-on", "dead>0"), with_dead(1)));
  EXPECT_FALSE(met(parse_condition("--fail-on", "locked>0"), with_dead(1)));
}

// 0.07 x 100 is not 7 in binary.
TEST(Condition, ABoundThatIsMetExactlyIsMetToTheBit) {
  for (int percent = 0; percent <= 100; ++percent) {
    const std::string text = std::to_string(percent) + "%";
    EXPECT_TRUE(met(parse_condition("--fail-on", "dead>=" + text), with_dead(percent))) << text;
    EXPECT_FALSE(met(parse_condition("--fail-on", "dead>" + text), with_dead(percent))) << text;
  }
}

TEST(Condition, WhatCannotBeReadIsNamed) {
  const auto message = [](const char* text) {
    try {
      parse_condition("--fail-on", text);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message("dead"), HasSubstr("has no >"));
  EXPECT_THAT(message("alive>5%"), HasSubstr("\"alive\""));
  EXPECT_THAT(message("dead>five"), HasSubstr("five"));
  EXPECT_THAT(message("dead>101%"), HasSubstr("out of range"));
}

}  // namespace
}  // namespace undying::cli
