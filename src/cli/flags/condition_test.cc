#include "cli/flags/condition.h"

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

TEST(Condition, MayAskForAFindingOrTheTargetsOutOfReach) {
  Diagnosis diagnosis = with_dead(0);
  EXPECT_FALSE(met(parse_condition("--fail-on", "not-learned"), diagnosis));
  diagnosis.findings.push_back({.what = "not learned", .evidence = "10% against 12%"});
  EXPECT_TRUE(met(parse_condition("--fail-on", "not-learned"), diagnosis));
  EXPECT_EQ(found_text(parse_condition("--fail-on", "not-learned"), diagnosis), "10% against 12%");
  EXPECT_FALSE(met(parse_condition("--fail-on", "scale-of-the-inputs"), diagnosis));
  EXPECT_FALSE(met(parse_condition("--fail-on", "out-of-reach>1%"), diagnosis));
  diagnosis.reach = OutputReach{.share = 0.25};
  EXPECT_TRUE(met(parse_condition("--fail-on", "out-of-reach>20%"), diagnosis));
  EXPECT_FALSE(met(parse_condition("--fail-on", "out-of-reach>25%"), diagnosis));
  EXPECT_EQ(found_text(parse_condition("--fail-on", "out-of-reach>20%"), diagnosis),
            "25.00% of the targets");
}

TEST(Condition, CountsConstantUnitsAndZeroWeights) {
  Diagnosis diagnosis = with_dead(0);
  diagnosis.layers[0].constant = 7;
  diagnosis.layers[1].lives.assign(60, {});
  diagnosis.layers[1].lives[3].cause = DeadCause::kZeroWeights;
  EXPECT_TRUE(met(parse_condition("--fail-on", "constant>6%"), diagnosis));
  EXPECT_FALSE(met(parse_condition("--fail-on", "constant>7%"), diagnosis));
  EXPECT_TRUE(met(parse_condition("--fail-on", "zero-weights>0"), diagnosis));
  EXPECT_EQ(found_text(parse_condition("--fail-on", "zero-weights>0"), diagnosis),
            "1 of 100 units, 1.00%");
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
