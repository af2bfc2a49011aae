// Effective ranks in the ledger: from a forward pass in double, written here, to its singular
// values.

#include <gtest/gtest.h>

#include <cmath>

#include "health/rank.h"
#include "train/test_data.h"
#include "undying/trainer.h"

namespace undying {
namespace {

constexpr std::int64_t kSample = 30;

// What the only hidden layer gives for an evenly spaced sample: one output a unit, or of a CReLU
// both halves.
std::vector<float> outputs_of_sample(const std::vector<Tensor>& tensors, const Dataset& data,
                                     bool both) {
  const std::int64_t units = tensors[0].shape[0];
  const std::int64_t inputs = tensors[0].shape[1];
  std::vector<float> outputs;
  for (std::int64_t i = 0; i < kSample; ++i) {
    const float* x = data.values.data() + i * data.size / kSample * inputs;
    for (const double sign : {1.0, -1.0}) {
      if (sign < 0.0 && !both) continue;
      for (std::int64_t unit = 0; unit < units; ++unit) {
        auto z = static_cast<double>(tensors[1].values[static_cast<std::size_t>(unit)]);
        for (std::int64_t k = 0; k < inputs; ++k)
          z += static_cast<double>(tensors[0].values[static_cast<std::size_t>(unit * inputs + k)]) *
               static_cast<double>(x[k]);
        outputs.push_back(static_cast<float>(std::max(sign * z, 0.0)));
      }
    }
  }
  return outputs;
}

Trainer trainer_of(const char* activation, std::int64_t ranks) {
  TrainSettings settings{.optimizer = Sgd{.learning_rate = 0.1f},
                         .batch = 20,
                         .epochs = 2,
                         .seed = 3,
                         .threads = 2,
                         .shards = 3};
  settings.health.ranks = ranks;
  return {mlp({.inputs = 8, .hidden = {12}, .outputs = 4, .activation = activation}), settings};
}

TEST(LedgerRanks, AreThoseOfTheOutputs) {
  const Dataset data = make_classes(200, 8, 4);
  for (const char* activation : {"relu", "crelu"}) {
    Trainer trainer = trainer_of(activation, kSample);
    const Run run = trainer.fit(data, data);
    const bool both = activation == std::string("crelu");
    const std::int64_t columns = both ? 24 : 12;
    const double expected =
        health::effective_rank(outputs_of_sample(trainer.tensors(), data, both), kSample, columns);
    EXPECT_GT(expected, 3.0);
    EXPECT_NEAR(run.ledger.censuses.back().layers[0].effective_rank, expected, 1e-3) << activation;
    EXPECT_TRUE(std::isfinite(run.ledger.censuses.front().layers[0].effective_rank));
  }
}

TEST(LedgerRanks, AreNotTakenUnlessAsked) {
  const Dataset data = make_classes(200, 8, 4);
  const Run run = trainer_of("relu", 0).fit(data, data);
  EXPECT_TRUE(std::isnan(run.ledger.censuses.back().layers[0].effective_rank));
}

}  // namespace
}  // namespace undying
