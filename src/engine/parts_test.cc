#include <gtest/gtest.h>

#include "engine/engine.h"
#include "undying/graph.h"

namespace undying {
namespace {

using Ints = std::vector<std::int64_t>;

Node activation(const std::string& name, const std::string& which, int input) {
  return {name,
          "activation",
          {input},
          {{"activation", Activation(which)}, {"layer", name}, {"sequence", std::int64_t{0}}}};
}

Node linear(const std::string& name, int input, std::int64_t outputs) {
  return {name, "linear", {input}, {{"outputs", outputs}}};
}

// Two inputs meet in a trunk that two heads read; one passes a gate, the other ends in a ReLU.
Graph two_heads() {
  return Graph({{"x", "input", {}, {{"shape", Ints{2, 2}}}},
                {"y", "input", {}, {{"shape", Ints{3}}}},
                {"flat", "flatten", {0}, {}},
                linear("a", 2, 4),
                linear("b", 1, 4),
                {"sum", "add", {3, 4}, {}},
                activation("trunk", "gelu", 5),
                linear("gate", 6, 4),
                activation("sigmoid", "sigmoid", 7),
                linear("policy", 8, 2),
                linear("value", 6, 1),
                activation("positive", "relu", 10)},
               {9, 11});
}

std::vector<std::string> names(const Graph& graph) {
  std::vector<std::string> all;
  for (const Node& node : graph.nodes()) all.push_back(node.name);
  return all;
}

// The outputs for one example, weights as they are first drawn: all 0.1.
std::vector<std::vector<float>> outputs_of(const Graph& graph,
                                           const std::vector<std::vector<float>>& inputs) {
  engine::Model model(graph);
  for (const engine::Parameter& parameter : model.parameters())
    for (std::int64_t i = 0; i < parameter.size; ++i)
      model.values(parameter)[i] = 0.1f * static_cast<float>(i % 5 - 1);
  engine::Plan plan(model, {.compile = {.capacity = 1, .training = false}, .counters = false});
  plan.allocate();
  plan.reserve(1);
  engine::Shard& shard = plan.shards()[0];
  plan.begin(shard, 0, 1, 1, 0);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    std::copy(inputs[i].begin(), inputs[i].end(), shard.inputs[i]);
  for (int step = 0; step < static_cast<int>(plan.steps().size()); ++step)
    plan.forward(shard, {.step = step});
  std::vector<std::vector<float>> outputs;
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    std::int64_t size = 1;
    for (const std::int64_t extent : graph.shapes()[graph.outputs()[i]]) size *= extent;
    outputs.emplace_back(shard.outputs[i], shard.outputs[i] + size);
  }
  return outputs;
}

TEST(Parts, HiddenActivationsAreNoGatesAndNoOutputs) {
  const Graph graph = two_heads();
  EXPECT_EQ(hidden_activations(graph), std::vector<int>{6});
  const Graph other = with_activation(graph, "prelu");
  EXPECT_EQ(other.nodes()[6].attributes.get<Activation>("activation"), Activation("prelu"));
  EXPECT_EQ(other.nodes()[6].parameters, std::vector<std::string>{"trunk.slope"});
  EXPECT_EQ(other.nodes()[8].attributes.get<Activation>("activation"), Activation("sigmoid"));
  const Graph back = with_activation(other, "relu");
  EXPECT_TRUE(back.nodes()[6].parameters.empty());
}

TEST(Parts, ACutKeepsWhatTheOutputsNeed) {
  EXPECT_EQ(
      names(cut(two_heads(), {11})),
      (std::vector<std::string>{"x", "y", "flat", "a", "b", "sum", "trunk", "value", "positive"}));
  EXPECT_EQ(names(cut(two_heads(), {3})), (std::vector<std::string>{"x", "flat", "a"}));
  EXPECT_EQ(cut(two_heads(), {11, 9}).outputs().size(), 2u);
}

TEST(Parts, APackedNetworkGivesTheSameSideBySide) {
  const Graph graph = two_heads();
  const Graph one = packed(graph);
  ASSERT_EQ(one.inputs().size(), 1u);
  EXPECT_EQ(one.input_shape(), Shape{7});
  EXPECT_EQ(one.output_shape(), Shape{3});
  const auto apart = outputs_of(graph, {{1, -2, 3, 0.5}, {4, 5, -6}});
  const auto together = outputs_of(one, {{1, -2, 3, 0.5, 4, 5, -6}});
  EXPECT_EQ(together[0], (std::vector<float>{apart[0][0], apart[0][1], apart[1][0]}));
}

TEST(Parts, WhatHasOneOfEachIsPackedAlready) {
  const Graph graph = mlp({.inputs = 3, .hidden = {4}, .outputs = 2});
  EXPECT_EQ(names(packed(graph)), names(graph));
  EXPECT_EQ(names(packed(cut(two_heads(), {3}))), (std::vector<std::string>{"x", "flat", "a"}));
}

TEST(Parts, ActivationsOfAPartGoBackToTheWhole) {
  const Graph whole = two_heads();
  const Graph back = with_activations_of(whole, with_activation(cut(whole, {9}), "prelu"));
  EXPECT_EQ(names(back), names(whole));
  EXPECT_EQ(back.nodes()[6].attributes.get<Activation>("activation"), Activation("prelu"));
  EXPECT_EQ(back.nodes()[6].parameters, std::vector<std::string>{"trunk.slope"});
  EXPECT_EQ(back.nodes()[11].attributes.get<Activation>("activation"), Activation("relu"));
}

}  // namespace
}  // namespace undying
