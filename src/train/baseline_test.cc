#include "undying/evaluation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "undying/error.h"

namespace undying {
namespace {

Dataset classes(std::vector<std::int32_t> labels) {
  const auto size = static_cast<std::int64_t>(labels.size());
  return {.name = "made",
          .size = size,
          .shape = {1},
          .classes = 3,
          .labels = std::move(labels),
          .class_names = {"a", "b", "c"}};
}

Dataset values(std::vector<float> targets) {
  const auto size = static_cast<std::int64_t>(targets.size());
  return {.name = "made", .size = size, .shape = {1}, .outputs = 1, .targets = std::move(targets)};
}

TEST(Baseline, OfClassesIsTheTrainingPartsMostFrequentOne) {
  const Baseline found = baseline(classes({0, 1, 1, 2}), classes({0, 0, 0, 1}), {});
  EXPECT_EQ(found.metric, Metric::kAccuracy);
  EXPECT_EQ(found.score, 0.25);
  const double guessed = (3 * 0.25 + 0.5) / 4.0;  // more than always naming "b"
  EXPECT_DOUBLE_EQ(found.bound, guessed + (1.0 - guessed) / 5.0);
  EXPECT_EQ(found.text(), "25.00% (always naming \"b\"; beaten above 45.00%)");
  EXPECT_FALSE(found.beaten_by(0.25));
  EXPECT_TRUE(found.beaten_by(0.5));
  EXPECT_FALSE(found.beaten_by(std::nan("")));
}

// Of 1,000 balanced examples: two standard errors.
TEST(Baseline, AnotherClassMayBeALittleMoreFrequent) {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 1000; ++i) labels.push_back(i % 2);
  EXPECT_DOUBLE_EQ(baseline(classes(labels), classes(labels), {}).bound,
                   0.5 + 2.0 * std::sqrt(0.25 / 1000.0));
}

// What is most frequent in training is rare here: a network that guesses has not learned.
TEST(Baseline, GuessesMayComeToMoreThanOneAnswer) {
  std::vector<std::int32_t> train, scored;
  for (int i = 0; i < 300; ++i) train.push_back(i % 3);
  train.push_back(0);
  for (int i = 0; i < 300; ++i) scored.push_back(i < 60 ? 0 : 1 + i % 2);
  const Baseline found = baseline(classes(train), classes(scored), {});
  EXPECT_DOUBLE_EQ(found.score, 0.2);
  EXPECT_FALSE(found.beaten_by(1.0 / 3.0));
  EXPECT_TRUE(found.beaten_by(0.4));
}

// By each metric what one answer for all comes to.
TEST(Baseline, OfClassesGoesByTheMetric) {
  const Dataset train = classes({0, 1, 1, 2});
  const Dataset scored = classes({0, 0, 1, 1, 1, 2});
  const auto by = [&](Metric metric) { return baseline(train, scored, {.metric = metric}); };
  EXPECT_DOUBLE_EQ(by(Metric::kBalancedAccuracy).score, 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(by(Metric::kF1).score, 2.0 * 3.0 / (3.0 + 6.0) / 3.0);
  EXPECT_DOUBLE_EQ(by(Metric::kLogLoss).score, -(3.0 * std::log(0.25) + 3.0 * std::log(0.5)) / 6.0);
  EXPECT_TRUE(by(Metric::kLogLoss).beaten_by(0.2));
  EXPECT_FALSE(by(Metric::kLogLoss).beaten_by(by(Metric::kLogLoss).score));
  EXPECT_THROW(by(Metric::kAuc), Error);
  EXPECT_THROW(by(Metric::kRmse), Error);
  Dataset two = classes({0, 1, 0, 1, 0, 0, 0, 0});
  two.classes = 2;
  const Baseline auc = baseline(two, two, {.metric = Metric::kAuc});
  EXPECT_EQ(auc.score, 0.5);
  EXPECT_DOUBLE_EQ(auc.bound, 0.5 + 0.1) << "two standard errors of so few would be more";
  EXPECT_EQ(auc.text(),
            "AUC 0.5000 (any answer that is the same for all examples; beaten above AUC 0.6000)");
}

TEST(Baseline, SaysWhereOneClassIsMostOfAll) {
  std::vector<std::int32_t> labels(100, 0);
  for (std::size_t i = 0; i < 10; ++i) labels[i] = 1;
  EXPECT_TRUE(baseline(classes(labels), classes(labels), {}).imbalanced);
  EXPECT_FALSE(baseline(classes(labels), classes(labels), {.metric = Metric::kF1}).imbalanced);
  EXPECT_FALSE(baseline(classes({0, 1, 2, 0, 1, 2, 0}), classes({0, 1, 2}), {}).imbalanced);
}

TEST(Baseline, OfValuesGoesByTheMetric) {
  const Dataset train = values({0.0f, 1.0f, 8.0f});
  const Dataset scored = values({1.0f, 3.0f});
  const auto by = [&](Metric metric) {
    return baseline(train, scored, {.loss = Loss::kMeanSquaredError, .metric = metric});
  };
  EXPECT_NEAR(by(Metric::kRmse).score, std::sqrt((4.0 + 0.0) / 2.0), 1e-12) << "from the mean, 3";
  EXPECT_NEAR(by(Metric::kMae).score, (0.0 + 2.0) / 2.0, 1e-12) << "from the median, 1";
  EXPECT_NEAR(by(Metric::kR2).score, 1.0 - 2.0 / 1.0, 1e-12);
  EXPECT_TRUE(by(Metric::kR2).beaten_by(0.5));
  EXPECT_THROW(by(Metric::kAccuracy), Error);
}

TEST(Baseline, OfValuesIsTheTrainingMeanByTheSameLoss) {
  const Dataset train = values({1.0f, 3.0f});
  const Dataset scored = values({2.0f, 4.0f, 2.0f, 8.0f});
  EXPECT_DOUBLE_EQ(baseline(train, scored, {.loss = Loss::kMeanSquaredError}).score,
                   (4.0 + 36.0) / 4.0);
  EXPECT_DOUBLE_EQ(baseline(train, scored, {.loss = Loss::kHuber, .huber_delta = 1.0}).score,
                   (1.5 + 5.5) / 4.0);
  const Baseline binary = baseline(values({0.0f, 1.0f, 1.0f, 1.0f}), values({1.0f, 0.0f}),
                                   {.loss = Loss::kBinaryCrossEntropy});
  EXPECT_NEAR(binary.score, -(std::log(0.75) + std::log(0.25)) / 2.0, 1e-6);
}

// Targets of 0.5 +- 0.05: no network gets below their entropy.
TEST(Baseline, SoftTargetsLeaveAnEntropy) {
  std::vector<float> targets;
  for (int i = 0; i < 1000; ++i) targets.push_back(i % 2 == 0 ? 0.45f : 0.55f);
  const Baseline found =
      baseline(values(targets), values(targets), {.loss = Loss::kBinaryCrossEntropy});
  const double entropy = -(0.45 * std::log(0.45) + 0.55 * std::log(0.55));
  EXPECT_TRUE(found.beaten_by(entropy + 1e-5));
  EXPECT_FALSE(found.beaten_by(std::log(2.0)));
}

// Another constant may be a little better by luck: the more so the fewer the examples.
TEST(Baseline, ASlightlyLuckierConstantHasLearnedNothing) {
  const Baseline few = baseline(values({0.0f, 2.0f}), values(std::vector<float>(20, 3.0f)),
                                {.loss = Loss::kMeanSquaredError});
  EXPECT_EQ(few.metric, Metric::kLoss);
  EXPECT_DOUBLE_EQ(few.score, 4.0);
  EXPECT_FALSE(few.beaten_by(3.3));
  EXPECT_TRUE(few.beaten_by(3.1));
  const Baseline many = baseline(values({0.0f, 2.0f}), values(std::vector<float>(4000, 3.0f)),
                                 {.loss = Loss::kMeanSquaredError});
  EXPECT_FALSE(many.beaten_by(3.97));
  EXPECT_TRUE(many.beaten_by(3.95));
}

}  // namespace
}  // namespace undying
