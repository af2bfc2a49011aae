// Metrics against scikit-learn (tests/golden/make_metrics.py), and what single examples add to them
// against leaving each out.
#include "train/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "train/metrics_golden.h"
#include "train/test_data.h"
#include "undying/error.h"
#include "undying/trainer.h"

namespace undying {
namespace {

using testing::HasSubstr;

Dataset labelled(std::vector<std::int32_t> labels, std::int64_t classes) {
  const std::int64_t size = std::ssize(labels);
  return {
      .name = "made", .size = size, .shape = {1}, .classes = classes, .labels = std::move(labels)};
}

Predictions probabilities(std::vector<float> values, std::int64_t size, std::int64_t classes) {
  return {.size = size,
          .classes = std::vector<std::string>(static_cast<std::size_t>(classes), "c"),
          .outputs = classes,
          .values = std::move(values)};
}

struct Case {
  Predictions predictions;
  Dataset data;
};

Case of_two() {
  std::vector<float> both;
  for (const float p : golden::probabilities) both.insert(both.end(), {1.0f - p, p});
  return {probabilities(both, std::ssize(golden::labels), 2), labelled(golden::labels, 2)};
}

Case of_four() {
  return {probabilities(golden::probabilities_of_four, std::ssize(golden::labels_of_four), 4),
          labelled(golden::labels_of_four, 4)};
}

Case of_values() {
  const std::int64_t size = std::ssize(golden::truth) / 2;
  return {{.size = size, .classes = {}, .outputs = 2, .values = golden::said},
          {.name = "made", .size = size, .shape = {1}, .outputs = 2, .targets = golden::truth}};
}

TEST(Metrics, OfTwoClassesAreThoseOfScikitLearn) {
  const Case made = of_two();
  const train::Scorer scorer(made.predictions, made.data);
  EXPECT_NEAR(scorer.score(Metric::kAccuracy), golden::accuracy, 1e-12);
  EXPECT_NEAR(scorer.score(Metric::kBalancedAccuracy), golden::balanced_accuracy, 1e-12);
  EXPECT_NEAR(scorer.score(Metric::kF1), golden::f1, 1e-12);
  EXPECT_NEAR(scorer.score(Metric::kAuc), golden::auc, 1e-12);
  EXPECT_NEAR(scorer.score(Metric::kLogLoss), golden::log_loss, 1e-6);
}

TEST(Metrics, OfSeveralClassesAreThoseOfScikitLearn) {
  const Case made = of_four();
  const train::Scorer scorer(made.predictions, made.data);
  EXPECT_NEAR(scorer.score(Metric::kBalancedAccuracy), golden::balanced_accuracy_of_four, 1e-12);
  EXPECT_NEAR(scorer.score(Metric::kF1), golden::f1_of_four, 1e-12);
  EXPECT_NEAR(scorer.score(Metric::kLogLoss), golden::log_loss_of_four, 1e-6);
}

TEST(Metrics, OfValuesAreThoseOfScikitLearn) {
  const Case made = of_values();
  const train::Scorer scorer(made.predictions, made.data);
  EXPECT_NEAR(scorer.score(Metric::kRmse), golden::rmse, 1e-6);
  EXPECT_NEAR(scorer.score(Metric::kMae), golden::mae, 1e-6);
  EXPECT_NEAR(scorer.score(Metric::kR2), golden::r2, 1e-6);
}

// The jackknife: (n - 1) (score of all - score without the row), which agrees with the influence up
// to 1 / n.
void expect_influences(const Case& made, Metric metric) {
  const train::Scorer scorer(made.predictions, made.data);
  const std::int64_t n = made.data.size;
  std::vector<std::uint32_t> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0U);
  const std::vector<float> parts = scorer.parts(metric, all);
  std::vector<double> left_out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<std::uint32_t> others = all;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    left_out.push_back(static_cast<double>(n - 1) *
                       (scorer.score(metric) - scorer.score(metric, others)));
  }
  const auto mean = [&](const auto& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(n);
  };
  double spread = 0.0;
  for (const float part : parts) spread = std::max(spread, std::fabs(part - mean(parts)));
  ASSERT_GT(spread, 0.0);
  for (std::size_t i = 0; i < parts.size(); ++i)
    EXPECT_NEAR(parts[i] - mean(parts), left_out[i] - mean(left_out), 0.15 * spread)
        << name(metric) << " row " << i;
}

TEST(Metrics, PartsAreTheInfluencesOfSingleExamples) {
  for (const Metric metric :
       {Metric::kAccuracy, Metric::kBalancedAccuracy, Metric::kF1, Metric::kAuc, Metric::kLogLoss})
    expect_influences(of_two(), metric);
  for (const Metric metric : {Metric::kF1, Metric::kLogLoss}) expect_influences(of_four(), metric);
  for (const Metric metric : {Metric::kRmse, Metric::kMae, Metric::kR2})
    expect_influences(of_values(), metric);
}

TEST(Metrics, AreKnownByName) {
  EXPECT_EQ(parse_metric("balanced-accuracy"), Metric::kBalancedAccuracy);
  EXPECT_EQ(parse_metric("auc"), Metric::kAuc);
  EXPECT_EQ(parse_metric("r2"), Metric::kR2);
  EXPECT_THAT([] { parse_metric("precision"); },
              testing::ThrowsMessage<Error>(
                  testing::AllOf(HasSubstr("precision"), HasSubstr("log-loss, rmse"))));
}

TEST(Metrics, ThatDoNotFitAreRefused) {
  const auto refuses = [](Metric metric, const Dataset& data, const char* what) {
    EXPECT_THAT([&] { check_metric(metric, data); },
                testing::ThrowsMessage<Error>(HasSubstr(what)));
  };
  refuses(
      Metric::kAuc, of_four().data,
      "is of two classes, but made has 4; expected accuracy, balanced-accuracy, f1 or log-loss");
  refuses(Metric::kRmse, of_two().data, "is of values, but made has classes");
  refuses(Metric::kF1, of_values().data,
          "is of classes, but made has values to predict; expected rmse, mae or r2");
  for (const Metric metric : {Metric::kAuc, Metric::kAccuracy, Metric::kLoss})
    EXPECT_NO_THROW(check_metric(metric, of_two().data));
}

// A trainer's scores are those of its predictions.
TEST(Metrics, ATrainerScoresByThem) {
  const Dataset data = make_classes(200, 5, 2);
  for (const Metric metric :
       {Metric::kBalancedAccuracy, Metric::kF1, Metric::kAuc, Metric::kLogLoss}) {
    Trainer trainer(mlp({.inputs = 5, .hidden = {8}, .outputs = 2, .activation = "relu"}),
                    {.metric = metric, .batch = 50, .threads = 1});
    const undying::Run run = trainer.fit(data, data);
    const Predictions predictions =
        predict(trainer.graph(), trainer.tensors(), data, {"no", "yes"}, 1);
    EXPECT_NEAR(run.test_score, train::Scorer(predictions, data).score(metric), 1e-6)
        << name(metric);
    EXPECT_EQ(trainer.example_scores(data).size(), 200U);
  }
}

}  // namespace
}  // namespace undying
