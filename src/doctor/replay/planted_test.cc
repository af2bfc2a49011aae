// Deaths that are made on purpose: what moved the unit is known.

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "base/philox.h"
#include "doctor/replay/test_replay.h"

namespace undying::doctor {
namespace {

// `size` examples of normal inputs around `mean`, all with this target.
Dataset shifted(std::int64_t size, std::int64_t features, double mean, double deviation,
                float target) {
  const Random random(5, Stream::kTest);
  Dataset data{.name = "shifted", .size = size, .shape = {features}, .outputs = 1};
  for (std::int64_t i = 0; i < size * features; ++i)
    data.values.push_back(
        static_cast<float>(mean + deviation * random.normal(static_cast<std::uint64_t>(i))));
  data.targets.assign(static_cast<std::size_t>(size), target);
  return data;
}

// Planted: what moves a unit is known from how the run is made.
struct Planted {
  const char* name;
  Part truth;
  double mean, deviation;           // of the inputs
  std::vector<std::string> frozen;  // tensors that do not move
};

Killed planted(const Planted& plan, const Dataset& data, std::uint64_t seed) {
  TrainSettings settings{.optimizer = Sgd{.learning_rate = 0.01f},
                         .loss = Loss::kMeanSquaredError,
                         .batch = 20,
                         .epochs = 12,
                         .seed = seed,
                         .threads = 1,
                         .shards = 1};
  settings.clip_norm = 20.0;
  const std::vector<std::int64_t> hidden(plan.truth == Part::kBelow ? 2 : 1, 24);
  const Graph graph = mlp({.inputs = 6, .hidden = hidden, .outputs = 1, .activation = "relu"});
  Tensors start = Trainer(graph, settings).tensors();  // frozen ones are not drawn
  settings.frozen = plan.frozen;
  return {graph, settings, data, std::move(start)};
}

TEST(Replay, PlantedCausesAreFound) {
  // Inputs near 0 leave a unit of the first layer its bias, inputs far from it the weights; a layer
  // that does not learn dies of what is below.
  // The output layer stands still, so that the units must move for it.
  const Planted plans[] = {
      {"bias", Part::kBias, 0.0, 0.1, {"layer.1.weight", "layer.1.bias"}},
      {"weights", Part::kWeights, 2.0, 0.5, {"layer.1.weight", "layer.1.bias"}},
      {"below",
       Part::kBelow,
       0.0,
       1.0,
       {"layer.1.weight", "layer.1.bias", "layer.2.weight", "layer.2.bias"}}};
  for (const Planted& plan : plans) {
    int right = 0, all = 0;
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
      const Dataset data = shifted(200, 6, plan.mean, plan.deviation, -40.0f);
      const Killed made = planted(plan, data, seed);
      const std::size_t layer = plan.truth == Part::kBelow ? 1 : 0;
      for (const Explanation& each : again(made, record(made)).explanations) {
        if (each.event.layer != layer || each.event.step == 0) continue;
        ++all;
        right += each.change && static_cast<std::size_t>(each.change->cause) ==
                                    static_cast<std::size_t>(plan.truth);
      }
    }
    RecordProperty(std::string(plan.name) + "_right", std::to_string(right));
    RecordProperty(std::string(plan.name) + "_deaths", std::to_string(all));
    EXPECT_GE(all, 20) << plan.name << ": the test needs deaths";
    EXPECT_GE(right, 0.9 * all) << plan.name;
  }
}

// A running mean that a run starts with, far from that of its data, keeps units firing whose shift
// lies far below 0; some for one step.
TEST(Replay, StatisticsThatARunStartsWithAreLookedAt) {
  const Dataset data = shifted(200, 6, 0.0, 1.0, 0.0f);
  Killed made = planted({"statistics", Part::kStatistics, 0.0, 1.0, {}}, data, 1);
  made.graph =
      mlp({.inputs = 6, .hidden = {24}, .outputs = 1, .activation = "relu", .batch_norm = true});
  made.start = Trainer(made.graph, made.settings).tensors();
  for (Tensor& tensor : made.start) {
    if (tensor.name.ends_with("bn.running_mean")) std::ranges::fill(tensor.values, -2.3f);
    if (tensor.name.ends_with("bn.bias")) std::ranges::fill(tensor.values, -6.0f);
    made.settings.frozen.push_back(tensor.name);
  }
  std::erase_if(made.settings.frozen, [](const std::string& name) {
    return name.find("running") != std::string::npos || name.starts_with("layer.1");
  });
  int at_once = 0;
  for (const Explanation& each : again(made, record(made)).explanations) {
    if (each.event.step == 0) continue;
    ASSERT_TRUE(each.change) << each.missing;
    EXPECT_EQ(each.change->cause, Cause::kStatistics);
    at_once += each.change->to == 1;
  }
  EXPECT_GT(at_once, 0);
}

}  // namespace
}  // namespace undying::doctor
