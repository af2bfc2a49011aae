#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/normalise/test_composite.h"
#include "onnx/run.h"
#include "onnx/test_model.h"

namespace undying::onnx {
namespace {

using testing::HasSubstr;
using List = std::vector<std::int64_t>;

std::string activation(const std::string& specification) {
  return "activation(0) activation=" + specification + " layer=-\n";
}

TEST(OnnxRecognise, GeluAsPyTorchWritesIt) {
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Div", {"x", "root2"}, {"a"})
                  .node("Erf", {"a"}, {"b"})
                  .node("Add", {"b", "one"}, {"c"});
              m.node("Mul", {"x", "c"}, {"d"}).node("Mul", {"d", "half"}, {"y"});
            }),
            activation("gelu"));
}

TEST(OnnxRecognise, GeluInAnotherOrder) {
  EXPECT_EQ(composite([](TestModel& m) {
              m.floats("scale", {1}, {0.70710678f});
              m.node("Mul", {"scale", "x"}, {"a"})
                  .node("Erf", {"a"}, {"b"})
                  .node("Add", {"one", "b"}, {"c"});
              m.node("Mul", {"half", "c"}, {"d"}).node("Mul", {"d", "x"}, {"y"});
            }),
            activation("gelu"));
}

TEST(OnnxRecognise, GeluWithTanh) {
  EXPECT_EQ(composite([](TestModel& m) {
              m.floats("beta", {}, {0.7978846f}).floats("kappa", {}, {0.044715f});
              m.node("Mul", {"x", "x"}, {"xx"})
                  .node("Mul", {"x", "xx"}, {"xxx"})
                  .node("Mul", {"kappa", "xxx"}, {"a"});
              m.node("Add", {"x", "a"}, {"b"})
                  .node("Mul", {"beta", "b"}, {"c"})
                  .node("Tanh", {"c"}, {"d"})
                  .node("Add", {"d", "one"}, {"e"});
              m.node("Mul", {"x", "e"}, {"f"}).node("Mul", {"half", "f"}, {"y"});
            }),
            activation("gelu_tanh"));
  EXPECT_EQ(composite([](TestModel& m) {
              m.floats("beta", {}, {0.7978846f}).floats("kappa", {}, {0.044715f});
              m.node("Pow", {"x", "three"}, {"xxx"})
                  .node("Mul", {"kappa", "xxx"}, {"a"})
                  .node("Add", {"x", "a"}, {"b"});
              m.node("Mul", {"beta", "b"}, {"c"})
                  .node("Tanh", {"c"}, {"d"})
                  .node("Add", {"d", "one"}, {"e"});
              m.node("Mul", {"half", "x"}, {"f"}).node("Mul", {"f", "e"}, {"y"});
            }),
            activation("gelu_tanh"));
}

TEST(OnnxRecognise, GatesOfX) {
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Sigmoid", {"x"}, {"a"}).node("Mul", {"x", "a"}, {"y"});
            }),
            activation("silu"));
  EXPECT_EQ(
      composite([](TestModel& m) {
        m.node("Softplus", {"x"}, {"a"}).node("Tanh", {"a"}, {"b"}).node("Mul", {"x", "b"}, {"y"});
      }),
      activation("mish"));
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("HardSigmoid", {"x"}, {"a"}, {{"alpha", 1.0f / 6.0f}, {"beta", 0.5f}})
                  .node("Mul", {"x", "a"}, {"y"});
            }),
            activation("hardswish"));
}

TEST(OnnxRecognise, HardswishByClip) {
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Add", {"x", "three"}, {"a"})
                  .node("Clip", {"a", "zero", "six"}, {"b"})
                  .node("Mul", {"x", "b"}, {"c"})
                  .node("Div", {"c", "six"}, {"y"});
            }),
            activation("hardswish"));
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Add", {"x", "three"}, {"a"})
                  .node("Clip", {"a", "zero", "six"}, {"b"})
                  .node("Mul", {"b", "sixth"}, {"c"})
                  .node("Mul", {"c", "x"}, {"y"});
            }),
            activation("hardswish"));
}

