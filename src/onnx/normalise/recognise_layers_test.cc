// Operations that are a layer, or nothing, together.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/normalise/test_composite.h"
#include "onnx/run.h"
#include "onnx/test_model.h"

namespace undying::onnx {
namespace {

using testing::HasSubstr;
using List = std::vector<std::int64_t>;

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

}  // namespace
}  // namespace undying::onnx
