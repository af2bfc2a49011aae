// What a run's updates say of its learning rate.

#include "doctor/diagnose/rate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace undying::doctor {
namespace {

using testing::HasSubstr;

undying::Run run_of(const std::vector<double>& ratios, double gradient_norm, double rate = 0.01) {
  undying::Run run;
  for (std::size_t i = 0; i < ratios.size(); ++i)
    run.steps.push_back({.step = static_cast<std::int64_t>(i) + 1,
                         .loss = 1.0,
                         .learning_rate = rate,
                         .gradient_norm = gradient_norm,
                         .update_ratio = ratios[i]});
  return run;
}

TEST(RateFinding, NamesTheFirstStepThatWentFar) {
  const auto found = rate_finding(run_of({1e-3, 0.3, 20.0}, 1.0, 50.0));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->what, "rate too large");
  EXPECT_THAT(found->evidence, HasSubstr("step 2 moved the weights by 0.3 of their norm"));
  EXPECT_THAT(found->evidence, HasSubstr("a rate of 50"));
}

TEST(RateFinding, AnUpdateThatIsNotFiniteWentFar) {
  for (const double bad :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    const auto found = rate_finding(run_of({1e-3, bad}, 1.0));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->what, "rate too large");
  }
}

TEST(RateFinding, AllUpdatesTogetherThatMoveNothing) {
  const auto found = rate_finding(run_of(std::vector<double>(100, 1e-7), 2.0, 1e-7));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->what, "rate too small");
  EXPECT_THAT(found->evidence, HasSubstr("all 100 updates together"));
  EXPECT_THAT(found->evidence, HasSubstr("at most 1e-05"));
  EXPECT_FALSE(rate_finding(run_of(std::vector<double>(100'000, 1e-7), 2.0, 1e-7)))
      << "small steps, but enough of them";
}

TEST(UsualRate, IsWhereTheFirstUpdateIsAThousandth) {
  EXPECT_NEAR(*usual_rate(run_of({2.0, 30.0}, 1.0, 50.0)), 0.025, 1e-12);
  EXPECT_NEAR(*usual_rate(run_of({1e-7, 1e-7}, 1.0, 1e-6)), 0.01, 1e-12);
  EXPECT_NEAR(*usual_rate(run_of({0.0, 1e-3}, 1.0, 0.3)), 0.3, 1e-12) << "a warm-up from 0";
  EXPECT_FALSE(usual_rate(run_of({std::numeric_limits<double>::quiet_NaN(), 0.0}, 1.0)));
}

TEST(RateFinding, CountsStepsThatAreNotOnRecord) {
  undying::Run run = run_of(std::vector<double>(100, 1e-6), 2.0, 1e-7);
  EXPECT_TRUE(rate_finding(run));
  run.steps.back().step = 100'000;
  EXPECT_FALSE(rate_finding(run));
}

TEST(RateFinding, SaysNothingWhereAnotherFaultKeepsWeightsStill) {
  EXPECT_FALSE(rate_finding(run_of(std::vector<double>(50, 1e-7), 1e5, 1e-9))) << "it explodes";
  EXPECT_FALSE(rate_finding(run_of(std::vector<double>(50, 0.0), 0.0))) << "no gradient";
  undying::Run run = run_of(std::vector<double>(100, 1e-7), 2.0, 1e-7);
  run.ledger.lives = {{{.state = UnitState::kAlive}},
                      {{.state = UnitState::kAlive}, {.state = UnitState::kDead}}};
  EXPECT_TRUE(rate_finding(run));
  run.ledger.lives[1][0].state = UnitState::kDead;
  EXPECT_FALSE(rate_finding(run)) << "a layer is dead";
  EXPECT_FALSE(rate_finding(run_of(std::vector<double>(50, 1e-7), 0.5, 0.01)))
      << "the weights are huge, the rate is not small";
  EXPECT_FALSE(rate_finding(run_of(std::vector<double>(50, 2e-3), 1.0))) << "a usual run";
  EXPECT_FALSE(rate_finding(run_of({0.5, 20.0}, 1e7, 1e-9))) << "it explodes before any update";
  EXPECT_FALSE(rate_finding(undying::Run{}));
}

}  // namespace
}  // namespace undying::doctor
