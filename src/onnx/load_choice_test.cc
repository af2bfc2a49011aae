// What is chosen of a model: outputs, inputs, dimensions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/test_model.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A policy as robots have it: actions are drawn, which no operator here does.
TestModel policy() {
  TestModel model;
  model.input("obs", {0, 4}).input("state", {0, 2}).floats("w", {4, 3}).floats("v", {4, 1});
  model.node("MatMul", {"obs", "w"}, {"logits"}).node("Relu", {"logits"}, {"hidden"});
  model.node("Bernoulli", {"hidden"}, {"action"})
      .node("MatMul", {"obs", "v"}, {"value"})
      .node("Tanh", {"state"}, {"next"});
  return model.output("action").output("value").output("next");
}

std::vector<std::string> names_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.push_back(node.name);
  return names;
}

TEST(OnnxLoad, WhatTheChosenOutputsDoNotNeedIsNoObstacle) {
  const Model value = policy().load({.outputs = {"value"}});
  EXPECT_THAT(value.outputs, ElementsAre("value", "next"));
  EXPECT_THAT(value.chosen, ElementsAre(0));
  EXPECT_EQ(value.own, 2u);
  EXPECT_THAT(value.left_out, ElementsAre("action: action (Bernoulli) is not supported"));
  EXPECT_EQ(names_of(cut(value.graph, {value.graph.outputs()[0]})).size(), 2u);
}

TEST(OnnxLoad, AnyValueCanBeChosen) {
  const Model model = policy().load({.outputs = {"hidden", "value"}});
  EXPECT_THAT(model.outputs, ElementsAre("value", "next", "hidden"));
  EXPECT_THAT(model.chosen, ElementsAre(2, 0));
  EXPECT_EQ(model.own, 2u);
  EXPECT_THAT(policy().error({.outputs = {"hiden"}}),
              AllOf(HasSubstr("\"hiden\" is no value of the graph"), HasSubstr("mean hidden?")));
  EXPECT_THAT(policy().error({.outputs = {"obs"}}),
              HasSubstr("its outputs are action, value, next"));
}

// A batch of 4, which the export wrote into a shape and a constant that repeats itself.
TEST(OnnxLoad, ABatchThatWasBakedInIsFreed) {
  TestModel model;
  model.input("x", {4, 2, 3})
      .list("shape", {4, 6})
      .floats("c", {4, 6}, std::vector<float>(24, 0.5f));
  model.node("Reshape", {"x", "shape"}, {"flat"}).node("Add", {"flat", "c"}, {"y"}).output("y");
  const Model freed = model.load();
  EXPECT_EQ(freed.graph.output_shape(), (Shape{6}));
  EXPECT_THAT(freed.notes, testing::Contains(HasSubstr("fixed batches of 4 examples")));
}

// What mixes examples is refused, with the option that takes a batch as one.
TEST(OnnxLoad, ABatchThatIsMixedCanBeOneExample) {
  TestModel model;
  model.input("x", {4, 3}).floats("w", {2, 4}).node("MatMul", {"w", "x"}, {"y"}).output("y");
  EXPECT_THAT(model.error(), AllOf(HasSubstr("the examples of a batch"),
                                   HasSubstr("to take a batch as one example: --shape x=4,3")));
  EXPECT_EQ(model.load({.shapes = {{"x", {4, 3}}}}).graph.output_shape(), (Shape{2, 3}));
}

TEST(OnnxLoad, ARefusalNamesTheOutputsThatCanBeHad) {
  EXPECT_THAT(policy().error(), AllOf(HasSubstr("action (Bernoulli): is not supported"),
                                      HasSubstr("--output value, next")));
  TestModel only;
  only.input("x", {0, 4})
      .floats("w", {4, 3})
      .node("MatMul", {"x", "w"}, {"logits"})
      .node("Bernoulli", {"logits"}, {"y"})
      .output("y");
  EXPECT_THAT(only.error(), HasSubstr("what is computed before it: --output logits"));
  TestModel none;  // what has no weights is no network
  none.input("x", {0, 4}).node("Relu", {"x"}, {"h"}).node("Bernoulli", {"h"}, {"y"}).output("y");
  EXPECT_THAT(none.error(), AllOf(HasSubstr("Bernoulli"), Not(HasSubstr("--output"))));
}

// An image of any size, of which the file fixes the channels alone.
TestModel open_image() {
  TestModel model;
  model.input("x", {0, 3, 0, 0})
      .floats("w", {2, 3, 1, 1})
      .node("Conv", {"x", "w"}, {"y"})
      .output("y");
  return model;
}

TEST(OnnxLoad, OpenDimensionsAreFixedByTheirInput) {
  EXPECT_THAT(open_image().error(), AllOf(HasSubstr("input x: leaves dimension 2 open"),
                                          HasSubstr("which is all it takes: such as --shape "
                                                    "x=3,224,224")));
  EXPECT_EQ(open_image().load({.shapes = {{"x", {3, 6, 5}}}}).graph.output_shape(),
            (Shape{2, 6, 5}));
  EXPECT_THAT(open_image().error({.shapes = {{"x", {4, 6, 5}}}}),
              AllOf(HasSubstr("--shape"), HasSubstr("the model fixes it at 3")));
  EXPECT_THAT(open_image().error({.shapes = {{"x", {3, 6}}}}),
              AllOf(HasSubstr("2 extents"), HasSubstr("expected 3 extents, or 4")));
  EXPECT_THAT(open_image().error({.shapes = {{"z", {3, 6, 5}}}}),
              HasSubstr("no input of the model; they are x"));
}

}  // namespace
}  // namespace undying::onnx
