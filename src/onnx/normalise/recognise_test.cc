#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "onnx/run.h"
#include "onnx/test_model.h"

namespace undying::onnx {
namespace {

using testing::HasSubstr;
using List = std::vector<std::int64_t>;

// A network of one composite of x (N, 4), whose parts `build` appends; they give "y".
template <class Build>
std::string composite(Build build) {
  TestModel model(17);
  model.input("x", {0, 4});
  const auto number = [&](const char* name, float value) { model.floats(name, {}, {value}); };
  number("half", 0.5f);
  number("one", 1.0f);
  number("two", 2.0f);
  number("three", 3.0f);
  number("six", 6.0f);
  number("zero", 0.0f);
  number("sixth", 1.0f / 6.0f);
  number("root2", std::sqrt(2.0f));
  number("alpha", 0.1f);
  build(model);
  return structure(model.output("y").load().graph);
}

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

TEST(OnnxRecognise, LayerNormAsPyTorchWritesItBeforeOpset17) {
  TestModel model(16);
  model.input("x", {0, 5, 4})
      .floats("two", {}, {2})
      .floats("eps", {}, {1e-6f})
      .floats("ln.weight", {4})
      .floats("ln.bias", {4});
  model.node("ReduceMean", {"x"}, {"m"}, {{"axes", List{-1}}})
      .node("Sub", {"x", "m"}, {"d"})
      .node("Pow", {"d", "two"}, {"s"});
  model.node("ReduceMean", {"s"}, {"v"}, {{"axes", List{-1}}})
      .node("Add", {"v", "eps"}, {"e"})
      .node("Sqrt", {"e"}, {"r"})
      .node("Div", {"d", "r"}, {"n"});
  model.node("Mul", {"n", "ln.weight"}, {"w"}).node("Add", {"w", "ln.bias"}, {"y"}).output("y");
  EXPECT_EQ(describe(model.load().graph),
            "x = input() shape=[5, 4]\nln = layer_norm(x) epsilon=1e-06 [ln.weight ln.bias]\n");
}

TEST(OnnxRecognise, LayerNormWithoutScaleAndBias) {
  TestModel model(16);
  model.input("x", {0, 4}).floats("eps", {}, {1e-5f});
  model.node("ReduceMean", {"x"}, {"m"}, {{"axes", List{1}}})
      .node("Sub", {"x", "m"}, {"d"})
      .node("Mul", {"d", "d"}, {"s"});
  model.node("ReduceMean", {"s"}, {"v"}, {{"axes", List{1}}})
      .node("Add", {"eps", "v"}, {"e"})
      .node("Sqrt", {"e"}, {"r"})
      .node("Reciprocal", {"r"}, {"i"});
  const Model loaded = model.node("Mul", {"d", "i"}, {"y"}).output("y").load();
  EXPECT_EQ(structure(loaded.graph), "layer_norm(0) bias=0\n");
  EXPECT_THAT(loaded.weights[0].values, testing::Each(1.0f));
}

// GroupNorm of PyTorch: the channels of a group as one channel of an instance norm, and back by the
// shape of the input.
TEST(OnnxRecognise, GroupNorm) {
  TestModel model;
  model.input("x", {0, 6, 4, 4})
      .list("groups", {0, 3, -1})
      .floats("ones", {3}, {1, 1, 1})
      .floats("zeros", {3}, {0, 0, 0});
  model.floats("gn.weight", {6}).floats("gn.bias", {6}).list("axes", {1, 2});
  model.node("Reshape", {"x", "groups"}, {"g"})
      .node("InstanceNormalization", {"g", "ones", "zeros"}, {"n"}, {{"epsilon", 1e-3f}});
  model.node("Shape", {"x"}, {"shape"})
      .node("Reshape", {"n", "shape"}, {"r"})
      .node("Unsqueeze", {"gn.weight", "axes"}, {"w"});
  model.node("Unsqueeze", {"gn.bias", "axes"}, {"b"})
      .node("Mul", {"r", "w"}, {"s"})
      .node("Add", {"s", "b"}, {"y"})
      .output("y");
  EXPECT_EQ(describe(model.load().graph),
            "x = input() shape=[6, 4, 4]\ngn = group_norm(x) epsilon=0.001 groups=3 [gn.weight "
            "gn.bias]\n");
}

TEST(OnnxRecognise, AScaleThatDoesNotFitStays) {
  TestModel model(16);
  model.input("x", {0, 4})
      .floats("eps", {}, {1e-5f})
      .floats("two", {}, {2})
      .floats("w", {4})
      .floats("again", {4});
  model.node("ReduceMean", {"x"}, {"m"}, {{"axes", List{1}}})
      .node("Sub", {"x", "m"}, {"d"})
      .node("Pow", {"d", "two"}, {"s"});
  model.node("ReduceMean", {"s"}, {"v"}, {{"axes", List{1}}})
      .node("Add", {"eps", "v"}, {"e"})
      .node("Sqrt", {"e"}, {"r"})
      .node("Div", {"d", "r"}, {"n"});
  model.node("Mul", {"n", "w"}, {"p"}).node("Mul", {"p", "again"}, {"y"}).output("y");
  EXPECT_EQ(structure(model.load().graph),
            "layer_norm(0) bias=0\nconstant() shape=[4]\nmul(1, 2)\n");
}

TEST(OnnxRecognise, APadBeforeAConvolution) {
  const auto padded = [](const List& pads, float value) {
    TestModel model;
    model.input("x", {0, 3, 8, 8})
        .list("p", pads)
        .floats("v", {}, {value})
        .floats("w", {4, 3, 3, 3});
    return structure(model.node("Pad", {"x", "p", "v"}, {"a"})
                         .node("Conv", {"a", "w"}, {"y"}, {{"pads", List{1, 0, 0, 0}}})
                         .output("y")
                         .load()
                         .graph);
  };
  EXPECT_EQ(padded({0, 0, 1, 1, 0, 0, 2, 2}, 0),
            "conv(0) bias=0 kernel=[3, 3] outputs=4 pads=[2, 1, 2, 2]\n");
  EXPECT_THAT(padded({0, 0, 1, 1, 0, 0, 2, 2}, 1), HasSubstr("pad(0)"));
  EXPECT_THAT(padded({0, 0, -1, 1, 0, 0, 2, 2}, 0), HasSubstr("pad(0)"));
}

TEST(OnnxRecognise, ASumBehindALayerIsItsBias) {
  TestModel conv;
  conv.input("x", {0, 3, 8, 8})
      .floats("w", {4, 3, 1, 1})
      .floats("b", {4, 1, 1})
      .node("Conv", {"x", "w"}, {"a"})
      .node("Add", {"a", "b"}, {"y"})
      .output("y");
  EXPECT_EQ(structure(conv.load().graph), "conv(0) kernel=[1, 1] outputs=4\n");
  TestModel tokens;
  tokens.input("x", {0, 5, 3})
      .floats("w", {3, 2})
      .floats("b", {2})
      .node("MatMul", {"x", "w"}, {"a"})
      .node("Add", {"b", "a"}, {"y"})
      .output("y");
  EXPECT_EQ(structure(tokens.load().graph), "linear(0) outputs=2\n");
  TestModel positions;  // one for each position is no bias of the layer
  positions.input("x", {0, 5, 3})
      .floats("w", {3, 2})
      .floats("b", {5, 2})
      .node("MatMul", {"x", "w"}, {"a"})
      .node("Add", {"b", "a"}, {"y"})
      .output("y");
  EXPECT_EQ(structure(positions.load().graph),
            "linear(0) bias=0 outputs=2\nconstant() shape=[5, 2]\nadd(2, 1)\n");
}

// Channels last, as TensorFlow has them: a transpose before and behind every convolution.
TEST(OnnxRecognise, TransposesBetweenLayoutsCancel) {
  TestModel model;
  const std::vector<TestModel::Attribute> first = {{"perm", List{0, 3, 1, 2}}};
  const std::vector<TestModel::Attribute> last = {{"perm", List{0, 2, 3, 1}}};
  model.input("x", {0, 8, 8, 3})
      .floats("w1", {4, 3, 1, 1})
      .floats("b1", {4})
      .floats("w2", {2, 4, 1, 1});
  model.node("Transpose", {"x"}, {"a"}, first)
      .node("Conv", {"a", "w1"}, {"b"})
      .node("Transpose", {"b"}, {"c"}, last)
      .node("Add", {"c", "b1"}, {"d"});
  model.node("Relu", {"d"}, {"e"})
      .node("Transpose", {"e"}, {"f"}, first)
      .node("Conv", {"f", "w2"}, {"g"})
      .node("Transpose", {"g"}, {"y"}, last)
      .output("y");
  const Model loaded = model.load();
  EXPECT_EQ(structure(loaded.graph),
            "transpose(0) perm=[2, 0, 1]\n"
            "conv(1) kernel=[1, 1] outputs=4\n"
            "activation(2) activation=relu layer=-\n"
            "conv(3) bias=0 kernel=[1, 1] outputs=2\n"
            "transpose(4) perm=[1, 2, 0]\n");
  EXPECT_THAT(loaded.notes,
              testing::Contains("2 transposes between channels first and last cancelled"));
}

// The units of an activation are those of the layer before it, wherever a transpose in between puts
// them.
TEST(OnnxRecognise, AnActivationStandsBehindItsLayer) {
  TestModel model;
  model.input("x", {0, 5, 3})
      .floats("w", {3, 2})
      .node("MatMul", {"x", "w"}, {"a"})
      .node("Transpose", {"a"}, {"b"}, {{"perm", List{0, 2, 1}}});
  model.node("Sigmoid", {"b"}, {"c"}).node("Mul", {"b", "c"}, {"y"}).output("y");
  EXPECT_EQ(structure(model.load().graph),
            "linear(0) bias=0 outputs=2\nactivation(1) activation=silu layer=-\ntranspose(2) "
            "perm=[1, 0]\n");
}

TEST(OnnxRecognise, TransposesAroundASumCancel) {
  TestModel model;
  const std::vector<TestModel::Attribute> last = {{"perm", List{0, 2, 3, 1}}};
  model.input("x", {0, 2, 4, 4})
      .input("z", {0, 2, 4, 4})
      .node("Transpose", {"x"}, {"a"}, last)
      .node("Transpose", {"z"}, {"b"}, last);
  model.node("Add", {"a", "b"}, {"c"})
      .node("Transpose", {"c"}, {"y"}, {{"perm", List{0, 3, 1, 2}}})
      .output("y");
  const Model loaded = model.load();
  EXPECT_EQ(structure(loaded.graph), "add(0, 1)\n");
  EXPECT_THAT(loaded.outputs, testing::ElementsAre("y"));
}

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
