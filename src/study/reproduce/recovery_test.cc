#include "study/reproduce/recovery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/philox.h"

namespace undying::study {
namespace {

constexpr std::int64_t kRows = 24;
constexpr std::int64_t kUnits = 5;
constexpr std::int64_t kSteps = 1000;
constexpr double kRate = 0.003;

// Two inputs around 1, and a sum of them to predict.
Dataset sums() {
  const Random random(5, Stream::kTest);
  Dataset data{.name = "sums", .size = kRows, .shape = {2}, .outputs = 1};
  for (std::uint64_t i = 0; i < kRows; ++i) {
    data.values.push_back(static_cast<float>(1.0 + random.normal(2 * i)));
    data.values.push_back(static_cast<float>(1.0 + random.normal(2 * i + 1)));
    data.targets.push_back(data.values[2 * i] + 2.0f * data.values[2 * i + 1]);
  }
  return data;
}

Graph network(const char* activation) {
  return mlp({.inputs = 2, .hidden = {kUnits}, .outputs = 1, .activation = activation});
}

TrainSettings settings(std::uint64_t seed = 5) {
  TrainSettings train{.optimizer = Sgd{.learning_rate = static_cast<float>(kRate)}};
  train.loss = Loss::kMeanSquaredError;
  train.batch = kRows;
  train.max_steps = kSteps;
  train.epochs = kSteps;
  train.seed = seed;
  train.shuffle = train.evaluate = false;
  train.threads = train.shards = 1;
  train.health.census = train.health.counters = false;
  return train;
}

std::vector<double> values(const std::vector<Tensor>& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &Tensor::name);
  return {found->values.begin(), found->values.end()};
}

// The same network in double, by its formulas.
struct Reference {
  std::vector<double> w, b, v, c;  // (units, 2), (units), (units), (1)
  double slope;
  const Dataset& data;

