// What is taken out of networks with dead, constant and equal units: outputs stay what they were but for rounding, shapes shrink, and
// what cannot go stays with a reason. Outputs are compared by a trainer of each network.

#include "undying/prune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"
#include "doctor/network.h"
#include "doctor/prune/unit_facts.h"
#include "doctor/test_networks.h"
#include "engine/runner.h"
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
using Ints = std::vector<std::int64_t>;

constexpr PruneSettings kQuick{.threads = 1, .measure_time = false};

Dataset images(std::int64_t count = 60) {
  Dataset data = make_classes(count, 64, 4);
  data.shape = {1, 8, 8};
  return data;
}

void kill(Patient& patient, const std::string& bias, const std::vector<std::size_t>& units) {
  for (const std::size_t unit : units) patient.values(bias)[unit] = -1000.0f;
}

Node relu(const std::string& name, int src, const char* activation = "relu") {
  return {name, "activation", {src}, {{"activation", Activation(activation)}, {"layer", name}}};
}
Node input(const Shape& shape) { return {"x", "input", {}, {{"shape", shape}}}; }
Node linear(const std::string& name, int src, std::int64_t outputs) { return {name, "linear", {src}, {{"outputs", outputs}}}; }
Node conv(const std::string& name, int src, std::int64_t outputs, std::int64_t pad = 1, std::int64_t groups = 1, std::int64_t kernel = 3) {
  return {name,
          "conv",
          {src},
          {{"outputs", outputs}, {"kernel", Ints{kernel, kernel}}, {"pads", Ints{pad, pad, pad, pad}}, {"groups", groups}}};
}

std::vector<float> outputs(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data) {
  Dataset alone = data;  // without targets, which need not fit
  alone.labels.clear();
  alone.classes = 0;
  alone.outputs = 1;
  for (const Shape& shape = graph.output_shape(); const std::int64_t extent : shape) alone.outputs *= extent;
  alone.targets.assign(static_cast<std::size_t>(alone.outputs * alone.size), 0.0f);
  Trainer trainer(graph, {.loss = Loss::kMeanSquaredError, .threads = 1});
  trainer.load(weights);
  return trainer.predict(alone);
}

// The largest difference relative to the largest output.
double difference(const Patient& patient, const Pruning& pruned, const Dataset& data) {
  const std::vector<float> before = outputs(patient.graph, patient.weights, data);
  const std::vector<float> after = outputs(pruned.graph, pruned.weights, data);
  double largest = 0.0, scale = 0.0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    largest = std::fmax(largest, std::fabs(static_cast<double>(before[i]) - after[i]));
    scale = std::fmax(scale, std::fabs(static_cast<double>(before[i])));
  }
  return largest / scale;
}

Shape shape_of(const Pruning& pruned, const std::string& tensor) { return std::ranges::find(pruned.weights, tensor, &Tensor::name)->shape; }

// Prunes, and checks what holds of every network.
Pruning pruned(const Patient& patient, const Dataset& data, PruneSettings settings = kQuick) {
  Pruning all = prune(patient.graph, patient.weights, data, settings);
  EXPECT_TRUE(all.sound()) << all.output_difference << " of " << all.output_scale;
  EXPECT_LE(difference(patient, all, data), 1e-5);
  EXPECT_EQ(all.graph.output_shape(), patient.graph.output_shape());
  EXPECT_EQ(all.graph.input_shape(), patient.graph.input_shape());
  if (all.branches == 0) {
    EXPECT_EQ(all.graph.nodes().size(), patient.graph.nodes().size());
  }
  EXPECT_LE(all.after.multiply_adds, all.before.multiply_adds);
  return all;
}

// A network that training killed: what the doctor calls dead is gone.
TEST(Prune, KilledMlp) {
  const Dataset data = make_classes(500, 12, 4);
  const Patient patient = killed(data);
  const Diagnosis diagnosis = diagnose(patient.graph, patient.weights, data, {.rank_sample = 0, .threads = 1});
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
    const Patient patient = fresh(build_model(model, {1, 8, 8}, 4, {.activation = "leaky_relu:0.1"}));
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
  EXPECT_EQ(shape_of(small, "layer.2.weight")[1], 14 * 4) << "a channel is four elements of what is flattened";
}

