// Units that come back, dated against the formulas in double.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/test_data.h"
#include "undying/error.h"
#include "undying/trainer.h"

namespace undying {
namespace {

// A unit of the second layer that is born dead and needs the first layer's unit 0 above kNeeded,
// which training brings about.
class Revival : public testing::Test {
 protected:
  static constexpr float kNeeded = 1.5f;
  static constexpr float kRate = 0.005f;

  Revival()
      : trainer_(mlp({.inputs = 1, .hidden = {2, 2}, .outputs = 1, .activation = "relu"}),
                 {.optimizer = Sgd{.learning_rate = kRate},
                  .loss = Loss::kMeanSquaredError,
                  .batch = 10,
                  .epochs = 10,
                  .threads = 2,
                  .shards = 3}) {
    trainer_.load({{"layer.0.weight", {2, 1}, {1.0f, 1.0f}},
                   {"layer.0.bias", {2}, {0.0f, 0.0f}},
                   {"layer.1.weight", {2, 2}, {1.0f, 0.0f, 1.0f, 0.0f}},
                   {"layer.1.bias", {2}, {0.0f, -kNeeded}},
                   {"layer.2.weight", {1, 2}, {1.0f, 1.0f}},
                   {"layer.2.bias", {1}, {0.0f}}});
  }

  // The step at which it first fires, in double: until then y = v (u0 h0 + u1 h1 + d) + c, with hi
  // = wi + bi, is all there is.
  static std::int64_t first_firing() {
    double w[2] = {1.0, 1.0}, b[2] = {0.0, 0.0}, u[2] = {1.0, 0.0}, d = 0.0, v = 1.0, c = 0.0;
    for (std::int64_t step = 1; step <= 40; ++step) {
      const double h[2] = {w[0] + b[0], w[1] + b[1]};
      if (h[0] - kNeeded > 0.0) return step;
      const double z = u[0] * h[0] + u[1] * h[1] + d;
      const double g = 2.0 * (v * z + c - 5.0);
      const double dz = g * v;
      v -= kRate * g * z;
      c -= kRate * g;
      d -= kRate * dz;
      for (int i = 0; i < 2; ++i) {
        const double dh = dz * u[i];
        u[i] -= kRate * dz * h[i];
        w[i] -= kRate * dh;
        b[i] -= kRate * dh;
      }
    }
    return -1;
  }

  Trainer trainer_;
};

TEST_F(Revival, IsDatedToTheFirstFiring) {
  const Dataset data = constant(5.0f);
  const undying::Run run = trainer_.fit(data, data);
  const UnitLife& life = run.ledger.lives[1][1];
  EXPECT_TRUE(life.born_dead);
  ASSERT_GT(first_firing(), 4) << "within a later epoch";
  ASSERT_NE(first_firing() % 4, 1) << "and not at its start";
  EXPECT_THAT(life.revived, testing::ElementsAre(first_firing()));
  EXPECT_NE(life.state, UnitState::kDead);
  EXPECT_EQ(run.ledger.revived(), 1);
}

// Interrupted right after it, in the middle of an epoch: there is no census any more.
TEST_F(Revival, IsDatedInARunThatEndsBeforeItsNextCensus) {
  const Dataset data = constant(5.0f);
  std::stop_source stop;
  const Observer observer{.step = [&](const StepRecord& record) {
    if (record.step == first_firing()) stop.request_stop();
  }};
  const undying::Run run = trainer_.fit(data, data, observer, stop.get_token());
  ASSERT_EQ(run.status, RunStatus::kInterrupted);
  ASSERT_LT(run.ledger.censuses.back().step, first_firing());
  EXPECT_THAT(run.ledger.lives[1][1].revived, testing::ElementsAre(first_firing()));
}

}  // namespace
}  // namespace undying
