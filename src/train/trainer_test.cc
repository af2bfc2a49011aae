#include "undying/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "train/test_data.h"
#include "train/test_networks.h"
#include "undying/error.h"

namespace undying {
namespace {

using testing::HasSubstr;

TrainSettings sgd_settings() {
  return {.optimizer = Sgd{.learning_rate = 0.05f, .momentum = 0.9f},
          .batch = 32,
          .epochs = 3,
          .seed = 5,
          .threads = 1,
          .shards = 1};
}

TEST(Trainer, LearnsWhatCanBeLearned) {
  const Dataset train = make_classes(2000, 12, 4);
  const Dataset test = make_classes(500, 12, 4, 1);
  TrainSettings settings = sgd_settings();
  settings.epochs = 12;
  const undying::Run run = Trainer(two_layers(), settings).fit(train, test);
  EXPECT_EQ(run.status, RunStatus::kFinished);
  EXPECT_GT(run.test_accuracy, 0.9);
  EXPECT_LT(run.epochs.back().train_loss, 0.5 * run.epochs.front().train_loss);
  EXPECT_EQ(run.steps.size(), 12U * 63U);
  EXPECT_EQ(run.samples, 12 * 2000);
}

TEST(Trainer, EvaluationAndCensusesSeeThePlainImages) {
  const Dataset data = make_images(200, 3, 4, 4);
  TrainSettings settings = sgd_settings();
  settings.optimizer = Sgd{.learning_rate = 1e-30f};
  settings.epochs = 1;
  const undying::Run plain = Trainer(two_layers(), settings).fit(data, data);
  settings.augmentation = {.flip = true, .crop = 2, .cutout = 2};
  const undying::Run augmented = Trainer(two_layers(), settings).fit(data, data);
  EXPECT_NE(plain.steps[0].loss, augmented.steps[0].loss);
  EXPECT_EQ(plain.test_loss, augmented.test_loss);
  for (std::size_t u = 0; u < plain.ledger.lives[0].size(); ++u)
    EXPECT_EQ(plain.ledger.lives[0][u].firing_rate, augmented.ledger.lives[0][u].firing_rate);
}

TEST(Trainer, AugmentationNeedsImages) {
  const Dataset flat = make_classes(50, 12, 4);
  TrainSettings settings = sgd_settings();
  settings.augmentation.flip = true;
  Trainer trainer(two_layers(), settings);
  EXPECT_THAT([&] { trainer.fit(flat, flat); },
              testing::ThrowsMessage<Error>(HasSubstr("needs images")));
  EXPECT_THAT([&] { trainer.check(flat); },
              testing::ThrowsMessage<Error>(HasSubstr("needs images")));
  EXPECT_NO_THROW(trainer.check(make_images(50, 3, 4, 4)));
}

// The census before the first step sees a network as it is: with the statistics of its first batch
// only where it has none.
TEST(Trainer, TheFirstCensusUsesTheStatisticsThatWereLoaded) {
  const Dataset data = make_classes(500, 12, 4);
  Trainer trained(two_layers("relu", true), sgd_settings());
  const undying::Run before = trained.fit(data, data);
  Trainer again(two_layers("relu", true), sgd_settings());
  again.load(trained.tensors());
  const undying::Run after = again.fit(data, data);
  const CensusRecord& last = before.ledger.censuses.back();
  const CensusRecord& first = after.ledger.censuses.front();
  for (std::size_t l = 0; l < last.layers.size(); ++l) {
    EXPECT_EQ(first.layers[l].firing_rate, last.layers[l].firing_rate);
    EXPECT_EQ(first.layers[l].signal_variance, last.layers[l].signal_variance);
  }
}

// Its weight is (inputs, outputs, ...): no row of it has a bias of its own.
TEST(Trainer, TheAsymmetricDrawLeavesBiasesOfTransposedConvolutionsAtZero) {
  TrainSettings settings = sgd_settings();
  settings.initializer = Initializer::kRandomizedAsymmetric;
  const std::vector<std::int64_t> kernel = {2, 2};
  const Trainer trainer(
      Graph({{"x", "input", {}, {{"shape", Shape{40, 3, 3}}}},
             {"up", "conv_transpose", {0}, {{"outputs", std::int64_t{2}}, {"kernel", kernel}}},
             {"flat", "flatten", {1}, {}},
             {"out", "linear", {2}, {{"outputs", std::int64_t{4}}}}}),
      settings);
  for (const Tensor& tensor : trainer.tensors()) {
    if (tensor.name == "up.bias") {
      EXPECT_THAT(tensor.values, testing::Each(0.0f));
    }
  }
}

TEST(Trainer, WeightsThatBlowUpAtTheLastStepAreADivergence) {
  const Dataset data = make_classes(50, 12, 4);
  TrainSettings settings = sgd_settings();
  settings.optimizer = Sgd{.learning_rate = 1e30f};
  settings.batch = 50;
  settings.epochs = 1;
  const undying::Run run = Trainer(two_layers("identity"), settings).fit(data, data);
  EXPECT_EQ(run.status, RunStatus::kDiverged);
  EXPECT_THAT(run.reason, HasSubstr("after step 1"));
}

TEST(Trainer, DivergenceEndsTheRunAndSaysWhen) {
  const Dataset data = make_classes(500, 12, 4);
  TrainSettings settings = sgd_settings();
  settings.optimizer = Sgd{.learning_rate = 1e8f};
  settings.loss = Loss::kSoftmaxCrossEntropy;
  const undying::Run run = Trainer(two_layers("identity"), settings).fit(data, data);
  EXPECT_EQ(run.status, RunStatus::kDiverged);
  EXPECT_THAT(run.reason, HasSubstr("at step"));
  EXPECT_LT(run.steps.size(), 48U);
}

TEST(Trainer, StopRequestEndsTheRunAfterTheStepAtHand) {
  const Dataset data = make_classes(500, 12, 4);
  std::stop_source source;
  Observer observer{.step =
                        [&](const StepRecord& record) {
                          if (record.step == 7) source.request_stop();
                        },
                    .epoch = {}};
  const undying::Run run =
      Trainer(two_layers(), sgd_settings()).fit(data, data, observer, source.get_token());
  EXPECT_EQ(run.status, RunStatus::kInterrupted);
  EXPECT_EQ(run.steps.size(), 7U);
}

TEST(Trainer, MaxStepsEndsEarly) {
  const Dataset data = make_classes(500, 12, 4);
  TrainSettings settings = sgd_settings();
  settings.max_steps = 20;
  const undying::Run run = Trainer(two_layers(), settings).fit(data, data);
  EXPECT_EQ(run.status, RunStatus::kFinished);
  EXPECT_EQ(run.steps.size(), 20U);
  EXPECT_EQ(run.epochs.size(), 2U);
}

TEST(Trainer, LoadedTensorsGiveTheSameOutputs) {
  const Dataset data = make_classes(300, 12, 4);
  Trainer trained(two_layers("prelu", true), sgd_settings());
  trained.fit(data, data);
  TrainSettings other = sgd_settings();
  other.seed = 77;
  Trainer loaded(two_layers("prelu", true), other);
  EXPECT_NE(trained.predict(data), loaded.predict(data));
  loaded.load(trained.tensors());
  EXPECT_EQ(trained.predict(data), loaded.predict(data));
}

TEST(Trainer, LoadNamesTheTensorThatDoesNotFit) {
  Trainer trainer(two_layers(), sgd_settings());
  auto tensors = trainer.tensors();
  tensors[0].shape = {12, 20};
  EXPECT_THAT([&] { trainer.load(tensors); },
              testing::ThrowsMessage<Error>(
                  testing::AllOf(HasSubstr("layer.0.weight"), HasSubstr("(20, 12)"))));
  tensors = trainer.tensors();
  tensors.pop_back();
  EXPECT_THAT([&] { trainer.load(tensors); },
              testing::ThrowsMessage<Error>(HasSubstr("layer.2.bias")));
  tensors[0].name = "nonsense";
  EXPECT_THAT([&] { trainer.load(tensors); }, testing::ThrowsMessage<Error>(HasSubstr("nonsense")));
}

TEST(Trainer, DataThatDoesNotFitIsRefused) {
  Trainer trainer(two_layers(), sgd_settings());
  const Dataset narrow = make_classes(50, 11, 4);
  EXPECT_THAT([&] { trainer.fit(narrow, narrow); }, testing::ThrowsMessage<Error>(HasSubstr("11")));
  const Dataset classes = make_classes(50, 12, 5);
  EXPECT_THAT([&] { trainer.fit(classes, classes); },
              testing::ThrowsMessage<Error>(HasSubstr("5 classes")));
}

TEST(Trainer, SettingsThatCannotBeUsedAreRefused) {
  const auto refuses = [](auto change, const char* name) {
    TrainSettings settings = sgd_settings();
    change(settings);
    EXPECT_THAT([&] { Trainer(two_layers(), settings); },
                testing::ThrowsMessage<Error>(HasSubstr(name)));
  };
  refuses([](TrainSettings& s) { s.batch = 0; }, "batch");
  refuses([](TrainSettings& s) { s.epochs = 0; }, "epochs");
  refuses([](TrainSettings& s) { s.max_steps = -1; }, "steps");
  refuses([](TrainSettings& s) { s.threads = -1; }, "threads");
  refuses([](TrainSettings& s) { s.shards = 5000; }, "shards");
  refuses([](TrainSettings& s) { s.label_smoothing = 1.0; }, "smoothing");
  refuses([](TrainSettings& s) { s.augmentation.crop = -1; }, "crops -1");
  refuses([](TrainSettings& s) { s.augmentation.cutout = -1; }, "cuts out -1");
  refuses([](TrainSettings& s) { s.clip_norm = std::nan(""); }, "clip");
}

TEST(Trainer, ClippedStepsHaveAtMostTheGivenNorm) {
  const Dataset data = make_classes(500, 12, 4);
  TrainSettings settings = sgd_settings();
  settings.optimizer = Sgd{.learning_rate = 1.0f};
  settings.clip_norm = 0.01;
  settings.max_steps = 1;
  Trainer trainer(two_layers(), settings);
  const auto before = trainer.tensors();
  const undying::Run run = trainer.fit(data, data);
  EXPECT_GT(run.steps[0].gradient_norm, 0.01);
  double square = 0.0;
  const auto after = trainer.tensors();
  for (std::size_t i = 0; i < before.size(); ++i)
    for (std::size_t j = 0; j < before[i].values.size(); ++j)
      square += std::pow(after[i].values[j] - before[i].values[j], 2.0);
  EXPECT_NEAR(std::sqrt(square), 0.01, 1e-5);
}

TEST(Trainer, SameDrawInEveryArmUpToTheGain) {
  const auto relu = Trainer(two_layers("relu"), sgd_settings()).tensors();
  const auto leaky = Trainer(two_layers("leaky_relu:0.5"), sgd_settings()).tensors();
  const double ratio = std::sqrt(1.0 / 1.25);  // gains sqrt(2) and sqrt(2 / (1 + 0.25))
  for (std::size_t j = 0; j < relu[0].values.size(); ++j)
    EXPECT_NEAR(leaky[0].values[j], ratio * relu[0].values[j], 1e-6);
}

TEST(BatchNorm, RunningStatisticsFollowOnnx) {
  Dataset data = make_classes(64, 12, 4);
  TrainSettings settings = sgd_settings();
  settings.batch = 64;
  settings.max_steps = 1;
  settings.shuffle = false;
  Trainer trainer(
      mlp({.inputs = 12, .hidden = {3}, .outputs = 4, .activation = "relu", .batch_norm = true}),
      settings);
  const auto before = trainer.tensors();
  trainer.fit(data, data);
  for (std::size_t unit = 0; unit < 3; ++unit) {
    double sum = 0.0;
    double squares = 0.0;
    for (std::size_t row = 0; row < 64; ++row) {
      double z = before[1].values[unit];
      for (std::size_t i = 0; i < 12; ++i)
        z += static_cast<double>(before[0].values[unit * 12 + i]) * data.values[row * 12 + i];
      sum += z / 64.0;
      squares += z * z / 64.0;
    }
    const auto after = trainer.tensors();
    EXPECT_EQ(after[4].name, "layer.0.bn.running_mean");
    EXPECT_NEAR(after[4].values[unit], 0.1 * sum, 1e-6);
    EXPECT_NEAR(after[5].values[unit], 0.9 + 0.1 * (squares - sum * sum), 1e-5);
  }
}

TEST(Trainer, FrozenTensorsAreNeitherDrawnNorTrained) {
  const Dataset data = make_classes(64, 4, 2);
  Trainer trainer(mlp({.inputs = 4, .hidden = {5}, .outputs = 2}),
                  {.batch = 16, .threads = 1, .frozen = {"layer.0.weight"}});
  std::vector<Tensor> given = {{"layer.0.weight", {5, 4}, std::vector<float>(20, 0.25f)}};
  EXPECT_THAT(trainer.tensors()[0].values, testing::Each(0.0f));
  trainer.set(given);
  const std::vector<float> bias = trainer.tensors()[1].values;
  trainer.fit(data, data);
  EXPECT_EQ(trainer.tensors()[0].values, given[0].values);
  EXPECT_NE(trainer.tensors()[1].values, bias);
  given[0].name = "layer.7.weight";
  EXPECT_THROW(trainer.set(given), Error);
}

// A class and two values, learned by one network: each output as if it were alone, where nothing is
// shared.
TEST(Trainer, SeveralOutputsLearnEachByItsLoss) {
  const Dataset classes = make_classes(64, 4, 3);
  Dataset both = classes;
  both.classes = 0;
  both.outputs = 2;
  for (const std::int32_t label : both.labels) {
    both.targets.push_back(static_cast<float>(label));
    both.targets.push_back(0.5f * static_cast<float>(label));
  }
  both.labels.clear();
  const Graph graph({{"x", "input", {}, {{"shape", Shape{4}}}},
                     {"policy", "linear", {0}, {{"outputs", std::int64_t{3}}}},
                     {"value", "linear", {0}, {{"outputs", std::int64_t{1}}}},
                     {"both", "concat", {1, 2}, {{"axis", std::int64_t{0}}}}});
  const OutputLoss policy{"policy", Loss::kSoftmaxCrossEntropy, 1.0, 0, 3, 0, 1, true};
  const OutputLoss value{"value", Loss::kMeanSquaredError, 1.0, 3, 1, 1, 1, false};
  const TrainSettings settings{.batch = 16, .epochs = 2, .threads = 1};
  TrainSettings joint = settings;
  joint.outputs = {policy, value};
  Trainer together(graph, joint);
  const undying::Run run = together.fit(both, both);
  EXPECT_EQ(run.status, RunStatus::kFinished);
  Trainer alone(Graph({graph.nodes()[0], graph.nodes()[1]}), settings);
  alone.fit(classes, classes);
  EXPECT_EQ(together.tensors()[0].values, alone.tensors()[0].values);
  EXPECT_EQ(together.tensors()[1].values, alone.tensors()[1].values);
  EXPECT_LT(run.epochs.back().train_loss, run.epochs.front().train_loss);
  EXPECT_THROW(together.check(classes), Error);
}

}  // namespace
}  // namespace undying
