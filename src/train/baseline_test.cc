#include "undying/baseline.h"

#include <gtest/gtest.h>

#include <cmath>

namespace undying {
namespace {

Dataset classes(std::vector<std::int32_t> labels) {
  const auto size = static_cast<std::int64_t>(labels.size());
  return {.name = "made", .size = size, .shape = {1}, .classes = 3, .labels = std::move(labels), .class_names = {"a", "b", "c"}};
}

Dataset values(std::vector<float> targets) {
  const auto size = static_cast<std::int64_t>(targets.size());
  return {.name = "made", .size = size, .shape = {1}, .outputs = 1, .targets = std::move(targets)};
}

TEST(Baseline, OfClassesIsTheTrainingPartsMostFrequentOne) {
  const Baseline found = baseline(classes({0, 1, 1, 2}), classes({0, 0, 0, 1}), {});
  EXPECT_EQ(found.metric, Metric::kAccuracy);
  EXPECT_EQ(found.score, 0.25);
  EXPECT_DOUBLE_EQ(found.bound, 0.25 + 0.75 / 5.0);
  EXPECT_EQ(found.text(), "25.00% (always naming \"b\"; beaten above 40.00%)");
  EXPECT_FALSE(found.beaten_by(0.25));
  EXPECT_TRUE(found.beaten_by(0.5));
  EXPECT_FALSE(found.beaten_by(std::nan("")));
}

// Of 1,000 balanced examples: two standard errors.
TEST(Baseline, AnotherClassMayBeALittleMoreFrequent) {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 1000; ++i) labels.push_back(i % 2);
  EXPECT_DOUBLE_EQ(baseline(classes(labels), classes(labels), {}).bound, 0.5 + 2.0 * std::sqrt(0.25 / 1000.0));
}

TEST(Baseline, OfValuesIsTheTrainingMeanByTheSameLoss) {
  const Dataset train = values({1.0f, 3.0f});
  const Dataset scored = values({2.0f, 4.0f, 2.0f, 8.0f});
  EXPECT_DOUBLE_EQ(baseline(train, scored, {.loss = Loss::kMeanSquaredError}).score, (4.0 + 36.0) / 4.0);
  EXPECT_DOUBLE_EQ(baseline(train, scored, {.loss = Loss::kHuber, .huber_delta = 1.0}).score, (1.5 + 5.5) / 4.0);
  const Baseline binary = baseline(values({0.0f, 1.0f, 1.0f, 1.0f}), values({1.0f, 0.0f}), {.loss = Loss::kBinaryCrossEntropy});
  EXPECT_NEAR(binary.score, -(std::log(0.75) + std::log(0.25)) / 2.0, 1e-6);
}

// Targets of 0.5 +- 0.05: no network gets below their entropy.
TEST(Baseline, SoftTargetsLeaveAnEntropy) {
  std::vector<float> targets;
  for (int i = 0; i < 1000; ++i) targets.push_back(i % 2 == 0 ? 0.45f : 0.55f);
  const Baseline found = baseline(values(targets), values(targets), {.loss = Loss::kBinaryCrossEntropy});
  const double entropy = -(0.45 * std::log(0.45) + 0.55 * std::log(0.55));
  EXPECT_TRUE(found.beaten_by(entropy + 1e-5));
  EXPECT_FALSE(found.beaten_by(std::log(2.0)));
}

// Another constant may be a little better by luck: the more so the fewer the examples.
TEST(Baseline, ASlightlyLuckierConstantHasLearnedNothing) {
  const Baseline few = baseline(values({0.0f, 2.0f}), values(std::vector<float>(20, 3.0f)), {.loss = Loss::kMeanSquaredError});
  EXPECT_EQ(few.metric, Metric::kLoss);
  EXPECT_DOUBLE_EQ(few.score, 4.0);
  EXPECT_FALSE(few.beaten_by(3.3));
  EXPECT_TRUE(few.beaten_by(3.1));
  const Baseline many = baseline(values({0.0f, 2.0f}), values(std::vector<float>(4000, 3.0f)), {.loss = Loss::kMeanSquaredError});
  EXPECT_FALSE(many.beaten_by(3.97));
  EXPECT_TRUE(many.beaten_by(3.95));
}

}  // namespace
}  // namespace undying
