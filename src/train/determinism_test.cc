// The same settings, data and shards give the same bits on any number of threads.
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

TrainSettings small_settings() {
  return {.optimizer = Sgd{.learning_rate = 0.05f, .momentum = 0.9f},
          .batch = 32,
          .epochs = 3,
          .seed = 5,
          .threads = 1,
          .shards = 1};
}

void expect_same_tensors(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_EQ(a[i].values, b[i].values) << a[i].name;
  }
}

void expect_same_ledgers(const Ledger& a, const Ledger& b) {
  ASSERT_EQ(a.lives.size(), b.lives.size());
  for (std::size_t l = 0; l < a.lives.size(); ++l) {
    for (std::size_t u = 0; u < a.lives[l].size(); ++u) {
      EXPECT_EQ(a.lives[l][u].state, b.lives[l][u].state);
      EXPECT_EQ(a.lives[l][u].firing_rate, b.lives[l][u].firing_rate);
      EXPECT_EQ(a.lives[l][u].training_firing_rate, b.lives[l][u].training_firing_rate);
      EXPECT_EQ(a.lives[l][u].output, b.lives[l][u].output);
      EXPECT_EQ(a.lives[l][u].gradient, b.lives[l][u].gradient);
      EXPECT_EQ(a.lives[l][u].died, b.lives[l][u].died);
      EXPECT_EQ(a.lives[l][u].revived, b.lives[l][u].revived);
    }
  }
  ASSERT_EQ(a.censuses.size(), b.censuses.size());
  for (std::size_t c = 0; c < a.censuses.size(); ++c)
    for (std::size_t l = 0; l < a.censuses[c].layers.size(); ++l) {
      EXPECT_EQ(a.censuses[c].layers[l].signal_variance, b.censuses[c].layers[l].signal_variance);
      EXPECT_EQ(a.censuses[c].layers[l].gradient_norm, b.censuses[c].layers[l].gradient_norm);
    }
}

struct Variant {
  Activation activation;
  bool batch_norm;
  double dropout;
  double clip;
};

class Threads : public testing::TestWithParam<Variant> {};

TEST_P(Threads, NeverChangeABitOfTheResult) {
  const Dataset data = make_classes(500, 12, 4);
  const Variant variant = GetParam();
  TrainSettings settings = small_settings();
  settings.shards = 4;
  settings.clip_norm = variant.clip;
  std::vector<Tensor> tensors;
  undying::Run first;
  for (const int threads : {1, 2, 4}) {
    settings.threads = threads;
    Trainer trainer(two_layers(variant.activation, variant.batch_norm, variant.dropout), settings);
    undying::Run run = trainer.fit(data, data);
    if (threads == 1) {
      tensors = trainer.tensors();
      first = std::move(run);
      continue;
    }
    expect_same_tensors(tensors, trainer.tensors());
    expect_same_ledgers(first.ledger, run.ledger);
    EXPECT_EQ(first.test_accuracy, run.test_accuracy);
    EXPECT_EQ(first.steps.back().loss, run.steps.back().loss);
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, Threads,
                         testing::Values(Variant{"relu", false, 0.0, 0.0},
                                         Variant{"prelu", true, 0.0, 0.0},
                                         Variant{"rrelu", false, 0.3, 0.0},
                                         Variant{"gelu", true, 0.2, 0.5},
                                         Variant{"crelu", false, 0.0, 1.0}));

TEST(Determinism, AugmentedRunsHaveTheSameBitsOnAnyNumberOfThreads) {
  const Dataset data = make_images(500, 3, 4, 4);
  TrainSettings settings = small_settings();
  settings.shards = 4;
  settings.augmentation = {.flip = true, .crop = 1, .cutout = 1};
  std::vector<Tensor> tensors;
  for (const int threads : {1, 2, 4}) {
    settings.threads = threads;
    Trainer trainer(two_layers(), settings);
    trainer.fit(data, data);
    if (threads == 1) tensors = trainer.tensors();
    expect_same_tensors(tensors, trainer.tensors());
  }
  settings.augmentation = {};
  Trainer plain(two_layers(), settings);
  plain.fit(data, data);
  EXPECT_NE(tensors[0].values, plain.tensors()[0].values);
}

// Without a step that moves anything, all that could differ is the data.
TEST(Determinism, ShardsAgreeUpToRounding) {
  const Dataset data = make_classes(500, 12, 4);
  TrainSettings settings = small_settings();
  settings.max_steps = 5;
  std::vector<Tensor> one;
  for (const int shards : {1, 3}) {
    settings.shards = shards;
    for (const bool batch_norm : {true}) {
      Trainer trainer(two_layers("elu", batch_norm, 0.3), settings);
      trainer.fit(data, data);
      if (shards == 1) {
        one = trainer.tensors();
        continue;
      }
      for (std::size_t i = 0; i < one.size(); ++i)
        for (std::size_t j = 0; j < one[i].values.size(); ++j)
          EXPECT_NEAR(one[i].values[j], trainer.tensors()[i].values[j], 2e-5) << one[i].name;
    }
  }
}

// The last batch has fewer rows than shards: empty shards add nothing.
TEST(Determinism, ShardsWithoutRowsAddNothing) {
  const Dataset data = make_classes(130, 12, 4);
  TrainSettings settings = small_settings();
  settings.batch = 128;
  settings.epochs = 2;
  for (const Graph& graph : {two_layers("elu"), two_layers("prelu"), two_layers("prelu", true)}) {
    std::vector<StepRecord> one;
    for (const int shards : {1, 5}) {
      settings.shards = shards;
      const undying::Run run = Trainer(graph, settings).fit(data, data);
      ASSERT_EQ(run.steps.size(), 4U);
      if (shards == 1) one = run.steps;
      for (std::size_t i = 0; i < 4; ++i)
        EXPECT_NEAR(run.steps[i].gradient_norm / one[i].gradient_norm, 1.0, 1e-5) << i;
    }
  }
}

// Layers of more than 2^18 weights are updated within the backward pass, unless gradients are
// clipped, which needs them all first.
TEST(Determinism, LargeLayersUpdatedEarlyGiveTheSameBits) {
  const Dataset data = make_classes(200, 12, 4);
  TrainSettings settings = small_settings();
  settings.max_steps = 5;
  settings.shards = 3;
  settings.optimizer = Sgd{.learning_rate = 1e-3f, .momentum = 0.9f};
  std::vector<Tensor> late;
  for (const auto& [clip, threads] : {std::pair{1e30, 1}, std::pair{0.0, 1}, std::pair{0.0, 3}}) {
    settings.clip_norm = clip;
    settings.threads = threads;
    Trainer trainer(mlp({.inputs = 12,
                         .hidden = {520, 520, 20, 14000, 520},
                         .outputs = 4,
                         .activation = "prelu"}),
                    settings);
    ASSERT_EQ(trainer.fit(data, data).status, RunStatus::kFinished);
    if (clip > 0.0) {
      late = trainer.tensors();
    } else {
      expect_same_tensors(late, trainer.tensors());
    }
  }
}

}  // namespace
}  // namespace undying