  double z(std::int64_t unit, std::int64_t row) const {
    return w[2 * unit] * static_cast<double>(data.values[2 * row]) +
           w[2 * unit + 1] * static_cast<double>(data.values[2 * row + 1]) + b[unit];
  }
  double largest(std::int64_t unit) const {
    double most = z(unit, 0);
    for (std::int64_t row = 1; row < kRows; ++row) most = std::max(most, z(unit, row));
    return most;
  }
  void step() {
    const Reference old = *this;
    for (std::int64_t row = 0; row < kRows; ++row) {
      double error = old.c[0] - static_cast<double>(data.targets[row]);
      const auto f = [&](double x) { return x > 0.0 ? x : slope * x; };
      for (std::int64_t j = 0; j < kUnits; ++j) error += old.v[j] * f(old.z(j, row));
      const double rate = kRate * 2.0 * error / kRows;
      c[0] -= rate;
      for (std::int64_t j = 0; j < kUnits; ++j) {
        const double through = rate * old.v[j] * (old.z(j, row) > 0.0 ? 1.0 : slope);
        v[j] -= rate * f(old.z(j, row));
        b[j] -= through;
        for (std::int64_t i = 0; i < 2; ++i)
          w[2 * j + i] -= through * static_cast<double>(data.values[2 * row + i]);
      }
    }
  }
};

std::vector<std::int64_t> by_formula(const std::vector<Tensor>& tensors, double slope,
                                     const Dataset& data, const Kick& kick) {
  Reference network{values(tensors, "layer.0.weight"),
                    values(tensors, "layer.0.bias"),
                    values(tensors, "layer.1.weight"),
                    values(tensors, "layer.1.bias"),
                    slope,
                    data};
  std::vector<std::int64_t> units;
  for (std::int64_t j = 0; j < kUnits && std::ssize(units) < kick.most; ++j) {
    const double most = network.largest(j);
    if (most <= 0.0) continue;
    network.b[j] -= (1.0 + kick.depth) * most;
    units.push_back(j);
  }
  std::vector<std::int64_t> steps(units.size(), 0);
  for (std::int64_t step = 1; step <= kSteps; ++step) {
    network.step();
    for (std::size_t i = 0; i < units.size(); ++i)
      if (steps[i] == 0 && network.largest(units[i]) > 0.0) steps[i] = step;
  }
  return steps;
}

TEST(Recovery, StepsAreThoseOfTheFormulas) {
  const Dataset data = sums();
  const Graph graph = network("leaky_relu:0.1");
  const std::vector<Tensor> weights = Trainer(graph, settings()).tensors();
  const Kick kick{.depth = 0.5, .most = 4};
  const auto steps = steps_to_fire(graph, settings(), weights, data, kick, 1);
  const auto expected = by_formula(weights, 0.1, data, kick);
  ASSERT_EQ(steps.size(), expected.size());
  ASSERT_GT(std::ranges::count_if(expected, [](std::int64_t step) { return step > 1; }), 0);
  for (std::size_t i = 0; i < steps.size(); ++i) EXPECT_LE(std::abs(steps[i] - expected[i]), 1);
}

// Nothing below the first layer learns, and the unit itself has no gradient.
TEST(Recovery, ReluUnitsOfTheFirstLayerNeverComeBack) {
  const Dataset data = sums();
  const Graph graph = network("relu");
  const std::vector<Tensor> weights = Trainer(graph, settings()).tensors();
  const auto steps = steps_to_fire(graph, settings(), weights, data, {}, 1);
  ASSERT_FALSE(steps.empty());
  for (const std::int64_t step : steps) EXPECT_EQ(step, 0);
}

TEST(Recovery, DataThatMoveSilenceTheUnitsThatTheyLeave) {
  const Dataset data = sums();
  const Graph graph = network("relu");
  const std::vector<Tensor> weights = Trainer(graph, settings(6)).tensors();
  Reference drawn{values(weights, "layer.0.weight"),
                  values(weights, "layer.0.bias"),
                  values(weights, "layer.1.weight"),
                  values(weights, "layer.1.bias"),
                  0.0,
                  data};
  std::size_t left = 0;
  for (std::int64_t j = 0; j < kUnits; ++j)
    left += drawn.largest(j) > 0.0 &&
            drawn.largest(j) - 3.0 * (drawn.w[2 * j] + drawn.w[2 * j + 1]) <= 0.0;
  ASSERT_GT(left, 0U);
  EXPECT_EQ(steps_to_fire(graph, settings(6), weights, data, {.shift = 3.0}, 1).size(), left);
}

// As many units, of one network or of twelve, say more where the networks are more.
TEST(Recovery, TheIntervalIsOverNetworks) {
  const UnitsBySeed none(12, std::vector<std::int64_t>(16, 0));
  const Estimate share = share_back(none, 100);
  EXPECT_EQ(share.mean, 0.0);
  EXPECT_NEAR(share.upper, 1.0 - std::pow(0.025, 1.0 / 12.0), 1e-9);
  EXPECT_NEAR(share_back(UnitsBySeed(12, {5, 7}), 100).lower, std::pow(0.025, 1.0 / 12.0), 1e-9);
  UnitsBySeed mixed(12, std::vector<std::int64_t>(16, 50));
  mixed[3].assign(16, 0);
  const Estimate most = share_back(mixed, 100);
  EXPECT_NEAR(most.mean, 11.0 / 12.0, 1e-12);
  EXPECT_EQ(most.upper, 1.0) << "no share is larger";
  EXPECT_EQ(share_back(mixed, 49).mean, 0.0) << "later than that";
}

TEST(Recovery, OneUnitThatComesBackIsNotNone) {
  const UnitsBySeed none(12, std::vector<std::int64_t>(16, 0));
  UnitsBySeed one = none;
  one[7][2] = 90;
  const auto networks = [](const std::vector<const UnitsBySeed*>& kicks, std::int64_t until) {
    return networks_with_return(kicks, until);
  };
  EXPECT_TRUE(none_back(networks({&none, &none}, 1000)));
  EXPECT_FALSE(none_back(networks({&none, &one}, 1000)));
  EXPECT_TRUE(none_back(networks({&none, &one}, 89)));
  const UnitsBySeed few(3, std::vector<std::int64_t>(160, 0));
  EXPECT_FALSE(none_back(networks({&few}, 1000))) << "many units of few networks";
}

}  // namespace
}  // namespace undying::study
