// What is taken out of networks with dead, constant and equal units: outputs stay what they were
// but for rounding, shapes shrink, and what cannot go stays with a reason. Outputs are compared by
// a trainer of each network.

#include "undying/prune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"
#include "doctor/network.h"
#include "doctor/prune/test_prune.h"
#include "doctor/prune/unit_facts.h"
#include "doctor/test_networks.h"
#include "engine/passes/runner.h"
#include "ops/shapes.h"
#include "train/source.h"
#include "undying/doctor.h"
#include "undying/error.h"

namespace undying::doctor {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

// A network that training killed: what the doctor calls dead is gone.
TEST(Prune, KilledMlp) {
  const Dataset data = make_classes(500, 12, 4);
  const Patient patient = killed(data);
  const Diagnosis diagnosis =
      diagnose(patient.graph, patient.weights, data, {.rank_sample = 0, .threads = 1});
  ASSERT_GT(diagnosis.dead(), 10);
  const Pruning small = pruned(patient, data);
  EXPECT_EQ(small.dead, diagnosis.dead());
  EXPECT_THAT(small.obstacles, IsEmpty());
  for (std::size_t l = 0; l < diagnosis.layers.size(); ++l) {
    const std::int64_t left = diagnosis.layers[l].units - small.layers[l].removed;
    EXPECT_GE(small.layers[l].removed, diagnosis.layers[l].dead);
    EXPECT_EQ(shape_of(small, "layer." + std::to_string(l) + ".bias"), Shape{left});
  }
  EXPECT_EQ(diagnose(small.graph, small.weights, data, {.rank_sample = 0, .threads = 1}).dead(), 0);
  EXPECT_FALSE(prune(small.graph, small.weights, data, kQuick).changed()) << "twice is once";
}

TEST(Prune, HealthyNetworksStayAsTheyAre) {
  const Dataset data = images();
  for (const char* model : {"mlp:16-16", "lenet", "resnet:20", "mobilenet:small"}) {
    const Patient patient =
        fresh(build_model(model, {1, 8, 8}, 4, {.activation = "leaky_relu:0.1"}));
    const Pruning same = pruned(patient, data);
    EXPECT_FALSE(same.changed()) << model;
    EXPECT_EQ(same.removed(), 0) << model;
    EXPECT_EQ(difference(patient, same, data), 0.0) << model;
  }
}

TEST(Prune, KilledLenet) {
  const Dataset data = images();
  Patient patient = fresh(build_model("lenet", {1, 8, 8}, 4, {.activation = "leaky_relu:0"}));
  kill(patient, "layer.0.bias", {1, 2});
  kill(patient, "layer.1.bias", {0, 15});
  kill(patient, "layer.2.bias", {9});
  const Pruning small = pruned(patient, data);
  EXPECT_GE(small.dead, 5);
  EXPECT_EQ(shape_of(small, "layer.0.weight"), (Shape{4, 1, 5, 5}));
  EXPECT_EQ(shape_of(small, "layer.1.weight"), (Shape{14, 4, 5, 5}));
  EXPECT_EQ(shape_of(small, "layer.2.weight")[1], 14 * 4)
      << "a channel is four elements of what is flattened";
}

// In a branch a channel goes by itself; in the residual stream where every sum that it is part of
// is dead.
TEST(Prune, ResnetWithDeadChannelsInABranchAndInTheStream) {
  const Dataset data = images(40);
  Patient patient = fresh(build_model("resnet:20", {1, 8, 8}, 4, {}));
  kill(patient, "layer.1.bn.bias", {0, 5, 6});  // inside block 0
  for (const char* bias :
       {"layer.0.bn.bias", "layer.2.bn.bias", "layer.4.bn.bias", "layer.6.bn.bias"})
    kill(patient, bias, {3});
  kill(patient, "layer.0.bn.bias", {7});  // comes to life in a sum
  const Pruning small = pruned(patient, data);
  EXPECT_EQ(shape_of(small, "layer.0.weight"), (Shape{15, 1, 3, 3}));
  EXPECT_EQ(shape_of(small, "layer.1.weight"), (Shape{13, 15, 3, 3}));
  EXPECT_EQ(shape_of(small, "layer.1.bn.running_var"), Shape{13});
  EXPECT_EQ(shape_of(small, "layer.2.weight"), (Shape{15, 13, 3, 3}));
  EXPECT_GE(small.dead, 3 + 4);  // the draw has dead ones of its own
  ASSERT_FALSE(small.obstacles.empty());
  EXPECT_THAT(small.obstacles[0].why, HasSubstr("added to"));
  EXPECT_LT(small.after.multiply_adds, small.before.multiply_adds);
}

// The channel of a depthwise convolution goes with the one that it reads.
TEST(Prune, MobilenetsDepthwiseConvolutions) {
  const Dataset data = images(40);
  Patient patient = fresh(build_model("mobilenet:small", {1, 8, 8}, 4, {.activation = "relu"}));
  kill(patient, "layer.2.bn.bias", {3, 20});  // read by a depthwise convolution, whose bias is 0
  kill(patient, "layer.3.bn.bias", {3, 20, 4});
  const Pruning small = pruned(patient, data);
  EXPECT_EQ(shape_of(small, "layer.2.weight"), (Shape{29, 16, 1, 1}))
      << "channel 4 is read by nothing else";
  EXPECT_EQ(shape_of(small, "layer.3.weight"), (Shape{29, 1, 3, 3}));
  EXPECT_EQ(shape_of(small, "layer.4.weight")[1], 29);
}

TEST(Prune, ConstantUnitsBecomeBiases) {
  const Dataset data = make_classes(100, 12, 4);
  for (const char* activation : {"sigmoid", "tanh", "relu", "prelu"}) {
    Patient patient =
        fresh(mlp({.inputs = 12, .hidden = {10, 8}, .outputs = 4, .activation = activation}));
    for (const std::size_t unit : {2U, 7U}) {
      std::fill_n(patient.values("layer.0.weight").begin() + static_cast<std::ptrdiff_t>(unit) * 12,
                  12, 0.0f);
      patient.values("layer.0.bias")[unit] = 0.75f + 0.1f * static_cast<float>(unit);
    }
    const Pruning small = pruned(patient, data);
    EXPECT_EQ(small.constant, 2) << activation;
    EXPECT_EQ(shape_of(small, "layer.0.weight"), (Shape{8, 12})) << activation;
    EXPECT_EQ(shape_of(small, "layer.1.weight")[1], 8) << activation;
  }
}

// Always negative under a leaky rectifier: that varies.
TEST(Prune, AlwaysNegativeUnitsOfALeakyRectifierStay) {
  const Dataset data = make_classes(100, 12, 4);
  Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "leaky_relu:0.1"}));
  patient.values("layer.0.bias")[3] = -20.0f;
  EXPECT_FALSE(pruned(patient, data).changed());
}