TEST(OnnxRecognise, SoftplusWithBeta) {
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Mul", {"x", "three"}, {"a"})
                  .node("Softplus", {"a"}, {"b"})
                  .node("Div", {"b", "three"}, {"y"});
            }),
            activation("softplus:3"));
  EXPECT_EQ(
      composite([](TestModel& m) {
        m.node("Exp", {"x"}, {"a"}).node("Add", {"a", "one"}, {"b"}).node("Log", {"b"}, {"y"});
      }),
      activation("softplus:1"));
}

TEST(OnnxRecognise, CeluByElu) {
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Div", {"x", "two"}, {"a"})
                  .node("Elu", {"a"}, {"b"})
                  .node("Mul", {"two", "b"}, {"y"});
            }),
            activation("celu:2"));
}

TEST(OnnxRecognise, LeakyReluByMaximumOnlyWhereItIsOne) {
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Mul", {"alpha", "x"}, {"a"}).node("Max", {"a", "x"}, {"y"});
            }),
            activation("leaky_relu:0.1"));
  TestModel above;
  above.input("x", {0, 4})
      .floats("two", {}, {2.0f})
      .node("Mul", {"two", "x"}, {"a"})
      .node("Max", {"a", "x"}, {"y"})
      .output("y");
  EXPECT_THAT(structure(above.load().graph), HasSubstr("maximum"));
}

TEST(OnnxRecognise, BoundsThatAreRectifiers) {
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Clip", {"x", "zero", "six"}, {"y"});
            }),
            activation("relu6"));
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Clip", {"x", "zero"}, {"y"});
            }),
            activation("relu"));
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Max", {"x", "zero"}, {"y"});
            }),
            activation("relu"));
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Relu", {"x"}, {"a"}).node("Min", {"six", "a"}, {"y"});
            }),
            activation("relu6"));
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Clip", {"x", "", "one"}, {"y"});
            }),
            "clip(0) max=1\n");
}

TEST(OnnxRecognise, CreluInItsHalves) {
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("Relu", {"x"}, {"a"})
                  .node("Neg", {"x"}, {"b"})
                  .node("Relu", {"b"}, {"c"})
                  .node("Concat", {"a", "c"}, {"y"}, {{"axis", 1}});
            }),
            activation("crelu"));
}

TEST(OnnxRecognise, RreluByItsRandomSlopes) {
  EXPECT_EQ(composite([](TestModel& m) {
              m.node("RandomUniformLike", {"x"}, {"a"}, {{"low", 0.125f}, {"high", 0.25f}})
                  .node("PRelu", {"x", "a"}, {"y"});
            }),
            activation("rrelu:0.125,0.25"));
}

TEST(OnnxRecognise, SoftmaxOfItsParts) {
  EXPECT_EQ(composite([](TestModel& m) {
              m.list("axes", {1});
              m.node("ReduceMax", {"x"}, {"m"}, {{"axes", List{1}}})
                  .node("Sub", {"x", "m"}, {"a"})
                  .node("Exp", {"a"}, {"b"});
              m.node("ReduceSum", {"b", "axes"}, {"c"}).node("Div", {"b", "c"}, {"y"});
            }),
            "softmax(0)\n");
}

// Before opset 13 the dimensions from `axis` on are one.
TEST(OnnxRecognise, LogSoftmaxWithTheMeaningOfItsOpset) {
  const auto loaded = [](std::int64_t opset, std::int64_t axis) {
    TestModel model(opset);
    model.input("x", {0, 2, 3})
        .node("Softmax", {"x"}, {"s"}, {{"axis", axis}})
        .node("Log", {"s"}, {"y"})
        .output("y");
    return model.load();
  };
  const auto of_zeros = [](const Model& model) {
    return evaluate(model, {std::vector<float>(6, 0.0f)}, 1)[0];
  };
  EXPECT_THAT(of_zeros(loaded(11, 1)), testing::Each(testing::FloatEq(-std::log(6.0f))));
  EXPECT_THAT(of_zeros(loaded(11, -2)), testing::Each(testing::FloatEq(-std::log(6.0f))));
  EXPECT_THAT(of_zeros(loaded(13, 1)), testing::Each(testing::FloatEq(-std::log(2.0f))));
  EXPECT_EQ(structure(loaded(11, 1).graph),
            "reshape(0) shape=[-1]\nlog_softmax(1)\nreshape(2) shape=[2, 3]\n");
  EXPECT_EQ(structure(loaded(11, 2).graph), "log_softmax(0)\n");
  EXPECT_EQ(structure(loaded(13, 1).graph), "log_softmax(0) axis=-2\n");
}

