// Runs that stop early, and classes that are weighed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "train/metrics_golden.h"
#include "train/test_data.h"
#include "undying/error.h"
#include "undying/evaluation.h"
#include "undying/trainer.h"

namespace undying {
namespace {

using testing::HasSubstr;

// So noisy that a network soon learns the noise.
Dataset noisy(std::int64_t size, std::uint32_t sequence) {
  Dataset data = make_classes(size, 6, 3, sequence);
  const Random random(5, Stream::kTest, sequence);
  for (std::size_t i = 0; i < data.labels.size(); ++i)
    if (random.uniform(i) < 0.3)
      data.labels[i] = static_cast<std::int32_t>(random.below(i + 100'000, 3));
  return data;
}

struct Rows {
  Dataset train = noisy(120, 0);
  Dataset test = noisy(150, 1);
  Dataset validation = noisy(90, 2);
};

TrainSettings stopping(std::int64_t patience) {
  TrainSettings settings{.optimizer = Sgd{.learning_rate = 0.1f, .momentum = 0.9f},
                         .early_stop = patience,
                         .batch = 20,
                         .epochs = 60};
  settings.threads = 1;
  return settings;
}

Graph stopping_network(bool batch_norm) {
  return mlp({.inputs = 6,
              .hidden = {24, 24},
              .outputs = 3,
              .activation = "relu",
              .batch_norm = batch_norm});
}

void expect_same_tensors(const Trainer& a, const Trainer& b) {
  const std::vector<Tensor> left = a.tensors();
  const std::vector<Tensor> right = b.tensors();
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i)
    EXPECT_EQ(left[i].values, right[i].values) << left[i].name;
}

// What it comes to is the run that had just as many epochs, bit for bit.
void expect_the_shorter_run(bool batch_norm, std::optional<Metric> metric) {
  const Rows rows;
  TrainSettings settings = stopping(4);
  settings.metric = metric;
  Trainer trainer(stopping_network(batch_norm), settings);
  const undying::Run run = trainer.fit(rows.train, rows.test, {}, {}, &rows.validation);
  ASSERT_EQ(run.status, RunStatus::kFinished);
  const Metric by = metric.value_or(Metric::kAccuracy);
  std::size_t best = 0;
  for (std::size_t i = 1; i < run.epochs.size(); ++i)
    if (better(by, run.epochs[i].validation_score, run.epochs[best].validation_score)) best = i;
  EXPECT_EQ(run.best_epoch, static_cast<std::int64_t>(best) + 1) << "the first of the best";
  EXPECT_EQ(std::ssize(run.epochs), run.best_epoch + 4);
  ASSERT_LT(run.epochs.size(), 60U) << "it did stop";
  settings.early_stop = 0;
  settings.epochs = run.best_epoch;
  Trainer shorter(stopping_network(batch_norm), settings);
  const undying::Run expected = shorter.fit(rows.train, rows.test);
  expect_same_tensors(trainer, shorter);
  EXPECT_EQ(run.test_accuracy, expected.test_accuracy);
  EXPECT_EQ(run.test_loss, expected.test_loss);
  EXPECT_EQ(trainer.evaluate(rows.test).loss, expected.test_loss);
  EXPECT_EQ(run.ledger.censuses.size(), expected.ledger.censuses.size());
  EXPECT_EQ(run.ledger.dead(), expected.ledger.dead());
  EXPECT_EQ(&kept_epoch(run), &run.epochs[best]);
}

TEST(EarlyStop, KeepsTheBestEpoch) { expect_the_shorter_run(false, {}); }
TEST(EarlyStop, KeepsTheBestEpochsStatisticsToo) { expect_the_shorter_run(true, {}); }
TEST(EarlyStop, GoesByTheMetric) { expect_the_shorter_run(false, Metric::kLogLoss); }

TEST(EarlyStop, IsTheSameOnAnyNumberOfThreads) {
  const Rows rows;
  TrainSettings settings = stopping(3);
  settings.shards = 3;
  Trainer one(stopping_network(true), settings);
  one.fit(rows.train, rows.test, {}, {}, &rows.validation);
  settings.threads = 3;
  Trainer three(stopping_network(true), settings);
  three.fit(rows.train, rows.test, {}, {}, &rows.validation);
  expect_same_tensors(one, three);
}

TEST(EarlyStop, NeedsRowsToWatchAndNoneElse) {
  const Rows rows;
  Trainer trainer(stopping_network(false), stopping(3));
  EXPECT_THAT([&] { trainer.fit(rows.train, rows.test); },
              testing::ThrowsMessage<Error>(HasSubstr("needs validation rows")));
  Trainer plain(stopping_network(false), stopping(0));
  EXPECT_THAT([&] { plain.fit(rows.train, rows.test, {}, {}, &rows.validation); },
              testing::ThrowsMessage<Error>(HasSubstr("is off")));
  EXPECT_THROW(Trainer(stopping_network(false), stopping(-1)), Error);
}

TEST(EarlyStop, ADivergedRunStaysDiverged) {
  const Rows rows;
  TrainSettings settings = stopping(50);
  settings.optimizer = Sgd{.learning_rate = 1e5f, .momentum = 0.99f};
  Trainer trainer(stopping_network(false), settings);
  const undying::Run run = trainer.fit(rows.train, rows.test, {}, {}, &rows.validation);
  EXPECT_EQ(run.status, RunStatus::kDiverged);
  EXPECT_EQ(run.best_epoch, 0);
}

// The mean weighted loss of all examples before the first step, by its formula.
double weighted_loss(const std::vector<float>& outputs, const std::vector<std::int32_t>& labels,
                     const std::vector<double>& weights, bool binary) {
  double sum = 0.0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double x = binary ? outputs[i] : static_cast<double>(outputs[2 * i + 1]) - outputs[2 * i];
    sum += weights[labels[i]] * std::log1p(std::exp(labels[i] == 1 ? -x : x));
  }
  return sum / static_cast<double>(labels.size());
}

TEST(ClassWeights, BalancedAreScikitLearnsInTheTrainingLossAlone) {
  Dataset data = make_classes(std::ssize(golden::labels), 4, 2);
  data.labels = golden::labels;
  for (const Loss loss : {Loss::kSoftmaxCrossEntropy, Loss::kBinaryCrossEntropy}) {
    const bool binary = loss == Loss::kBinaryCrossEntropy;
    const Graph graph =
        mlp({.inputs = 4, .hidden = {6}, .outputs = binary ? 1 : 2, .activation = "relu"});
    TrainSettings settings{
        .optimizer = Sgd{.learning_rate = 1e-9f}, .loss = loss, .batch = 1000, .threads = 1};
    settings.class_weights = ClassWeights::kBalanced;
    Trainer trainer(graph, settings);
    const std::vector<float> outputs = trainer.predict(data);
    const undying::Run run = trainer.fit(data, data);
    EXPECT_NEAR(run.steps[0].loss,
                weighted_loss(outputs, data.labels, golden::balanced_weights, binary), 1e-5)
        << name(loss);
    EXPECT_NEAR(run.test_loss, weighted_loss(outputs, data.labels, {1.0, 1.0}, binary), 1e-5)
        << "scores weigh all alike";
  }
}

TEST(ExampleWeights, AreFactorsOfTheTrainingLossAlone) {
  Dataset data = make_classes(60, 3, 3);
  for (std::size_t i = 0; i < 60; ++i) data.weights.push_back(static_cast<float>(i % 4));
  const Graph graph = mlp({.inputs = 3, .hidden = {6}, .outputs = 3, .activation = "relu"});
  Trainer trainer(graph, {.optimizer = Sgd{.learning_rate = 1e-9f}, .batch = 100, .threads = 1});
  const std::vector<float> outputs = trainer.predict(data);
  double weighed = 0.0, plain = 0.0;
  for (std::size_t i = 0; i < 60; ++i) {
    double sum = 0.0;
    for (std::size_t j = 0; j < 3; ++j) sum += std::exp(static_cast<double>(outputs[3 * i + j]));
    const double loss = std::log(sum) - outputs[3 * i + static_cast<std::size_t>(data.labels[i])];
    weighed += data.weights[i] * loss / 60.0;
    plain += loss / 60.0;
  }
  const undying::Run run = trainer.fit(data, data);
  EXPECT_NEAR(run.steps[0].loss, weighed, 1e-5);
  EXPECT_NEAR(run.test_loss, plain, 1e-5);
  data.weights.pop_back();
  EXPECT_THROW(validate(data), Error);
}

// One in ten is of the second class, and hard to tell: always naming the first looks best, and is
// what is learned unless classes are weighed.
TEST(ClassWeights, MakeARareClassCount) {
  Dataset data = make_classes(1000, 2, 2);
  const Random random(8, Stream::kTest, 9);
  for (std::size_t i = 0; i < data.labels.size(); ++i) {
    data.labels[i] = i % 10 == 0;
    data.values[2 * i] += data.labels[i] == 1 ? 1.0f : 0.0f;
  }
  const auto trained = [&](ClassWeights weights) {
    TrainSettings settings{.optimizer = Sgd{.learning_rate = 0.05f, .momentum = 0.9f},
                           .batch = 50,
                           .epochs = 10,
                           .threads = 1};
    settings.class_weights = weights;
    settings.metric = Metric::kBalancedAccuracy;
    Trainer trainer(mlp({.inputs = 2, .hidden = {8}, .outputs = 2, .activation = "relu"}),
                    settings);
    return trainer.fit(data, data).test_score;
  };
  EXPECT_LT(trained(ClassWeights::kNone), 0.6);
  EXPECT_GT(trained(ClassWeights::kBalanced), 0.65);
}

TEST(ClassWeights, AreOfClassesAndOfCrossEntropies) {
  TrainSettings settings{.loss = Loss::kMeanSquaredError};
  settings.class_weights = ClassWeights::kBalanced;
  const Graph graph = mlp({.inputs = 1, .hidden = {2}, .outputs = 1, .activation = "relu"});
  EXPECT_THAT([&] { Trainer(graph, settings); },
              testing::ThrowsMessage<Error>(HasSubstr("the loss is mse")));
  settings.loss = Loss::kBinaryCrossEntropy;
  const Dataset values{
      .name = "made", .size = 2, .shape = {1}, .values = {0, 1}, .outputs = 1, .targets = {0, 1}};
  EXPECT_THAT([&] { Trainer(graph, settings).check(values); },
              testing::ThrowsMessage<Error>(HasSubstr("class weights")));
}

}  // namespace
}  // namespace undying