// The sums of a census hide one example among many: what varies there is no constant.
TEST(Prune, OneExampleThatDiffersKeepsAUnit) {
  Dataset data = make_classes(4000, 3, 2);
  for (std::int64_t i = 0; i < data.size; ++i) data.values[3 * i] = i == 5 ? -0.005f : 0.0f;
  Patient patient = fresh(mlp({.inputs = 3, .hidden = {6}, .outputs = 2, .activation = "sigmoid"}));
  for (const std::size_t i : {0U, 1U, 2U})
    patient.values("layer.0.weight")[i] = i == 0 ? 1.0f : 0.0f;
  const Pruning same = pruned(patient, data);
  EXPECT_EQ(same.removed(), 0);
  EXPECT_THAT(same.obstacles,
              ElementsAre(Field(&PruneObstacle::why, HasSubstr("varies by more than rounding"))));
}

// A constant that is not 0 is not the same at the edges of an image with zeros around it.
TEST(Prune, ConstantChannelsStayWhereZerosStandAround) {
  const Dataset data = images();
  for (const std::int64_t pad : {0, 1}) {
    Patient patient = fresh(Graph({input({1, 8, 8}),
                                   conv("a", 0, 5),
                                   relu("a.f", 1),
                                   conv("b", 2, 4, pad),
                                   relu("b.f", 3),
                                   {"flat", "flatten", {4}, {}},
                                   linear("out", 5, 4)}));
    std::fill_n(patient.values("a.weight").begin() + 9, 9, 0.0f);
    patient.values("a.bias")[1] = 0.5f;
    const Pruning small = pruned(patient, data);
    EXPECT_EQ(small.constant, pad == 0 ? 1 : 0);
    EXPECT_EQ(shape_of(small, "b.weight"), (Shape{4, pad == 0 ? 4 : 5, 3, 3}));
    if (pad != 0) {
      EXPECT_THAT(small.obstacles,
                  ElementsAre(Field(&PruneObstacle::why, HasSubstr("zero padding"))));
    }
  }
}

