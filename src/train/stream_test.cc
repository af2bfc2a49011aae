#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "train/test_data.h"
#include "undying/error.h"
#include "undying/trainer.h"

namespace undying {
namespace {

TrainSettings settings_of(std::int64_t batch, std::int64_t epochs) {
  return {.optimizer = Sgd{.learning_rate = 0.05f},
          .batch = batch,
          .epochs = epochs,
          .seed = 5,
          .shuffle = false,
          .evaluate = false,
          .threads = 1,
          .shards = 1};
}

Graph network() { return mlp({.inputs = 6, .hidden = {8}, .outputs = 3, .activation = "relu"}); }

// The examples of `all` in order, 40 a stretch.
DataStream in_order(const Dataset& all) {
  return {
      .name = "in order", .stretch = 40, .examples = all.size, .read = [&all](std::int64_t index) {
        auto part = std::make_shared<Dataset>(
            Dataset{.name = "in order",
                    .size = std::min<std::int64_t>(40, all.size - 40 * index),
                    .shape = all.shape,
                    .classes = all.classes});
        const auto first = all.values.begin() + 40 * index * all.features();
        part->values.assign(first, first + part->size * all.features());
        part->labels.assign(all.labels.begin() + 40 * index,
                            all.labels.begin() + 40 * index + part->size);
        return part;
      }};
}

TEST(Stream, IsTheSameTrainingAsThatOnTheWholeDataInOrder) {
  const Dataset all = make_classes(100, 6, 3);
  Trainer on_stream(network(), settings_of(10, 9));
  const undying::Run run = on_stream.fit(in_order(all));
  Trainer on_all(network(), settings_of(10, 1));
  const undying::Run whole = on_all.fit(all, all);
  ASSERT_EQ(run.steps.size(), 10U);  // 40 + 40 + 20 examples
  for (std::size_t i = 0; i < run.steps.size(); ++i)
    EXPECT_EQ(run.steps[i].loss, whole.steps[i].loss);
  for (std::size_t i = 0; i < on_all.tensors().size(); ++i)
    EXPECT_EQ(on_stream.tensors()[i].values, on_all.tensors()[i].values);
}

TEST(Stream, ErrorsAreOfEachBatchBeforeItsUpdateOverStretches) {
  const Dataset all = make_classes(100, 6, 3);
  Trainer trainer(network(), settings_of(1, 9));
  Trainer shadow(network(), settings_of(1, 1));  // as it was before the step at hand
  std::vector<double> right(3);
  std::vector<double> losses(3);
  const Observer observer{.step = [&](const StepRecord& record) {
    const auto i = static_cast<std::size_t>(record.step - 1);
    Dataset one{.name = "one", .size = 1, .shape = {6}, .classes = 3, .labels = {all.labels[i]}};
    one.values.assign(all.values.begin() + static_cast<std::ptrdiff_t>(6 * i),
                      all.values.begin() + static_cast<std::ptrdiff_t>(6 * i + 6));
    const Trainer::Score score = shadow.evaluate(one);
    right[i / 40] += score.accuracy;
    losses[i / 40] += score.loss;
    shadow.load(trainer.tensors());
  }};
  const undying::Run run = trainer.fit(in_order(all), observer);
  ASSERT_EQ(run.epochs.size(), 3U);
  const double sizes[] = {40.0, 40.0, 20.0};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(run.epochs[i].train_accuracy, right[i] / sizes[i], 1e-12);
    EXPECT_NEAR(run.epochs[i].train_loss, losses[i] / sizes[i], 1e-6);
  }
  EXPECT_EQ(run.test_loss, run.epochs[2].train_loss);  // the last tenth, at least one stretch
  EXPECT_EQ(run.test_accuracy, run.epochs[2].train_accuracy);
  EXPECT_TRUE(std::isnan(run.epochs[0].test_loss));
}

TEST(Stream, KeepsNotMoreStepsThanItMay) {
  Dataset all = make_classes(20, 1, 1);
  all.classes = 0;
  all.outputs = 1;
  all.labels.clear();
  all.targets.assign(20, 0.5f);
  const DataStream endless{.name = "endless", .stretch = 20, .read = [&](std::int64_t) {
                             return std::make_shared<Dataset>(all);
                           }};
  TrainSettings settings = settings_of(1, 10'000);
  settings.loss = Loss::kMeanSquaredError;
  settings.health = {.counters = false, .census = false};
  Trainer trainer(mlp({.inputs = 1, .hidden = {}, .outputs = 1, .activation = "relu"}), settings);
  const undying::Run run = trainer.fit(endless);
  EXPECT_LE(run.steps.size(), (1U << 16) + 1);
  EXPECT_GE(run.steps.size(), 1U << 15);
  EXPECT_EQ(steps_taken(run), 200'000);
  for (std::size_t i = 1; i + 1 < run.steps.size(); ++i)
    EXPECT_EQ(run.steps[i].step - run.steps[i - 1].step, 4);
}

TEST(Stream, WhatNeedsTheWholeOfTheDataIsRefused) {
  const Dataset all = make_classes(100, 6, 3);
  TrainSettings settings = settings_of(10, 1);
  settings.early_stop = 2;
  Trainer early(network(), settings);
  EXPECT_THROW(early.fit(in_order(all)), Error);
  settings.early_stop = 0;
  settings.class_weights = ClassWeights::kBalanced;
  Trainer weighed(network(), settings);
  EXPECT_THROW(weighed.fit(in_order(all)), Error);
}

}  // namespace
}  // namespace undying