TEST(OnnxRecognise, SoftmaxOverSeveralDimensions) {
  TestModel model;
  model.input("x", {0, 4, 2, 3})
      .list("axes", {2, 3})
      .node("Exp", {"x"}, {"e"})
      .node("ReduceSum", {"e", "axes"}, {"s"});
  model.node("Div", {"e", "s"}, {"y"}).output("y");
  EXPECT_EQ(structure(model.load().graph),
            "reshape(0) shape=[4, -1]\nsoftmax(1)\nreshape(2) shape=[4, 2, 3]\n");
  TestModel first;  // what stands behind them is told apart
  first.input("x", {0, 4, 2, 3})
      .list("axes", {1, 2})
      .node("Exp", {"x"}, {"e"})
      .node("ReduceSum", {"e", "axes"}, {"s"});
  first.node("Div", {"e", "s"}, {"y"}).output("y");
  EXPECT_THAT(structure(first.load().graph), HasSubstr("exp(0)"));
}

// ---- Composites of layers.

// What is between may be read by others too; then it stays, and must be an operator of its own.
TEST(OnnxRecognise, PartsThatOthersReadStayComputed) {
  EXPECT_EQ(structure(TestModel()
                          .input("x", {0, 4})
                          .node("Sigmoid", {"x"}, {"gate"})
                          .node("Mul", {"x", "gate"}, {"y"})
                          .output("y")
                          .output("gate")
                          .load()
                          .graph),
            "activation(0) activation=sigmoid layer=-\nactivation(0) activation=silu layer=-\n");
}

TEST(OnnxRecognise, AFormulaOfASumIsOneOfTheSum) {
  EXPECT_EQ(structure(TestModel()
                          .input("x", {0, 4})
                          .input("z", {0, 4})
                          .node("Add", {"x", "z"}, {"s"})
                          .node("Sigmoid", {"s"}, {"a"})
                          .node("Mul", {"s", "a"}, {"y"})
                          .output("y")
                          .load()
                          .graph),
            "add(0, 1)\nactivation(2) activation=silu layer=-\n");
}

TEST(OnnxRecognise, SoftplusThatBecomesALine) {
  TestModel model;
  model.input("x", {0, 4})
      .floats("t", {}, {20.0f})
      .node("Softplus", {"x"}, {"s"})
      .node("Greater", {"x", "t"}, {"g"});
  model.node("Where", {"g", "x", "s"}, {"y"}).output("y");
  EXPECT_EQ(structure(model.load().graph), "activation(0) activation=softplus:1 layer=-\n");
  TestModel early;  // at 2 the curve is not the line yet
  early.input("x", {0, 4})
      .floats("t", {}, {2.0f})
      .node("Softplus", {"x"}, {"s"})
      .node("Greater", {"x", "t"}, {"g"});
  early.node("Where", {"g", "x", "s"}, {"y"}).output("y");
  EXPECT_THAT(structure(early.load().graph), HasSubstr("where"));
}

TEST(OnnxRecognise, NearlyIsNotRecognised) {
  TestModel quick;  // x * sigmoid(1.702 x) is no member of the family
  quick.input("x", {0, 4})
      .floats("c", {}, {1.702f})
      .node("Mul", {"x", "c"}, {"a"})
      .node("Sigmoid", {"a"}, {"b"})
      .node("Mul", {"x", "b"}, {"y"})
      .output("y");
  EXPECT_THAT(structure(quick.load().graph), HasSubstr("sigmoid"));
}

TEST(OnnxRecognise, WhatWasRecognisedIsNoted) {
  const Model model = TestModel()
                          .input("x", {0, 4})
                          .node("Sigmoid", {"x"}, {"a"})
                          .node("Mul", {"x", "a"}, {"y"})
                          .output("y")
                          .load();
  EXPECT_THAT(model.notes, testing::ElementsAre("1 silu recognised by its formula"));
}

}  // namespace
}  // namespace undying::onnx
