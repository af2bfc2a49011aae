// The ledger against brute force: counts and dead sets from a plain forward pass in double, written
// here.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stop_token>

#include "train/test_data.h"
#include "undying/error.h"
#include "undying/trainer.h"

namespace undying {
namespace {

using Ints = std::vector<std::int64_t>;

// Pre-activations of every hidden layer for one example, by the definition.
std::vector<std::vector<double>> preactivations(const std::vector<Tensor>& tensors,
                                                const float* input, double slope) {
  std::vector<double> h(input, input + tensors[0].shape[1]);
  std::vector<std::vector<double>> all;
  for (std::size_t t = 0; t + 2 < tensors.size(); t += 2) {
    std::vector<double> z(static_cast<std::size_t>(tensors[t].shape[0]));
    for (std::size_t j = 0; j < z.size(); ++j) {
      z[j] = tensors[t + 1].values[j];
      for (std::size_t i = 0; i < h.size(); ++i)
        z[j] += static_cast<double>(tensors[t].values[j * h.size() + i]) * h[i];
    }
    all.push_back(z);
    for (double& value : z) value = value > 0.0 ? value : slope * value;
    h = std::move(z);
  }
  return all;
}

struct Count {
  std::int64_t fired = 0;
  std::int64_t close = 0;  // to zero: float32 and double may disagree
  double abs_sum = 0.0;
};

std::vector<std::vector<Count>> count(const std::vector<Tensor>& tensors, const Dataset& data,
                                      double slope) {
  std::vector<std::vector<Count>> counts;
  for (std::int64_t row = 0; row < data.size; ++row) {
    const auto z = preactivations(tensors, data.values.data() + row * data.features(), slope);
    counts.resize(z.size());
    for (std::size_t l = 0; l < z.size(); ++l) {
      counts[l].resize(z[l].size());
      for (std::size_t u = 0; u < z[l].size(); ++u) {
        counts[l][u].fired += z[l][u] > 0.0;
        counts[l][u].close += std::fabs(z[l][u]) < 1e-6 * (1.0 + std::fabs(z[l][u]));
        counts[l][u].abs_sum += std::fabs(z[l][u] > 0.0 ? z[l][u] : slope * z[l][u]);
      }
    }
  }
  return counts;
}

class LedgerAgainstBruteForce : public testing::TestWithParam<double> {};

TEST_P(LedgerAgainstBruteForce, CountsAndDeadSetsAgree) {
  const double slope = GetParam();
  const Dataset data = make_classes(1000, 12, 4);
  const Activation activation =
      slope == 0.0 ? Activation("relu") : Activation("leaky_relu:" + std::to_string(slope));
  // A learning rate that kills.
  TrainSettings settings{.optimizer = Sgd{.learning_rate = 0.5f, .momentum = 0.9f},
                         .batch = 50,
                         .epochs = 2,
                         .seed = 3,
                         .threads = 2,
                         .shards = 3};
  settings.clip_norm = 5.0;
  Trainer trainer(
      mlp({.inputs = 12, .hidden = {24, 24, 24}, .outputs = 4, .activation = activation}),
      settings);
  const undying::Run run = trainer.fit(data, data);
  ASSERT_EQ(run.status, RunStatus::kFinished);
  const auto counts = count(trainer.tensors(), data, slope);
  std::int64_t silent = 0;
  for (std::size_t l = 0; l < counts.size(); ++l) {
    LayerHealth expected;
    for (std::size_t u = 0; u < counts[l].size(); ++u) {
      const UnitLife& life = run.ledger.lives[l][u];
      const std::int64_t fired = std::llround(life.firing_rate * 1000.0);
      EXPECT_LE(std::llabs(fired - counts[l][u].fired), counts[l][u].close)
          << "layer " << l << " unit " << u;
      if (counts[l][u].close > 0) continue;
      const bool quiet = counts[l][u].fired == 0;
      silent += quiet;
      const UnitState state = quiet ? (slope == 0.0 ? UnitState::kDead : UnitState::kAlwaysNegative)
                              : counts[l][u].fired == 1000 ? UnitState::kAlwaysPositive
                                                           : UnitState::kAlive;
      EXPECT_EQ(life.state, state) << "layer " << l << " unit " << u;
      expected.dead += state == UnitState::kDead;
      expected.always_negative += state == UnitState::kAlwaysNegative;
    }
    EXPECT_EQ(run.ledger.censuses.back().layers[l].dead, expected.dead);
    EXPECT_EQ(run.ledger.censuses.back().layers[l].always_negative, expected.always_negative);
  }
  EXPECT_GT(silent, 0) << "the test needs silent units";
}

INSTANTIATE_TEST_SUITE_P(Slopes, LedgerAgainstBruteForce, testing::Values(0.0, 0.01));

// Born dead, kept dead: a bias far below every input.
TEST(Ledger, NamesTheBornDead) {
  const Dataset data = make_classes(200, 12, 4);
  Trainer trainer(
      mlp({.inputs = 12, .hidden = {8}, .outputs = 4, .activation = "relu"}),
      {.optimizer = Sgd{.learning_rate = 0.01f}, .batch = 50, .epochs = 2, .threads = 1});
  auto tensors = trainer.tensors();
  tensors[1].values[3] = -1000.0f;
  trainer.load(tensors);
  const undying::Run run = trainer.fit(data, data);
  const UnitLife& life = run.ledger.lives[0][3];
  EXPECT_EQ(life.state, UnitState::kDead);
  EXPECT_TRUE(life.born_dead);
  EXPECT_THAT(life.died, testing::ElementsAre(0));
  EXPECT_EQ(run.ledger.born_dead(), 1);
  EXPECT_EQ(run.ledger.dead(), 1);
  EXPECT_EQ(run.ledger.died(), 0);
  EXPECT_EQ(run.ledger.censuses.size(), 3U);
  EXPECT_EQ(run.ledger.censuses[0].layers[0].died, 1);
  EXPECT_EQ(run.ledger.censuses[1].layers[0].died, 0);
}

// A unit that fires on 1% of the inputs is silent on most batches, and alive.
TEST(Ledger, RareFiringIsNotDeath) {
  Dataset data = make_classes(1000, 12, 4);
  Trainer trainer(
      mlp({.inputs = 12, .hidden = {8}, .outputs = 4, .activation = "relu"}),
      {.optimizer = Sgd{.learning_rate = 1e-6f}, .batch = 10, .epochs = 1, .threads = 1});
  auto tensors = trainer.tensors();
  for (std::size_t i = 0; i < 12; ++i) tensors[0].values[i] = i == 0 ? 1.0f : 0.0f;
  std::vector<float> first;
  for (std::size_t row = 0; row < 1000; ++row) first.push_back(data.values[row * 12]);
  std::nth_element(first.begin(), first.begin() + 10, first.end(), std::greater<>());
  tensors[1].values[0] = -first[10];  // ten inputs lie above
  trainer.load(tensors);
  const undying::Run run = trainer.fit(data, data);
  EXPECT_NEAR(run.ledger.lives[0][0].firing_rate, 0.01, 0.0015);
  EXPECT_EQ(run.ledger.lives[0][0].state, UnitState::kAlive);
  EXPECT_TRUE(run.ledger.lives[0][0].died.empty());
}

// z == 0 exactly does not fire, and f'(0) of a ReLU is 0: constant-zero pre-activations are dead,
// for Leaky ReLU always negative.
TEST(Ledger, ZeroPreactivationDoesNotFire) {
  const Dataset data = make_classes(200, 12, 4);
  for (const char* activation : {"relu", "leaky_relu:0.01"}) {
    Trainer trainer(mlp({.inputs = 12, .hidden = {8}, .outputs = 4, .activation = activation}),
                    {.optimizer = Sgd{.learning_rate = 1e-6f},
                     .batch = 200,
                     .epochs = 1,
                     .max_steps = 1,
                     .threads = 1});
    auto tensors = trainer.tensors();
    for (std::size_t i = 0; i < 12; ++i) tensors[0].values[i] = 0.0f;
    for (std::size_t j = 0; j < 4; ++j)
      tensors[2].values[j * 8] = 0.0f;  // and nothing flows back into it
    trainer.load(tensors);
    const undying::Run run = trainer.fit(data, data);
    EXPECT_EQ(run.ledger.lives[0][0].state,
              std::string(activation) == "relu" ? UnitState::kDead : UnitState::kAlwaysNegative);
  }
}

// Seventy percent zeros in a layer are healthy sparsity.
TEST(Ledger, SparseIsNotDead) {
  const Dataset data = make_classes(1000, 12, 4);
  Trainer trainer(
      mlp({.inputs = 12, .hidden = {30}, .outputs = 4, .activation = "relu"}),
      {.optimizer = Sgd{.learning_rate = 1e-6f}, .batch = 100, .epochs = 1, .threads = 1});
  auto tensors = trainer.tensors();
  for (float& bias : tensors[1].values) bias = -0.75f;
  trainer.load(tensors);
  const undying::Run run = trainer.fit(data, data);
  EXPECT_LT(run.ledger.censuses.back().layers[0].firing_rate, 0.35);
  EXPECT_EQ(run.ledger.dead(), 0);
}

// A death within an epoch is dated to the step whose update silenced the unit.
TEST(Ledger, DatesADeath) {
  // Unit 0: z = w + b. The loss pulls it down until it dies; nothing can revive a dead ReLU of the
  // first layer.
  Trainer trainer(mlp({.inputs = 1, .hidden = {1}, .outputs = 1, .activation = "relu"}),
                  {.optimizer = Sgd{.learning_rate = 0.02f},
                   .loss = Loss::kMeanSquaredError,
                   .batch = 10,
                   .epochs = 15,
                   .threads = 2,
                   .shards = 3});
  trainer.load({{"layer.0.weight", {1, 1}, {0.5f}},
                {"layer.0.bias", {1}, {0.0f}},
                {"layer.1.weight", {1, 1}, {1.0f}},
                {"layer.1.bias", {1}, {0.0f}}});
  const Dataset data = constant(-1.0f);
  const undying::Run run = trainer.fit(data, data);
  // The same in double.
  double w = 0.5, b = 0.0, v = 1.0, c = 0.0;
  std::int64_t died = -1;
  for (std::int64_t step = 1; step <= 60 && died < 0; ++step) {
    const double z = w + b;
    if (z <= 0.0) {
      died = step - 1;
      break;
    }
    const double g = 2.0 * (v * z + c + 1.0);
    const double dz = g * v;
    v -= 0.02 * g * z;
    c -= 0.02 * g;
    w -= 0.02 * dz;
    b -= 0.02 * dz;
  }
  ASSERT_GT(died, 4) << "within a later epoch";
  ASSERT_NE(died % 4, 0) << "and not at its end";
  EXPECT_THAT(run.ledger.lives[0][0].died, testing::ElementsAre(died));
  EXPECT_EQ(run.ledger.lives[0][0].state, UnitState::kDead);
}

// At a rate of next to nothing training sees what a census sees.
TEST(Ledger, WhatTrainingSawAgreesWithBruteForce) {
  const Dataset data = make_classes(1000, 12, 4);
  Trainer trainer(
      mlp({.inputs = 12, .hidden = {24, 24}, .outputs = 4, .activation = "leaky_relu:0.1"}),
      {.optimizer = Sgd{.learning_rate = 1e-12f},
       .batch = 50,
       .epochs = 2,
       .seed = 3,
       .threads = 2,
       .shards = 3});
  const undying::Run run = trainer.fit(data, data);
  const auto counts = count(trainer.tensors(), data, 0.1);
  for (std::size_t l = 0; l < counts.size(); ++l) {
    for (std::size_t u = 0; u < counts[l].size(); ++u) {
      const UnitLife& life = run.ledger.lives[l][u];
      EXPECT_NEAR(life.training_firing_rate * 1000.0, static_cast<double>(counts[l][u].fired),
                  0.1 + static_cast<double>(counts[l][u].close));
      EXPECT_NEAR(life.output, counts[l][u].abs_sum / 1000.0, 1e-5);
      EXPECT_GT(life.gradient, 0.0);
    }
  }
}

// A unit that is dead in evaluation may fire under a mask: no revival.
TEST(Ledger, DropoutRevivesNobodyInTraining) {
  const Dataset data = make_classes(400, 6, 3);
  TrainSettings settings{
      .optimizer = Sgd{.learning_rate = 0.3f}, .batch = 40, .epochs = 6, .seed = 2, .threads = 1};
  const undying::Run run = Trainer(mlp({.inputs = 6,
                                        .hidden = {12, 12, 12},
                                        .outputs = 3,
                                        .activation = "relu",
                                        .dropout = 0.4}),
                                   settings)
                               .fit(data, data);
  std::vector<std::int64_t> censuses;
  for (const CensusRecord& census : run.ledger.censuses) censuses.push_back(census.step);
  ASSERT_GT(run.ledger.died() + run.ledger.born_dead(), 0);
  for (const auto& layer : run.ledger.lives) {
    for (const UnitLife& life : layer) {
      for (const std::int64_t step : life.revived) EXPECT_THAT(censuses, testing::Contains(step));
      for (const std::int64_t step : life.died) EXPECT_LE(step, censuses.back());
    }
  }
}

TEST(Ledger, WhatFiresWithDenormalsIsDeadThroughout) {
  Trainer trainer(mlp({.inputs = 1, .hidden = {2}, .outputs = 2, .activation = "relu"}), still());
  auto tensors = trainer.tensors();
  tensors[0].values = {1e-40f, 1.0f};
  tensors[2].values[0] = tensors[2].values[2] = 0.0f;  // and nothing flows back into it
  trainer.load(tensors);
  const undying::Run run = trainer.fit(ones(), ones());
  EXPECT_EQ(run.ledger.lives[0][0].state, UnitState::kDead);
  EXPECT_THAT(run.ledger.lives[0][0].died, testing::ElementsAre(0));
  EXPECT_THAT(run.ledger.lives[0][0].revived, testing::IsEmpty());
  EXPECT_EQ(run.ledger.dead(), 1);
}

// Dead and always negative units are counted as such, whatever their layer's mean.
TEST(Ledger, DormantExcludesTheDead) {
  const Dataset data = make_classes(200, 12, 4);
  Trainer trainer(mlp({.inputs = 12, .hidden = {8}, .outputs = 4, .activation = "relu"}), still());
  auto tensors = trainer.tensors();
  tensors[1].values[3] = -1000.0f;
  for (std::size_t i = 0; i < 12; ++i) tensors[0].values[5 * 12 + i] *= 1e-4f;
  trainer.load(tensors);
  const undying::Run run = trainer.fit(data, data);
  EXPECT_EQ(run.ledger.censuses.back().layers[0].dead, 1);
  EXPECT_EQ(run.ledger.censuses.back().layers[0].dormant, 1);
  EXPECT_FALSE(run.ledger.lives[0][3].dormant);
  EXPECT_TRUE(run.ledger.lives[0][5].dormant);
}

// Elementwise functions and a flatten change places: channels are judged the same on either side.
TEST(Ledger, AReluBehindAFlattenIsAChannel) {
  Dataset data = make_classes(120, 64, 4);
  data.shape = {1, 8, 8};
  const auto net = [](bool behind) {
    return Graph({{"x", "input", {}, {{"shape", Ints{1, 8, 8}}}},
                  {"conv", "conv", {0}, {{"outputs", std::int64_t{5}}, {"kernel", Ints{3, 3}}}},
                  behind ? Node{"flat", "flatten", {1}, {}} : activation("relu", "conv", 1),
                  behind ? activation("relu", "conv", 2) : Node{"flat", "flatten", {2}, {}},
                  {"out", "linear", {3}, {{"outputs", std::int64_t{4}}}}});
  };
  std::vector<Ledger> ledgers;
  for (const bool behind : {false, true}) {
    Trainer trainer(net(behind), {.optimizer = Sgd{.learning_rate = 0.01f},
                                  .batch = 30,
                                  .epochs = 2,
                                  .seed = 3,
                                  .threads = 2,
                                  .shards = 3});
    auto tensors = trainer.tensors();
    for (Tensor& tensor : tensors)
      if (tensor.name == "conv.bias") tensor.values[2] = -100.0f;
    trainer.load(tensors);
    ledgers.push_back(trainer.fit(data, data).ledger);
  }
  ASSERT_EQ(ledgers[1].lives[0].size(), 5U);
  for (std::size_t unit = 0; unit < 5; ++unit) {
    const UnitLife& before = ledgers[0].lives[0][unit];
    const UnitLife& behind = ledgers[1].lives[0][unit];
    EXPECT_EQ(behind.state, before.state) << unit;
    EXPECT_EQ(behind.died, before.died) << unit;
    EXPECT_NEAR(behind.firing_rate, before.firing_rate, 1e-3) << unit;
    EXPECT_NEAR(behind.training_firing_rate, before.training_firing_rate, 1e-3) << unit;
    EXPECT_NEAR(behind.output, before.output, 1e-4 * (1.0 + before.output)) << unit;
    EXPECT_NEAR(behind.gradient, before.gradient, 1e-4 * (1e-3 + before.gradient)) << unit;
  }
  EXPECT_EQ(ledgers[1].dead(), 1);
}

// Behind batch norm every unit sees both signs in the first batch, whatever the running statistics
// say before the first step.
TEST(Ledger, BatchNormIsMeasuredWithTheStatisticsOfTheFirstBatch) {
  const Dataset data = make_classes(200, 6, 3);
  const TrainSettings settings{.batch = 200, .epochs = 1, .seed = 3, .threads = 2};
  Trainer trainer(mlp({.inputs = 6,
                       .hidden = {5, 5, 5, 5, 5, 5},
                       .outputs = 3,
                       .activation = "relu",
                       .batch_norm = true}),
                  settings);
  const undying::Run run = trainer.fit(data, data);
  EXPECT_EQ(run.ledger.born_dead(), 0);
  for (const LayerHealth& layer : run.ledger.censuses[0].layers)
    EXPECT_NEAR(layer.firing_rate, 0.5, 0.2) << layer.name;
}

}  // namespace
}  // namespace undying