// A convolution without bias gets one, through batch norm, pools and joins; slopes, constants,
// slices shrink.
TEST(Prune, ThroughPoolsJoinsSlicesAndNumbersOfUnits) {
  const Dataset data = images();
  Graph graph(
      {input({1, 8, 8}),
       conv("a", 0, 6),
       {"a.bn", "batch_norm", {1}, {}},
       relu("a.f", 2, "prelu:0.25,1"),
       {"scale", "constant", {}, {{"shape", Ints{6, 1, 1}}}},
       {"scaled", "mul", {3, 4}, {}},
       conv("b", 0, 4),
       relu("b.f", 6, "relu"),
       {"joined", "concat", {5, 7}, {{"axis", std::int64_t{0}}}},
       {"average", "average_pool", {8}, {{"kernel", Ints{2, 2}}, {"strides", Ints{2, 2}}}},
       {"part", "slice", {9}, {{"starts", Ints{2, 1}}, {"ends", Ints{9, 4}}, {"axes", Ints{0, 1}}}},
       {"some", "take", {9}, {{"axis", std::int64_t{0}}, {"indices", Ints{9, 1, 0, 7}}}},
       {"c",
        "conv",
        {10},
        {{"outputs", std::int64_t{3}}, {"kernel", Ints{1, 1}}, {"bias", std::int64_t{0}}}},
       {"d",
        "conv",
        {11},
        {{"outputs", std::int64_t{3}}, {"kernel", Ints{2, 1}}, {"bias", std::int64_t{0}}}},
       {"both", "add", {12, 13}, {}},
       {"turned", "transpose", {14}, {{"perm", Ints{1, 2, 0}}}},
       {"flat", "reshape", {15}, {{"shape", Ints{-1}}}},
       linear("out", 16, 4)});
  Patient patient = fresh(std::move(graph));
  for (float& value : patient.values("scale.value")) value = 1.5f;
  for (const std::size_t unit : {0U, 3U}) {  // constant
    patient.values("a.bn.weight")[unit] = 0.0f;
    patient.values("a.bn.bias")[unit] = 0.8f;
  }
  kill(patient, "b.bias", {1, 2});
  const Pruning small = pruned(patient, data);
  EXPECT_EQ(small.constant, 2);
  EXPECT_EQ(small.dead, 2);
  EXPECT_EQ(shape_of(small, "a.f.slope"), Shape{4});
  EXPECT_EQ(shape_of(small, "scale.value"), (Shape{4, 1, 1}));
  EXPECT_EQ(shape_of(small, "c.weight"), (Shape{3, 4, 1, 1}));
  EXPECT_EQ(shape_of(small, "c.bias"), Shape{3});
  EXPECT_EQ(shape_of(small, "d.weight"), (Shape{3, 2, 2, 1}));
}

