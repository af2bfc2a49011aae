// Whole graphs against their definition: the references of the operators, composed in double, and
// finite differences of the loss.

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/plan.h"
#include "engine/test_whole_graph.h"

namespace undying::engine {
namespace {

const Activation kLeaky = "leaky_relu:0.2";

TEST(WholeGraph, ResidualBlock) {
  expect_defined(
      Graph({input("x", {5}), linear("a", 0, 6), activation("fa", 1, kLeaky), linear("b", 2, 6),
             node("bn", "batch_norm", {3}), node("sum", "add", {4, 2}), activation("f", 5, kLeaky),
             linear("out", 6, 3)}));
}

TEST(WholeGraph, ResidualBlockWithProjection) {
  expect_defined(
      Graph({input("x", {2, 6, 6}), conv("a", 0, 3, 3, 2), node("a.bn", "batch_norm", {1}),
             activation("fa", 2, kLeaky), conv("b", 3, 3, 3), node("b.bn", "batch_norm", {4}),
             conv("shortcut", 0, 3, 1, 2), node("shortcut.bn", "batch_norm", {6}),
             node("sum", "add", {5, 7}), activation("f", 8, "relu"),
             node("pool", "global_average_pool", {9}), node("flat", "flatten", {10}),
             linear("out", 11, 2)}));
}

// The shortcut without weights: every second position, and zeros for the channels that are new.
TEST(WholeGraph, ResidualBlockWithPaddedShortcut) {
  const Attributes every_second{
      {"starts", Ints{0, 0}}, {"ends", Ints{99, 99}}, {"axes", Ints{1, 2}}, {"steps", Ints{2, 2}}};
  expect_defined(Graph({input("x", {2, 4, 4}), conv("first", 0, 2), activation("fa", 1, kLeaky),
                        conv("a", 2, 4, 3, 2), node("cut", "slice", {2}, every_second),
                        node("wide", "pad", {4}, {{"pads", Ints{1, 0, 0, 1, 0, 0}}}),
                        node("sum", "add", {3, 5}), activation("f", 6, kLeaky),
                        node("flat", "flatten", {7}), linear("out", 8, 2)}));
}

TEST(WholeGraph, TwoBranchesSideBySide) {
  expect_defined(Graph({input("x", {2, 4, 4}), conv("a", 0, 3), activation("fa", 1, kLeaky),
                        conv("b", 0, 2, 3), activation("fb", 3, "gelu"),
                        node("both", "concat", {2, 4}, {{"axis", whole(0)}}), conv("c", 5, 2),
                        node("flat", "flatten", {6}), linear("out", 7, 2)}));
}

TEST(WholeGraph, AValueUsedThreeTimes) {
  expect_defined(
      Graph({input("x", {5}), linear("a", 0, 4), activation("f", 1, kLeaky), linear("b", 2, 4),
             node("s", "add", {3, 2}), node("m", "mul", {4, 2}), linear("out", 5, 3)}));
}

TEST(WholeGraph, AValueAddedToItself) {
  expect_defined(
      Graph({input("x", {5}), linear("a", 0, 4), node("twice", "add", {1, 1}),
             node("square", "mul", {2, 2}), node("none", "sub", {3, 2}), activation("f", 4, kLeaky),
             node("more", "add", {5, 5}), linear("out", 6, 3)}));
}

// Sums of sums hand one gradient on to many, while some of those change it in place.
TEST(WholeGraph, SumsOfSums) {
  expect_defined(Graph(
      {input("x", {4}), linear("a", 0, 4), activation("fa", 1, kLeaky), linear("b", 2, 4),
       node("s1", "add", {2, 3}), activation("f1", 4, kLeaky), node("s2", "add", {5, 2}),
       node("s3", "add", {6, 5}), activation("f3", 7, kLeaky), node("s4", "add", {8, 6}),
       node("d", "dropout", {9}, {{"p", 0.3}}), node("s5", "add", {10, 9}), linear("out", 11, 3)}));
}

TEST(WholeGraph, TiedWeights) {
  Node first = linear("a", 0, 4);
  Node second = linear("b", 2, 4);
  first.parameters = second.parameters = {"shared.weight", "shared.bias"};
  const Graph graph(
      {input("x", {4}), first, activation("f", 1, kLeaky), second, linear("out", 3, 2)});
  EXPECT_EQ(Model(graph).parameters().size(), 4u);
  expect_defined(graph);
}

// The channels that a batch norm sees behind a linear layer over rows are the rows.
TEST(WholeGraph, BatchNormBehindRows) {
  expect_defined(
      Graph({input("x", {4, 5}), linear("a", 0, 7), node("bn", "batch_norm", {1}),
             activation("f", 2, "relu"), node("flat", "flatten", {3}), linear("out", 4, 3)}));
}

TEST(WholeGraph, TwoInputs) {
  expect_defined(
      Graph({input("x", {4}), input("y", {3}), linear("a", 0, 5), linear("b", 1, 5),
             node("sum", "add", {2, 3}), activation("f", 4, kLeaky),
             node("both", "concat", {5, 1}, {{"axis", whole(0)}}), linear("out", 6, 2)}));
}

TEST(WholeGraph, TwoOutputs) {
  const std::vector<Node> nodes = {
      input("x", {4}),     linear("a", 0, 5),     activation("f", 1, kLeaky),
      linear("out", 2, 2), linear("other", 2, 3), activation("g", 4, kLeaky)};
  expect_defined(Graph(nodes, {3, 5}));
  expect_defined(Graph(nodes, {5, 3}));
  expect_defined(Graph(nodes, {3, 2, 1}));  // values that others would have worked on in place
}

TEST(WholeGraph, ViewsBetweenActivationsInPlace) {
  expect_defined(
      Graph({input("x", {4}), linear("a", 0, 12), activation("f1", 1, kLeaky),
             node("r1", "reshape", {2}, {{"shape", Ints{3, 4}}}), activation("f2", 3, "elu"),
             node("r2", "unsqueeze", {4}, {{"axes", Ints{0}}}), activation("f3", 5, kLeaky),
             node("r3", "reshape", {6}, {{"shape", Ints{12}}}), node("sum", "add", {7, 2}),
             activation("f4", 8, kLeaky), linear("out", 9, 2)}));
}

TEST(WholeGraph, Constants) {
  expect_defined(Graph(
      {input("x", {2, 3, 3}), conv("a", 0, 3),
       node("scale", "constant", {}, {{"shape", Ints{3, 1, 1}}}), node("scaled", "mul", {1, 2}),
       node("table", "constant", {}, {{"shape", Ints{3}}}), node("sum", "add", {3, 4}),
       activation("f", 5, kLeaky), node("flat", "flatten", {6}), linear("out", 7, 2)}));
}

// Attention over five places: softmax(q k^T) v.
TEST(WholeGraph, Attention) {
  expect_defined(Graph(
      {input("x", {5, 4}), node("norm", "layer_norm", {0}), linear("q", 1, 3), linear("k", 1, 3),
       linear("v", 1, 3), node("turned", "transpose", {3}, {{"perm", Ints{1, 0}}}),
       node("scores", "matmul", {2, 5}), node("shares", "softmax", {6}),
       node("mixed", "matmul", {7, 4}), linear("o", 8, 4), node("sum", "add", {9, 0}),
       node("mean", "reduce_mean", {10}, {{"axes", Ints{0}}, {"keepdims", whole(0)}}),
       linear("out", 11, 2)}));
}

}  // namespace
}  // namespace undying::engine