// In a branch a channel goes by itself; in the residual stream where every sum that it is part of is dead.
TEST(Prune, ResnetWithDeadChannelsInABranchAndInTheStream) {
  const Dataset data = images(40);
  Patient patient = fresh(build_model("resnet:20", {1, 8, 8}, 4, {}));
  kill(patient, "layer.1.bn.bias", {0, 5, 6});  // inside block 0
  for (const char* bias : {"layer.0.bn.bias", "layer.2.bn.bias", "layer.4.bn.bias", "layer.6.bn.bias"}) kill(patient, bias, {3});
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
  EXPECT_EQ(shape_of(small, "layer.2.weight"), (Shape{29, 16, 1, 1})) << "channel 4 is read by nothing else";
  EXPECT_EQ(shape_of(small, "layer.3.weight"), (Shape{29, 1, 3, 3}));
  EXPECT_EQ(shape_of(small, "layer.4.weight")[1], 29);
}

TEST(Prune, ConstantUnitsBecomeBiases) {
  const Dataset data = make_classes(100, 12, 4);
  for (const char* activation : {"sigmoid", "tanh", "relu", "prelu"}) {
    Patient patient = fresh(mlp({.inputs = 12, .hidden = {10, 8}, .outputs = 4, .activation = activation}));
    for (const std::size_t unit : {2U, 7U}) {
      std::fill_n(patient.values("layer.0.weight").begin() + static_cast<std::ptrdiff_t>(unit) * 12, 12, 0.0f);
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
  Patient patient = fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "leaky_relu:0.1"}));
  patient.values("layer.0.bias")[3] = -20.0f;
  EXPECT_FALSE(pruned(patient, data).changed());
}

// The sums of a census hide one example among many: what varies there is no constant.
TEST(Prune, OneExampleThatDiffersKeepsAUnit) {
  Dataset data = make_classes(4000, 3, 2);
  for (std::int64_t i = 0; i < data.size; ++i) data.values[static_cast<std::size_t>(3 * i)] = i == 5 ? -0.005f : 0.0f;
  Patient patient = fresh(mlp({.inputs = 3, .hidden = {6}, .outputs = 2, .activation = "sigmoid"}));
  for (const std::size_t i : {0U, 1U, 2U}) patient.values("layer.0.weight")[i] = i == 0 ? 1.0f : 0.0f;
  const Pruning same = pruned(patient, data);
  EXPECT_EQ(same.removed(), 0);
  EXPECT_THAT(same.obstacles, ElementsAre(Field(&PruneObstacle::why, HasSubstr("varies by more than rounding"))));
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
      EXPECT_THAT(small.obstacles, ElementsAre(Field(&PruneObstacle::why, HasSubstr("zero padding"))));
    }
  }
}