TEST(Prune, DuplicatesAreMergedOnRequest) {
  const Dataset data = images();
  Patient patient =
      fresh(build_model("lenet", {1, 8, 8}, 4, {.activation = "tanh", .batch_norm = true}));
  const auto repeat = [&](const std::string& name, std::ptrdiff_t from, std::ptrdiff_t to) {
    std::vector<float>& values = patient.values(name);
    const std::ptrdiff_t row = std::ssize(values) / patient.tensor(name).shape[0];
    std::copy_n(values.begin() + from * row, row, values.begin() + to * row);
  };
  repeat("layer.0.weight", 1, 4);  // channels
  for (const char* name : {"layer.2.weight", "layer.2.bias"}) repeat(name, 5, 60);
  EXPECT_FALSE(pruned(patient, data).changed());
  const Pruning small =
      pruned(patient, data, {.merge_duplicates = true, .threads = 1, .measure_time = false});
  EXPECT_EQ(small.duplicate, 2);
  EXPECT_EQ(shape_of(small, "layer.0.weight")[0], 5);
  EXPECT_EQ(shape_of(small, "layer.1.weight")[1], 5);
  EXPECT_EQ(shape_of(small, "layer.2.weight")[0], 119);
}

// A branch whose layer is dead gives its last bias, whatever comes in: the sum reads that instead.
// With a bias of 0 there is no sum any more.
TEST(Prune, DeadBranchesAreCutAtTheirSums) {
  const Dataset data = make_classes(100, 12, 4);
  const Graph graph({input({12}),
                     linear("stem", 0, 8),
                     relu("stem.f", 1, "tanh"),
                     linear("in", 2, 6),
                     relu("in.f", 3),
                     linear("back", 4, 8),
                     {"sum", "add", {5, 2}, {}},
                     relu("sum.f", 6, "leaky_relu:0.1"),
                     linear("out", 7, 4)});
  for (const float bias : {0.25f, 0.0f}) {
    Patient patient = fresh(graph);
    std::ranges::fill(patient.values("in.bias"), -1000.0f);
    std::ranges::fill(patient.values("back.bias"), bias);
    const Pruning small = pruned(patient, data);
    EXPECT_EQ(small.branches, 1);
    EXPECT_EQ(small.dead, 6);
    EXPECT_THAT(small.obstacles, IsEmpty());
    EXPECT_EQ(small.after.parameters, 12 * 8 + 8 + 8 * 4 + 4);
    EXPECT_EQ(std::ranges::count(small.graph.nodes(), "add", &Node::op), bias == 0.0f ? 0 : 1);
    EXPECT_FALSE(prune(small.graph, small.weights, data, kQuick).changed()) << "twice is once";
  }
}

// Images: one number a channel, at all positions.
TEST(Prune, DeadBranchesOfAResnetAreCut) {
  const Dataset data = images(40);
  Patient patient = fresh(build_model("resnet:20", {1, 8, 8}, 4, {}));
  std::ranges::fill(patient.values("layer.1.bn.bias"),
                    -1000.0f);  // all of the first block's inner layer
  const Pruning small = pruned(patient, data);
  EXPECT_EQ(small.branches, 1);
  EXPECT_EQ(std::ranges::find(small.graph.nodes(), "layer.1", &Node::name),
            small.graph.nodes().end());
}

// Nothing of such a network depends on its inputs: a unit a layer stays, which weighs nothing.
TEST(Prune, DeadLayersLeaveOneUnitEach) {
  const Dataset data = make_classes(100, 12, 4);
  Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {20, 16, 8}, .outputs = 4, .activation = "relu"}));
  std::ranges::fill(patient.values("layer.1.bias"), -1000.0f);
  std::ranges::fill(patient.values("layer.3.bias"), 0.5f);
  const Pruning small = pruned(patient, data);
  EXPECT_EQ(shape_of(small, "layer.0.weight"), (Shape{1, 12}));
  EXPECT_EQ(shape_of(small, "layer.1.weight"), (Shape{1, 1}));
  EXPECT_EQ(shape_of(small, "layer.2.weight"), (Shape{1, 1}));
  EXPECT_THAT(small.obstacles.at(0).why, HasSubstr("keeps one unit"));
}

