#include "study/reproduce/remedies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace undying::study {
namespace {

using testing::HasSubstr;

// By seed and task, a little apart by seed.
Curves line(double first, double last) {
  Curves curves;
  for (int seed = 0; seed < 4; ++seed) {
    std::vector<double> curve;
    for (int task = 0; task < 10; ++task)
      curve.push_back(first + (last - first) * task / 9.0 + 1e-4 * seed * (task % 2 == 0 ? 1 : -1));
    curves.push_back(curve);
  }
  return curves;
}

// Every arm as plain as ReLU, which loses all that it may.
std::vector<Course> courses() {
  std::vector<ArmPlan> plans = remedy_arms();
  plans.insert(plans.begin(), ArmPlan{});
  std::vector<Course> all;
  for (const ArmPlan& plan : plans)
    all.push_back({.plan = plan,
                   .label = plan.activation.specification(),
                   .accuracy = line(0.8, 0.6),
                   .dead = line(0.01, 0.5),
                   .dormant = line(0.1, 0.6),
                   .rank = line(40.0, 10.0),
                   .weights = line(10.0, 30.0)});
  return all;
}

Agreement verdict(const std::vector<Course>& all, const std::string& words) {
  for (const Claim& claim : remedy_claims(all, 2, 4))
    if (claim.published.find(words) != std::string::npos) return claim.agreement;
  ADD_FAILURE() << words;
  return Agreement::kUndecided;
}

TEST(Remedies, FiguresOfCurves) {
  const Curves curves = {{1.0, 2.0, 3.0, 5.0}, {1.0, 1.0, 4.0, 4.0}};
  EXPECT_DOUBLE_EQ(at_end(curves, 2).mean, 4.0);
  EXPECT_DOUBLE_EQ(change(curves, 1).mean, 3.5);
  EXPECT_DOUBLE_EQ(less_at_end(curves, {{0.0, 1.0}, {0.0, 2.0}}, 1).mean, 3.0);
  EXPECT_DOUBLE_EQ(less_overall(curves, {{0.75}, {0.5}}).mean, 2.0);
  EXPECT_EQ(less_overall(curves, {{0.75}}).n, 1);
}

TEST(Remedies, ANetworkThatWearsOutAgreesWithTheFirstFigure) {
  const std::vector<Course> all = courses();
  for (const char* words : {"accuracy falls", "dead units grows", "the weights grow", "rank falls",
                            "dormant units grow"})
    EXPECT_EQ(verdict(all, words), Agreement::kAgrees) << words;
  for (const char* words : {"loses no plasticity", "almost no drop", "almost no dead",
                            "continual backpropagation the weights do not grow"})
    EXPECT_EQ(verdict(all, words), Agreement::kDiffers) << words;
}

// The paper shows the best of several rates.
TEST(Remedies, OneRateThatKeepsItIsEnough) {
  std::vector<Course> all = courses();
  const auto slow = std::ranges::find_if(all, [](const Course& course) {
    return course.plan.keep_alive == parse_keep_alive("cbp:1e-5");
  });
  slow->accuracy = line(0.8, 0.8);
  slow->dead = line(0.0, 0.001);
  slow->rank = line(40.0, 35.0);
  slow->weights = line(10.0, 10.0);
  for (const char* words : {"loses no plasticity", "it does best", "almost no dead",
                            "rank stays above", "continual backpropagation the weights do not"})
    EXPECT_EQ(verdict(all, words), Agreement::kAgrees) << words;
  EXPECT_EQ(verdict(all, "layer normalisation is the best"), Agreement::kDiffers);
}

TEST(Remedies, OfRunsThatDidNotFinishNothingIsConcluded) {
  std::vector<Course> all = courses();
  const auto crelu = std::ranges::find_if(
      all, [](const Course& course) { return course.plan.activation == Activation("crelu"); });
  crelu->accuracy.pop_back();
  for (const Claim& claim : remedy_claims(all, 2, 4)) {
    if (claim.published.find("CReLU") == std::string::npos) continue;
    EXPECT_EQ(claim.agreement, Agreement::kUndecided);
    EXPECT_THAT(claim.found, HasSubstr("only 3 of 4 runs of crelu"));
  }
  EXPECT_EQ(verdict(all, "accuracy falls"), Agreement::kAgrees);
}

}  // namespace
}  // namespace undying::study