// A convolution without bias gets one, through batch norm, pools and joins; slopes, constants, slices shrink.
TEST(Prune, ThroughPoolsJoinsSlicesAndNumbersOfUnits) {
  const Dataset data = images();
  Graph graph({input({1, 8, 8}),
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
               {"c", "conv", {10}, {{"outputs", std::int64_t{3}}, {"kernel", Ints{1, 1}}, {"bias", std::int64_t{0}}}},
               {"d", "conv", {11}, {{"outputs", std::int64_t{3}}, {"kernel", Ints{2, 1}}, {"bias", std::int64_t{0}}}},
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
  Patient patient = fresh(build_model("lenet", {1, 8, 8}, 4, {.activation = "tanh", .batch_norm = true}));
  const auto repeat = [&](const std::string& name, std::ptrdiff_t from, std::ptrdiff_t to) {
    std::vector<float>& values = patient.values(name);
    const std::ptrdiff_t row = std::ssize(values) / patient.tensor(name).shape[0];
    std::copy_n(values.begin() + from * row, row, values.begin() + to * row);
  };
  repeat("layer.0.weight", 1, 4);  // channels
  for (const char* name : {"layer.2.weight", "layer.2.bias"}) repeat(name, 5, 60);
  EXPECT_FALSE(pruned(patient, data).changed());
  const Pruning small = pruned(patient, data, {.merge_duplicates = true, .threads = 1, .measure_time = false});
  EXPECT_EQ(small.duplicate, 2);
  EXPECT_EQ(shape_of(small, "layer.0.weight")[0], 5);
  EXPECT_EQ(shape_of(small, "layer.1.weight")[1], 5);
  EXPECT_EQ(shape_of(small, "layer.2.weight")[0], 119);
}

// A branch whose layer is dead gives its last bias, whatever comes in: the sum reads that instead. With a bias of 0 there is no sum any
// more.
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
  std::ranges::fill(patient.values("layer.1.bn.bias"), -1000.0f);  // all of the first block's inner layer
  const Pruning small = pruned(patient, data);
  EXPECT_EQ(small.branches, 1);
  EXPECT_EQ(std::ranges::find(small.graph.nodes(), "layer.1", &Node::name), small.graph.nodes().end());
}

// Nothing of such a network depends on its inputs: a unit a layer stays, which weighs nothing.
TEST(Prune, DeadLayersLeaveOneUnitEach) {
  const Dataset data = make_classes(100, 12, 4);
  Patient patient = fresh(mlp({.inputs = 12, .hidden = {20, 16, 8}, .outputs = 4, .activation = "relu"}));
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
  EXPECT_THAT(small.obstacles, ElementsAre(AllOf(Field(&PruneObstacle::why, HasSubstr("layer_norm")), Field(&PruneObstacle::units, 2))));
}

// Outputs stay as they are, dead or not; so do units whose weights serve several nodes.
TEST(Prune, OutputsAndSharedWeightsStay) {
  const Dataset data = make_classes(100, 8, 4);
  Patient patient = fresh(Graph({input({8}),
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
  EXPECT_THAT(reasons, testing::UnorderedElementsAre(HasSubstr("several nodes share"), HasSubstr("an output of the network")));
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
  const Patient patient = fresh(mlp({.inputs = 12, .hidden = {10}, .outputs = 4, .activation = "relu"}));
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

// ---- Random graphs with random units killed, made constant or equal.

class Draw {
 public:
  explicit Draw(std::uint32_t sequence) : random_(5, Stream::kTest, sequence) {}

  int below(int count) { return static_cast<int>(random_.uniform(next_++) * static_cast<float>(count)); }
  bool one_in(int count) { return below(count) == 0; }

 private:
  Random random_;
  std::uint64_t next_ = 0;
};

class Grown {
 public:
  explicit Grown(std::uint32_t sequence) : draw_(sequence) {
    add({"", "input", {}, {{"shape", Ints{1, 8, 8}}}}, 1);
    add(conv("", 0, 6), 6);
    for (int i = 0; i < 9; ++i) step();
    const int flat = add({"", "flatten", {static_cast<int>(draw_.one_in(2) ? pooled() : last())}, {}}, 0);
    int at = add(linear("", flat, 9), 0);
    at = activate(at, 0);
    add(linear("", at, 4), 0);
  }

  Patient patient() {
    Patient patient = fresh(Graph(nodes_), 3);
    for (Tensor& tensor : patient.weights) spoil(tensor, patient);
    return patient;
  }

 private:
  int last() const { return static_cast<int>(nodes_.size()) - 1; }

  int add(Node node, int channels) {
    node.name = "n" + std::to_string(nodes_.size());
    if (node.op == "activation") node.attributes.set("layer", node.name);
    nodes_.push_back(std::move(node));
    channels_.push_back(channels);
    return last();
  }

  int activate(int at, int channels) {
    const char* kind[] = {"relu", "relu", "tanh", "leaky_relu:0.1", "prelu:0.25,1", "sigmoid", "relu6"};
    return add(relu("", at, kind[draw_.below(7)]), channels);
  }

  // Another value with as many channels as the last.
  int partner() {
    for (int tries = 0; tries < 10; ++tries)
      if (const int at = draw_.below(last()); channels_[static_cast<std::size_t>(at)] == channels_.back() && at > 0) return at;
    return -1;
  }

  int pooled() { return add({"", "max_pool", {last()}, {{"kernel", Ints{2, 2}}, {"strides", Ints{2, 2}}}}, channels_.back()); }

  void step() {
    const int at = last();
    const int channels = channels_.back();
    switch (draw_.below(8)) {
      case 0:
      case 1: {
        const int outputs = 4 + 2 * draw_.below(3);
        add(conv("", at, outputs, 1), outputs);
        if (draw_.one_in(2)) add({"", "batch_norm", {last()}, {}}, outputs);
        activate(last(), outputs);
        return;
      }
      case 2:
        if (const int other = partner(); other >= 0) activate(add({"", "add", {at, other}, {}}, channels), channels);
        return;
      case 3: {
        const int other = draw_.below(at) + 1;
        if (channels_[static_cast<std::size_t>(other)] + channels < 24)
          add({"", "concat", {at, other}, {{"axis", std::int64_t{0}}}}, channels + channels_[static_cast<std::size_t>(other)]);
        return;
      }
      case 4:
        activate(add(conv("", at, channels, 1, channels), channels), channels);
        return;
      case 5: {
        const std::int64_t start = draw_.below(channels - 1);
        add({"", "slice", {at}, {{"starts", Ints{start}}, {"ends", Ints{channels}}, {"axes", Ints{0}}}},
            channels - static_cast<int>(start));
        return;
      }
      case 6:
        if (const int other = partner(); other >= 0) add({"", "mul", {at, other}, {}}, channels);
        return;
      default: {
        const int outputs = 4 + draw_.below(4);
        add({"", "conv", {at}, {{"outputs", std::int64_t{outputs}}, {"kernel", Ints{1, 1}}, {"bias", std::int64_t{0}}}}, outputs);
      }
    }
  }

  // Some units dead, some constant, some equal to their neighbours.
  void spoil(Tensor& tensor, Patient& patient) {
    if (!tensor.name.ends_with(".bias")) return;
    Tensor& weight = patient.tensor(tensor.name.substr(0, tensor.name.size() - 4) + "weight");
    const std::ptrdiff_t row = std::ssize(weight.values) / std::ssize(tensor.values);
    for (std::ptrdiff_t unit = 0; unit < std::ssize(tensor.values); ++unit) {
      const auto own = weight.values.begin() + unit * row;
      float& bias = tensor.values[static_cast<std::size_t>(unit)];
      if (draw_.one_in(3)) {
        bias = -30.0f;
      } else if (draw_.one_in(4)) {
        std::fill_n(own, row, 0.0f);
        bias = 0.5f;
      } else if (unit > 0 && draw_.one_in(4)) {
        std::copy_n(own - row, row, own);
        bias = tensor.values[static_cast<std::size_t>(unit - 1)];
      }
    }
  }

  Draw draw_;
  std::vector<Node> nodes_;
  std::vector<int> channels_;
};

// Compares facts with the values of all nodes, which are the outputs of a graph.
class FactChecker final : public engine::Observer {
 public:
  FactChecker(const Graph& graph, const UnitFlow& flow, const UnitFacts& facts, const std::vector<int>& nodes)
      : graph_(graph), flow_(flow), facts_(facts), nodes_(nodes) {}

  void finish(const engine::Chunk& chunk) override {
    for (std::size_t i = 0; i < nodes_.size(); ++i) check(nodes_[i], chunk.rows, chunk.shard.outputs[i]);
  }

 private:
  void check(int node, std::int64_t rows, const float* values) const {
    const Shape& shape = graph_.shapes()[static_cast<std::size_t>(node)];
    const UnitFlow::Units units = flow_.units(node);
    const std::int64_t inner = ops::extent_product(shape, static_cast<std::size_t>(units.axis) + 1, shape.size());
    for (std::int64_t e = 0; e < rows * ops::element_count(shape); ++e) {
      const auto unit = static_cast<int>(e / inner % units.count);
      const int same = facts_.same[static_cast<std::size_t>(units.first + unit)] - units.first;
      const double value = facts_.value[static_cast<std::size_t>(units.first + unit)];
      const double tolerance = 1e-5 * std::fmax(1.0, std::fabs(values[e]));
      ASSERT_NEAR(values[e], values[e + (same - unit) * inner], tolerance) << graph_.nodes()[static_cast<std::size_t>(node)].op;
      if (!std::isnan(value)) {
        ASSERT_NEAR(values[e], value, tolerance) << graph_.nodes()[static_cast<std::size_t>(node)].op;
      }
    }
  }

  const Graph& graph_;
  const UnitFlow& flow_;
  const UnitFacts& facts_;
  const std::vector<int>& nodes_;
};

// What follows from what was measured, against all values of the network: constants, and equal units.
void expect_facts_hold(const Patient& patient, const Dataset& data) {
  const engine::Model model = make_model(patient.graph, patient.weights);
  const UnitFlow flow(model);
  const UnitFacts facts = facts_of(flow, std::vector<double>(static_cast<std::size_t>(flow.entries()), std::nan("")), true);
  std::vector<int> nodes;
  for (int at = 1; at < static_cast<int>(patient.graph.nodes().size()); ++at) nodes.push_back(at);
  engine::Model watched = make_model(Graph(patient.graph.nodes(), nodes), patient.weights);
  const std::vector<std::uint32_t> sample = evenly_spaced(data.size, 8);
  const train::DatasetSource source(data, sample);
  FactChecker checker(patient.graph, flow, facts, nodes);
  engine::Observer* const observers[] = {&checker};
  engine::Runner(watched, {}).run({.source = source, .rows = 8, .observers = observers});
}

TEST(Prune, RandomNetworksKeepTheirOutputs) {
  const Dataset data = images(24);
  std::int64_t removed = 0, smaller = 0, merged = 0;
  for (std::uint32_t sequence = 0; sequence < 80; ++sequence) {
    SCOPED_TRACE(sequence);
    const Patient patient = Grown(sequence).patient();
    expect_facts_hold(patient, data);
    for (const bool merge : {false, true}) {
      const Pruning small = pruned(patient, data, {.merge_duplicates = merge, .threads = 1, .measure_time = false});
      removed += small.removed();
      smaller += small.changed();
      merged += small.duplicate;
    }
  }
  EXPECT_GT(smaller, 130);
  EXPECT_GT(removed, 1000);
  EXPECT_GT(merged, 20);
}

}  // namespace
}  // namespace undying::doctor