TEST(Prune, WhatMixesUnitsKeepsThem) {
  const Dataset data = make_classes(100, 12, 4);
  Patient patient = fresh(Graph({input({12}),
                                 linear("a", 0, 10),
                                 relu("a.f", 1),
                                 {"norm", "layer_norm", {2}, {}},
                                 linear("b", 3, 8),
                                 relu("b.f", 4),
                                 linear("out", 5, 4)}));
  kill(patient, "a.bias", {1, 2});
  kill(patient, "b.bias", {3});
  const Pruning small = pruned(patient, data);
  EXPECT_EQ(small.dead, 1);
  EXPECT_THAT(small.obstacles,
              ElementsAre(AllOf(Field(&PruneObstacle::why, HasSubstr("layer_norm")),
                                Field(&PruneObstacle::units, 2))));
}

// Outputs stay as they are, dead or not; so do units whose weights serve several nodes.
TEST(Prune, OutputsAndSharedWeightsStay) {
  const Dataset data = make_classes(100, 8, 4);
  Patient patient =
      fresh(Graph({input({8}),
                   linear("a", 0, 8),
                   relu("a.f", 1),
                   {"b", "linear", {2}, {{"outputs", std::int64_t{8}}}, {"a.weight", "a.bias"}},
                   relu("b.f", 3),
                   linear("c", 4, 6),
                   relu("c.f", 5)}));
  kill(patient, "a.bias", {1});
  kill(patient, "c.bias", {2});
  const Pruning same = pruned(patient, data);
  EXPECT_FALSE(same.changed());
  std::vector<std::string> reasons;
  for (const PruneObstacle& obstacle : same.obstacles) reasons.push_back(obstacle.why);
  EXPECT_THAT(reasons, testing::UnorderedElementsAre(HasSubstr("several nodes share"),
                                                     HasSubstr("an output of the network")));
}

// Two inputs, two outputs: names and shapes of both stay.
TEST(Prune, SeveralInputsAndOutputs) {
  const Dataset data = make_classes(100, 12, 4);
  const Graph graph({input({8}),
                     {"y", "input", {}, {{"shape", Ints{4}}}},
                     linear("a", 0, 8),
                     relu("a.f", 2),
                     {"join", "concat", {3, 1}, {{"axis", std::int64_t{0}}}},
                     linear("p", 4, 4),
                     linear("v", 3, 1)},
                    {5, 6});
  Patient patient{graph, fresh(packed(graph)).weights};
  kill(patient, "a.bias", {0, 7});
  const Pruning small = prune(patient.graph, patient.weights, data, kQuick);
  EXPECT_TRUE(small.sound());
  EXPECT_EQ(small.dead, 2);
  EXPECT_EQ(small.graph.outputs(), graph.outputs());
  EXPECT_EQ(small.graph.inputs().size(), 2U);
  EXPECT_EQ(shape_of(small, "p.weight"), (Shape{4, 10}));
  EXPECT_EQ(shape_of(small, "v.weight"), (Shape{1, 6}));
}

TEST(Prune, RefusesWhatDoesNotFit) {
  const Patient patient =
      fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "relu"}));
  EXPECT_THROW(prune(patient.graph, patient.weights, make_classes(10, 7, 4), kQuick), Error);
  Dataset none = make_classes(10, 12, 4);
  none.size = 0;
  EXPECT_THROW(prune(patient.graph, patient.weights, none, kQuick), Error);
  Patient spoiled = patient;
  spoiled.values("layer.1.bias")[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(prune(spoiled.graph, spoiled.weights, make_classes(10, 12, 4), kQuick), Error);
}

TEST(Prune, MeasuresTimes) {
  const Dataset data = make_classes(100, 12, 4);
  Patient patient = fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "relu"}));
  kill(patient, "layer.0.bias", {1});
  const Pruning small = prune(patient.graph, patient.weights, data, {.threads = 1});
  EXPECT_GT(small.before.seconds, 0.0);
  EXPECT_GT(small.after.seconds, 0.0);
  EXPECT_EQ(small.before.parameters - small.after.parameters, 12 + 1 + 4);
}

}  // namespace
}  // namespace undying::doctor
