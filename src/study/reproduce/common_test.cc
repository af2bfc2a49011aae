#include "study/reproduce/common.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <stdexcept>

namespace undying::study {
namespace {

ArmRun run(RunStatus status, const std::vector<double>& losses) {
  ArmRun run{.present = true};
  run.run.status = status;
  for (const double loss : losses)
    run.run.steps.push_back({.step = std::ssize(run.run.steps) + 1, .loss = loss});
  return run;
}

TEST(Common, FiguresInWords) {
  EXPECT_EQ(interval_text({1.5, 1.25, 1.75, 4}, "{:.2f}"), "1.50 [1.25, 1.75]");
  EXPECT_EQ(interval_text({1.5, NAN, NAN, 1}, "{:.1f}"), "1.5");
  EXPECT_EQ(interval_text({NAN, NAN, NAN, 0}, "{:.1f}"), "-");
  EXPECT_EQ(share_text(0, 0), "-");
  EXPECT_EQ(share_text(5, 10), "50.0% [18.7, 81.3]");  // Clopper and Pearson's, as tables have it
}

TEST(Common, RunsThatDidNotEndAreNoRuns) {
  Arm arm;
  arm.runs = {run(RunStatus::kFinished, {4.0, 2.0}),
              run(RunStatus::kFinished, {2.0, 1.0}),
              run(RunStatus::kDiverged, {9.0}),
              run(RunStatus::kInterrupted, {7.0}),
              {}};
  EXPECT_EQ(runs_of(arm).size(), 3U);
  EXPECT_EQ(mean_over(arm, [](const ArmRun& each) { return each.run.steps[0].loss; }).mean, 3.0);
  EXPECT_EQ(count_of(arm, [](const ArmRun& each) { return each.run.steps.size() == 1; }), 1);
  const Curve curve = loss_curve(arm, "loss");
  EXPECT_EQ(curve.x, (std::vector<double>{1, 2}));
  EXPECT_EQ(curve.mean, (std::vector<double>{3.0, 1.5}));
}

TEST(Common, ThreadsDoEachOnceAndTellInOrder) {
  std::vector<std::atomic<int>> done(100);
  std::vector<double> told;
  const Work work{"items", 100, [&](int i) { ++done[static_cast<std::size_t>(i)]; }};
  work_on_threads(work, 3, [&](const std::string&, double share) { told.push_back(share); }, {});
  for (const auto& count : done) EXPECT_EQ(count, 1);
  ASSERT_EQ(told.size(), 100U);
  EXPECT_TRUE(std::ranges::is_sorted(told));
  EXPECT_EQ(told.back(), 1.0);
  EXPECT_THROW(work_on_threads({"", 9, [](int) { throw std::runtime_error("x"); }}, 2, {}, {}),
               std::runtime_error);
  std::stop_source source;
  source.request_stop();
  work_on_threads({"", 9, [](int) { FAIL(); }}, 2, {}, source.get_token());
}

std::string decided(const ReproduceSettings& settings, const FullSize& full) {
  std::vector<Claim> claims = {{.published = "a", .found = "b", .agreement = Agreement::kAgrees}};
  leave_open_if_short(claims, settings, full);
  return std::string(name(claims[0].agreement)) + ": " + claims[0].found;
}

TEST(Common, AShortenedRunDecidesNothing) {
  const FullSize full{.seeds = 12, .steps = 1000};
  EXPECT_EQ(decided({}, full), "agrees: b");
  EXPECT_EQ(decided({.seeds = 12, .steps = 1000}, full), "agrees: b");
  EXPECT_EQ(decided({.seeds = 20, .steps = 4000}, full), "agrees: b");
  EXPECT_EQ(decided({.seeds = 11}, full),
            "undecided: b; 11 of 12 seeds: too few for the statement");
  EXPECT_EQ(decided({.seeds = 12, .steps = 999}, full),
            "undecided: b; 999 of 1000 steps: too few for the statement");
  EXPECT_EQ(decided({.quick = true, .seeds = 12, .steps = 1000}, full),
            "undecided: b; quick: too small for the statement");
}

TEST(Common, StepsThatAreAskedForAreTaken) {
  const Length own = length_of(2, 0, 60'000, 128);
  EXPECT_EQ(own.text(), "2 epochs");
  EXPECT_EQ(own.epochs, 2);
  EXPECT_EQ(own.full, 2 * 469);
  EXPECT_EQ(length_of(1, 0, 100, 10).text(), "1 epoch");
  EXPECT_EQ(length_of(2, 3, 60'000, 128).text(), "3 steps");
  EXPECT_EQ(length_of(2, 3, 60'000, 128).epochs, 1);
  EXPECT_EQ(length_of(2, 5000, 60'000, 128).epochs, 11) << "more than the row's own epochs have";
}

TEST(Common, ASharesIntervalStaysWhereSharesAre) {
  const Estimate wide = of_share({0.3, -1.95, 2.28, 2});
  EXPECT_EQ(wide.lower, 0.0);
  EXPECT_EQ(wide.upper, 1.0);
  EXPECT_TRUE(std::isnan(of_share({0.3, NAN, NAN, 1}).lower));
}

}  // namespace
}  // namespace undying::study
