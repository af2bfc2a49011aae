#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "undying/doctor.h"

namespace undying {
namespace {

Graph relu_mlp(std::int64_t inputs, std::vector<std::int64_t> hidden,
               Activation activation = "relu") {
  return mlp(
      {.inputs = inputs, .hidden = std::move(hidden), .outputs = 1, .activation = activation});
}

// Lu et al. 2019: published for d_in = 1, L = 10 and N = 3 are bounds .5134 and .6993.
TEST(Forecast, BornDeadBoundsOfThePaper) {
  const Forecast found = forecast(relu_mlp(1, std::vector<std::int64_t>(9, 3)));
  EXPECT_NEAR(found.born_dead_bound, 0.6993, 1e-4);
  EXPECT_NEAR(found.born_dead_lower, 0.5134, 1e-4);
  EXPECT_EQ(found.findings.front().what, "born dead");
}

TEST(Forecast, BornDeadBoundTakesWidthsAsTheyAre) {
  EXPECT_NEAR(forecast(relu_mlp(8, {1, 2})).born_dead_bound, 1.0 - 0.5 * 0.75, 1e-12);
  EXPECT_TRUE(std::isnan(forecast(relu_mlp(8, {1, 2})).born_dead_lower));
  EXPECT_TRUE(forecast(relu_mlp(8, {64, 64})).findings.empty());
}

TEST(Forecast, OtherNetworksHaveNoBornDeadBound) {
  EXPECT_TRUE(std::isnan(forecast(relu_mlp(8, {3, 3}, "leaky_relu")).born_dead_bound));
  EXPECT_TRUE(std::isnan(forecast(build_model("lenet", {1, 28, 28}, 10, {})).born_dead_bound));
}

// He et al. 2015: with the right gain E z^2 stays 2 (1 + slope^2)-fold what it was, through any
// depth, forward and backward.
TEST(Forecast, KaimingKeepsTheSignal) {
  for (const char* activation : {"relu", "leaky_relu:0.2"}) {
    const Forecast found = forecast(relu_mlp(16, std::vector<std::int64_t>(30, 32), activation));
    for (const LayerForecast& layer : found.layers)
      EXPECT_NEAR(layer.signal, 1.0, 0.02) << layer.name;
    EXPECT_NEAR(found.layers.front().gradient / found.layers.back().gradient, 1.0, 0.05);
  }
}

// LeCun's draw takes no gain: ReLU halves E h^2 in every layer.
TEST(Forecast, AWrongGainShrinksTheSignal) {
  const Forecast found =
      forecast(relu_mlp(16, std::vector<std::int64_t>(30, 32)), Initializer::kLecunNormal);
  EXPECT_NEAR(std::log2(found.layers[9].signal), -10.0, 0.02);
  EXPECT_TRUE(std::any_of(found.findings.begin(), found.findings.end(),
                          [](const Finding& f) { return f.what == "vanishing signal"; }));
}

// The forecast against a draw: E h^2 of fresh networks on normal inputs.
TEST(Forecast, AgreesWithDraws) {
  const Graph graph =
      mlp({.inputs = 64, .hidden = {256, 256, 256}, .outputs = 1, .activation = "gelu"});
  const Forecast found = forecast(graph, Initializer::kXavierNormal);
  Dataset data{.name = "normal", .size = 400, .shape = {64}};
  std::uint64_t state = 1;
  for (std::int64_t i = 0; i < 400 * 64; ++i) {
    double sum = -6.0;  // of twelve uniform draws
    for (int k = 0; k < 12; ++k) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      sum += static_cast<double>(state >> 40) / 16777216.0;
    }
    data.values.push_back(static_cast<float>(sum));
  }
  std::vector<double> mean(3, 0.0);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Trainer trainer(graph,
                          {.initializer = Initializer::kXavierNormal, .seed = seed, .threads = 1});
    const Diagnosis seen =
        diagnose(graph, trainer.tensors(), data, {.rank_sample = 0, .threads = 1});
    for (std::size_t l = 0; l < 3; ++l)
      mean[l] += (seen.layers[l].signal_variance +
                  seen.layers[l].signal_mean * seen.layers[l].signal_mean) /
                 5.0;
  }
  for (std::size_t l = 0; l < 3; ++l) EXPECT_NEAR(found.layers[l].signal / mean[l], 1.0, 0.15) << l;
}

TEST(Forecast, ANormStartsAnew) {
  const Forecast found = forecast(mlp({.inputs = 16,
                                       .hidden = {32, 32},
                                       .outputs = 1,
                                       .activation = "relu",
                                       .batch_norm = true}),
                                  Initializer::kLecunNormal);
  for (const LayerForecast& layer : found.layers) EXPECT_NEAR(layer.preactivation, 1.0, 1e-12);
}

}  // namespace
}  // namespace undying
