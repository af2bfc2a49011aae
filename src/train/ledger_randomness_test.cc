// Where training sees units otherwise than evaluation does, no death and no revival is invented.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <stop_token>

#include "train/test_data.h"
#include "undying/error.h"
#include "undying/trainer.h"

namespace undying {
namespace {

using Ints = std::vector<std::int64_t>;

// Training steps that see a unit otherwise than evaluation does invent no life: at a rate of next
// to nothing nothing dies and nothing is revived, though `unit` of `layer`, dead to every census,
// fires in training.
void expect_no_invented_life(Trainer& trainer, const Dataset& data, std::size_t layer,
                             std::size_t unit) {
  const undying::Run run = trainer.fit(data, data);
  ASSERT_EQ(run.status, RunStatus::kFinished);
  const UnitLife& life = run.ledger.lives[layer][unit];
  EXPECT_GT(life.training_firing_rate, 0.0) << "the test needs a unit that only training sees fire";
  EXPECT_EQ(life.state, UnitState::kDead);
  EXPECT_THAT(life.died, testing::ElementsAre(0));
  EXPECT_THAT(life.revived, testing::IsEmpty());
  EXPECT_EQ(run.ledger.died(), 0);
  EXPECT_EQ(run.ledger.revived(), 0);
}

TEST(LedgerOfRandomness, Augmentation) {
  Dataset data{.name = "left", .size = 100, .shape = {1, 2, 4}, .classes = 2};
  for (int i = 0; i < 100; ++i) {
    for (const int byte : {200, 200, 0, 0, 200, 200, 0, 0})
      data.bytes.push_back(static_cast<std::uint8_t>(byte));
    data.labels.push_back(i % 2);
  }
  TrainSettings settings = still();
  settings.augmentation.flip = true;
  Trainer trainer(mlp({.inputs = 8, .hidden = {4}, .outputs = 2, .activation = "relu"}), settings);
  auto tensors = trainer.tensors();
  for (std::size_t i = 0; i < 8; ++i) tensors[0].values[i] = i % 4 < 2 ? -1.0f : 1.0f;
  trainer.load(tensors);
  expect_no_invented_life(trainer, data, 0, 0);
}

TEST(LedgerOfRandomness, Dropout) {
  Trainer trainer(
      mlp({.inputs = 1, .hidden = {2, 1}, .outputs = 2, .activation = "relu", .dropout = 0.5}),
      still());
  auto tensors = trainer.tensors();
  tensors[0].values = {1.0f, 1.0f};
  tensors[2].values = {1.0f, -2.0f};  // fires where the second is dropped
  trainer.load(tensors);
  expect_no_invented_life(trainer, ones(), 1, 0);
}

TEST(LedgerOfRandomness, DropoutOfChannels) {
  Dataset data = ones();
  data.shape = {1, 1, 1};
  const auto conv = [](const char* name, int input, std::int64_t outputs) {
    return Node{name, "conv", {input}, {{"outputs", outputs}, {"kernel", Ints{1, 1}}}};
  };
  Trainer trainer(Graph({{"x", "input", {}, {{"shape", Ints{1, 1, 1}}}},
                         conv("a", 0, 2),
                         activation("relu", "a", 1),
                         {"drop", "dropout_2d", {2}, {{"p", 0.5}}},
                         conv("b", 3, 1),
                         activation("relu", "b", 4),
                         {"flat", "flatten", {5}, {}},
                         {"out", "linear", {6}, {{"outputs", std::int64_t{2}}}}}),
                  still());
  auto tensors = trainer.tensors();
  for (Tensor& tensor : tensors) {
    if (tensor.name == "a.weight") tensor.values = {1.0f, 1.0f};
    if (tensor.name == "b.weight") tensor.values = {1.0f, -2.0f};
  }
  trainer.load(tensors);
  expect_no_invented_life(trainer, data, 1, 0);
}

// h = -slope, 1/8 to 1/3 in training and 11/48 in evaluation.
TEST(LedgerOfRandomness, RandomSlopes) {
  Trainer trainer(Graph({{"x", "input", {}, {{"shape", Ints{1}}}},
                         {"a", "linear", {0}, {{"outputs", std::int64_t{1}}}},
                         activation("rrelu", "a", 1),
                         {"b", "linear", {2}, {{"outputs", std::int64_t{1}}}},
                         activation("relu", "b", 3),
                         {"out", "linear", {4}, {{"outputs", std::int64_t{2}}}}}),
                  still());
  auto tensors = trainer.tensors();
  for (Tensor& tensor : tensors) {
    if (tensor.name == "a.weight" || tensor.name == "b.weight") tensor.values = {-1.0f};
    if (tensor.name == "b.bias") tensor.values = {-0.3f};
  }
  trainer.load(tensors);
  expect_no_invented_life(trainer, ones(), 1, 0);
}

// Running statistics that training does not move, a thousand times as wide as a batch's.
TEST(LedgerOfRandomness, StatisticsOfBatches) {
  Dataset data = ones();
  for (std::size_t i = 0; i < 100; ++i) data.values[i] = i % 2 == 0 ? 1.0f : -1.0f;
  Trainer trainer(Graph({{"x", "input", {}, {{"shape", Ints{1}}}},
                         {"a", "linear", {0}, {{"outputs", std::int64_t{1}}}},
                         {"norm", "batch_norm", {1}, {{"momentum", 1.0}}},
                         activation("relu", "a", 2),
                         {"out", "linear", {3}, {{"outputs", std::int64_t{2}}}}}),
                  still());
  auto tensors = trainer.tensors();
  int set = 0;
  for (Tensor& tensor : tensors) {
    if (tensor.name == "a.weight") tensor.values = {1.0f}, ++set;
    if (tensor.name == "norm.bias") tensor.values = {-0.5f}, ++set;
    if (tensor.name == "norm.running_var") tensor.values = {1e6f}, ++set;
  }
  ASSERT_EQ(set, 3);
  trainer.load(tensors);
  expect_no_invented_life(trainer, data, 0, 0);
}

// 1 + 2^-9 is 1 in bfloat16, and 1 + 2^-10 lies between.
TEST(LedgerOfRandomness, FactorsInBfloat16) {
  TrainSettings settings = still();
  settings.precision = Precision::kBfloat16;
  std::optional<Trainer> trainer;
  try {
    trainer.emplace(mlp({.inputs = 1, .hidden = {1}, .outputs = 2, .activation = "relu"}),
                    settings);
  } catch (const Error&) {
    GTEST_SKIP() << "this CPU has no bfloat16";
  }
  auto tensors = trainer->tensors();
  tensors[0].values = {-1.0f};
  tensors[1].values = {1.0f + 0x1p-10f};
  trainer->load(tensors);
  expect_no_invented_life(*trainer, ones(1.0f + 0x1p-9f), 0, 0);
}

// A unit before the dropout is dated to the step, one behind it to the census that finds it dead.
TEST(LedgerOfRandomness, DeathsAreDatedToCensusesWhereTrainingSeesOtherwise) {
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
  std::size_t deaths = 0;
  for (std::size_t l = 1; l < 3; ++l) {
    for (const UnitLife& life : run.ledger.lives[l]) {
      deaths += life.died.size();
      for (const std::int64_t step : life.died) EXPECT_THAT(censuses, testing::Contains(step));
      for (const std::int64_t step : life.revived) EXPECT_THAT(censuses, testing::Contains(step));
    }
  }
  EXPECT_GT(deaths, 0U);
}

// Numbers below the smallest normal float32 fire in the kernels and are dead to the judge; no
// revival between two censuses.

}  // namespace
}  // namespace undying
