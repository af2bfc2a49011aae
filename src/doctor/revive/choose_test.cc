#include "doctor/revive/choose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace undying::doctor {
namespace {

using testing::HasSubstr;

struct Scored {
  std::string label;
  double accuracy = 0.0;  // mean over seeds
  double dead_share = 0.0;
};

// Ten runs an arm; the scores of an arm vary around its mean by `noise`, each arm in its own way.
Revival revival(const std::vector<Scored>& arms, double noise) {
  constexpr int kSeeds = 10;
  Revival made;
  made.study.baseline = {
      .metric = Metric::kAccuracy, .score = 0.1, .bound = 0.12, .answer = "always naming class 0"};
  made.study.placebo_is_treatment = true;
  made.study.data_name = "made up";
  for (std::size_t k = 0; k < arms.size(); ++k) {
    Arm arm{.label = arms[k].label, .activation = "relu"};
    arm.role = k == 0 ? Role::kControl : k == 1 ? Role::kPlacebo : Role::kTreatment;
    for (int i = 0; i < kSeeds; ++i) {
      const double wave = std::sin(static_cast<double>(i) * (1.0 + static_cast<double>(k)) +
                                   static_cast<double>(k));
      Run run{.test_accuracy = arms[k].accuracy + noise * wave};
      run.epochs.push_back(
          {.units = 1000, .dead = static_cast<std::int64_t>(1000.0 * arms[k].dead_share)});
      arm.runs.push_back({.seed = static_cast<std::uint64_t>(i + 1), .present = true, .run = run});
    }
    made.study.arms.push_back(arm);
    made.arms.push_back({.remedy = {.label = arms[k].label}});
  }
  analyse(made.study);
  for (std::size_t k = 0; k < arms.size(); ++k)
    made.study.arms[k].dead_share = {.mean = arms[k].dead_share, .n = kSeeds};
  made.chosen = choose(made);
  if (made.chosen) made.after = made.before;
  write_verdict(made);
  return made;
}

TEST(Verdict, OfEqualScoresTheOneWithFewerDeadUnits) {
  const Revival made = revival({{"control", 0.5, 0.4},
                                {"placebo", 0.5, 0.4},
                                {"a", 0.8, 0.08},
                                {"b", 0.798, 0.0},
                                {"c", 0.797, 0.02}},
                               0.01);
  EXPECT_EQ(made.chosen, 3U);
  EXPECT_THAT(made.sentence, HasSubstr("b helps"));
  EXPECT_THAT(made.study.verdict,
              testing::Contains(
                  HasSubstr("b is taken because fewer of its units are dead: 0.0% against 8.0%")));
}

TEST(Verdict, AWorseScoreIsNotMadeUpForByLivingUnits) {
  const Revival made = revival(
      {{"control", 0.5, 0.4}, {"placebo", 0.5, 0.4}, {"a", 0.8, 0.08}, {"b", 0.7, 0.0}}, 0.01);
  EXPECT_EQ(made.chosen, 2U);
  for (const std::string& text : made.study.verdict)
    EXPECT_EQ(text.find("is taken because"), std::string::npos) << text;
}

TEST(Verdict, WhatDoesNotBeatThePlaceboDoesNotHelp) {
  const Revival made =
      revival({{"control", 0.5, 0.4}, {"placebo", 0.8, 0.0}, {"a", 0.8, 0.0}}, 0.01);
  EXPECT_EQ(made.chosen, std::nullopt);
  EXPECT_THAT(made.sentence, HasSubstr("Nothing is shown to help"));
}

TEST(Verdict, ARemedyWhoseNetworkIsNotFiniteIsSaidToBeSpoiled) {
  Revival made = revival({{"control", 0.5, 0.4}, {"placebo", 0.5, 0.4}, {"a", 0.8, 0.0}}, 0.01);
  made.chosen = std::nullopt;
  write_verdict(made, "a");
  EXPECT_THAT(made.sentence, HasSubstr("a was chosen, but its network is not finite on the "
                                       "held-out examples: no network is written"));
}

}  // namespace
}  // namespace undying::doctor
