#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/test_model.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> values_of(const Model& model, const std::string& name) {
  for (const Tensor& tensor : model.weights)
    if (tensor.name == name) return tensor.values;
  return {};
}

// What torch.onnx.export of a Sequential writes.
TEST(OnnxLoad, AnMlpKeepsItsModulesNames) {
  const Model model = TestModel()
                          .input("input", {0, 4})
                          .floats("0.weight", {3, 4})
                          .floats("0.bias", {3})
                          .floats("2.weight", {2, 3})
                          .floats("2.bias", {2})
                          .node("Gemm", {"input", "0.weight", "0.bias"}, {"/0/Gemm_output_0"},
                                {{"transB", 1}}, "/0/Gemm")
                          .node("LeakyRelu", {"/0/Gemm_output_0"}, {"/1/LeakyRelu_output_0"},
                                {{"alpha", 0.2f}}, "/1/LeakyRelu")
                          .node("Gemm", {"/1/LeakyRelu_output_0", "2.weight", "2.bias"}, {"output"},
                                {{"transB", 1}}, "/2/Gemm")
                          .output("output")
                          .load();
  EXPECT_EQ(describe(model.graph),
            "input = input() shape=[4]\n"
            "0 = linear(input) outputs=3 [0.weight 0.bias]\n"
            "1 = activation(0) activation=leaky_relu:0.2 layer=0\n"
            "2 = linear(1) outputs=2 [2.weight 2.bias]\n");
  EXPECT_THAT(model.inputs, ElementsAre("input"));
  EXPECT_THAT(model.outputs, ElementsAre("output"));
  EXPECT_EQ(model.weights.size(), 4u);
  EXPECT_THAT(values_of(model, "2.bias"), ElementsAre(0.1f, -0.2f));
}

TEST(OnnxLoad, AMatrixOnTheRightIsALayerWhoseWeightIsItsTranspose) {
  const Model model = TestModel()
                          .input("x", {0, 2})
                          .floats("onnx::MatMul_7", {2, 3}, {1, 2, 3, 4, 5, 6})
                          .floats("fc.bias", {3})
                          .node("MatMul", {"x", "onnx::MatMul_7"}, {"product"}, {}, "/fc/MatMul")
                          .node("Add", {"fc.bias", "product"}, {"y"}, {}, "/fc/Add")
                          .output("y")
                          .load();
  EXPECT_EQ(describe(model.graph),
            "x = input() shape=[2]\nfc = linear(x) outputs=3 [fc.weight fc.bias]\n");
  EXPECT_THAT(values_of(model, "fc.weight"), ElementsAre(1, 4, 2, 5, 3, 6));
}

TEST(OnnxLoad, GemmInAllItsForms) {
  const auto load = [](std::int64_t transposed, float alpha, float beta,
                       const std::vector<std::int64_t>& weight,
                       const std::vector<std::int64_t>& bias) {
    return TestModel()
        .input("x", {0, 2})
        .floats("w", weight, {1, 2, 3, 4, 5, 6})
        .floats("b", bias, {1, 2, 3})
        .node("Gemm", {"x", "w", "b"}, {"y"},
              {{"transB", transposed}, {"alpha", alpha}, {"beta", beta}})
        .output("y")
        .load();
  };
  EXPECT_THAT(load(1, 1, 1, {3, 2}, {3}).weights[0].values, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(load(0, 1, 1, {2, 3}, {1, 3}).weights[0].values, ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(load(0, 2, 3, {2, 3}, {3}).weights[0].values, ElementsAre(2, 8, 4, 10, 6, 12));
  EXPECT_THAT(load(0, 2, 3, {2, 3}, {3}).weights[1].values, ElementsAre(3, 6, 9));
}

TEST(OnnxLoad, AScalarBiasIsThatOfEveryOutput) {
  const Model model = TestModel()
                          .input("x", {0, 2})
                          .floats("w", {2, 3})
                          .floats("b", {}, {5})
                          .node("Gemm", {"x", "w", "b"}, {"y"})
                          .output("y")
                          .load();
  EXPECT_THAT(model.weights[1].values, ElementsAre(5, 5, 5));
}

TEST(OnnxLoad, InitializersThatTwoNodesReadAreShared) {
  const Model model = TestModel()
                          .input("x", {0, 2})
                          .floats("cell.weight", {2, 2})
                          .node("MatMul", {"x", "cell.weight"}, {"a"})
                          .node("Tanh", {"a"}, {"b"})
                          .node("MatMul", {"b", "cell.weight"}, {"y"})
                          .output("y")
                          .load();
  EXPECT_EQ(describe(model.graph),
            "x = input() shape=[2]\n"
            "cell = linear(x) bias=0 outputs=2 [cell.weight]\n"
            "b = activation(cell) activation=tanh layer=cell\n"
            "y = linear(b) bias=0 outputs=2 [cell.weight]\n");
  EXPECT_EQ(model.weights.size(), 1u);
}

// torch.onnx.export merges initializers that are equal in value, and gives the second one an
// Identity.
TEST(OnnxLoad, AnIdentityMakesACopy) {
  const Model model =
      TestModel()
          .input("x", {0, 2})
          .floats("a.bias", {2}, {0, 0})
          .floats("a.weight", {2, 2})
          .floats("b.weight", {2, 2})
          .node("Identity", {"a.bias"}, {"b.bias"}, {}, "Identity_0")
          .node("Gemm", {"x", "a.weight", "a.bias"}, {"h"}, {{"transB", 1}}, "/a/Gemm")
          .node("Gemm", {"h", "b.weight", "b.bias"}, {"y"}, {{"transB", 1}}, "/b/Gemm")
          .output("y")
          .load();
  EXPECT_EQ(model.graph.nodes()[1].parameters[1], "a.bias");
  EXPECT_EQ(model.graph.nodes()[2].parameters[1], "b.bias");
  EXPECT_EQ(model.weights.size(), 4u);
}

// With constant folding off, exporters leave the transposition of a weight in the graph.
TEST(OnnxLoad, ATransposedInitializerIsTheWeightItself) {
  const Model model =
      TestModel()
          .input("x", {0, 2})
          .floats("fc.weight", {3, 2}, {1, 2, 3, 4, 5, 6})
          .node("Transpose", {"fc.weight"}, {"t"}, {{"perm", std::vector<std::int64_t>{1, 0}}})
          .node("MatMul", {"x", "t"}, {"y"}, {}, "/fc/MatMul")
          .output("y")
          .load();
  EXPECT_EQ(describe(model.graph),
            "x = input() shape=[2]\nfc = linear(x) bias=0 outputs=3 [fc.weight]\n");
  EXPECT_THAT(model.weights[0].values, ElementsAre(1, 2, 3, 4, 5, 6));
}

// What importing makes on the fly has no name of its own to be told by.
TEST(OnnxLoad, NumbersThatImportingMakesAreTheirNodesOwn) {
  const auto numbers = [](const Model& model) {
    std::vector<float> all;
    for (const Node& node : model.graph.nodes())
      if (node.op == "constant") all.push_back(values_of(model, node.parameters[0]).at(0));
    return all;
  };
  TestModel negative;
  negative.input("x", {0, 2})
      .node("Neg", {"x"}, {"n"})
      .node("Mean", {"n", "x", "x"}, {"y"})
      .output("y");
  EXPECT_THAT(numbers(negative.load()), ElementsAre(-1.0f, 1.0f / 3.0f));
  TestModel means;
  means.input("x", {0, 2})
      .node("Mean", {"x", "x"}, {"a"})
      .node("Mean", {"a", "x", "x", "x"}, {"y"})
      .output("y");
  EXPECT_THAT(numbers(means.load()), ElementsAre(0.5f, 0.25f));
}

TEST(OnnxLoad, NodesMayStandInAnyOrder) {
  const Model model = TestModel()
                          .input("x", {0, 2})
                          .node("Relu", {"a"}, {"y"})
                          .node("Tanh", {"x"}, {"a"})
                          .output("y")
                          .load();
  EXPECT_EQ(structure(model.graph),
            "activation(0) activation=tanh layer=-\nactivation(1) activation=relu layer=-\n");
}

TEST(OnnxLoad, SeveralInputsAndOutputs) {
  const Model model = TestModel()
                          .input("a", {0, 2})
                          .input("b", {0, 2})
                          .node("Relu", {"b"}, {"y"})
                          .node("Tanh", {"a"}, {"z"})
                          .output("z")
                          .output("y")
                          .load();
  EXPECT_THAT(model.graph.inputs(), ElementsAre(0, 1));
  EXPECT_THAT(model.graph.outputs(), ElementsAre(3, 2));
  EXPECT_THAT(model.inputs, ElementsAre("a", "b"));
  EXPECT_THAT(model.outputs, ElementsAre("z", "y"));
}

TEST(OnnxLoad, EveryUnsupportedNodeIsListedAtOnce) {
  const std::string error = TestModel()
                                .input("x", {0, 2})
                                .node("Hardmax", {"x"}, {"a"}, {}, "first")
                                .node("Det", {"a"}, {"b"}, {}, "second")
                                .node("Relu", {"b"}, {"c"}, {}, "third")
                                .node("Hardmax", {"c"}, {"y"}, {}, "fourth")
                                .output("y")
                                .error();
  EXPECT_THAT(error, HasSubstr("model.onnx"));
  EXPECT_THAT(error, HasSubstr("first, fourth (Hardmax)"));
  EXPECT_THAT(error, HasSubstr("second (Det)"));
  EXPECT_THAT(error, testing::Not(HasSubstr("third")));
}

TEST(OnnxLoad, InputsAndNodesThatStandInTheWayAreListedTogether) {
  TestModel model;
  model.input("x", {0, 2, 3}).input("y", {0, 0, 3});
  for (const char* name : {"a", "b", "c", "d", "e", "f"})
    model.node("Det", {"x"}, {name}).output(name);
  const std::string error = model.node("Relu", {"y"}, {"z"}).output("z").error();
  EXPECT_THAT(error, HasSubstr("7 obstacles:\n  input y: leaves dimension 1 open"));
  EXPECT_THAT(error, HasSubstr("\n  a, b, c, d and 2 more (Det): is not supported"));
}

TEST(OnnxLoad, AnOutputThatIsKnownIsLeftOut) {
  const Model model = TestModel()
                          .input("x", {0, 2})
                          .floats("version", {1})
                          .node("Relu", {"x"}, {"y"})
                          .output("y")
                          .output("version")
                          .load();
  EXPECT_THAT(model.outputs, ElementsAre("y"));
}

// Every example is one number.
TEST(OnnxLoad, AnInputOfTheBatchAlone) {
  const Model model = TestModel()
                          .input("x", {0, 2})
                          .input("s", {0})
                          .node("Tanh", {"s"}, {"y"})
                          .node("Relu", {"x"}, {"z"})
                          .output("y")
                          .output("z")
                          .load();
  EXPECT_EQ(model.graph.shapes()[1], (Shape{1}));
}

TEST(OnnxLoad, AnInputWithoutABatchIsOneExample) {
  const Model model = TestModel()
                          .input("x", {3})
                          .floats("w", {3, 2})
                          .node("MatMul", {"x", "w"}, {"y"})
                          .output("y")
                          .load();
  EXPECT_EQ(structure(model.graph), "linear(0) bias=0 outputs=2\n");
  EXPECT_THAT(model.notes, testing::Contains(HasSubstr("count no examples")));
}

TEST(OnnxLoad, NumbersOfRowsAreInputs) {
  TestModel model;
  model.input("t", {0, 5})
      .floats("table", {7, 3})
      .node("Gather", {"table", "t"}, {"y"})
      .output("y");
  model.proto.mutable_graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->set_elem_type(pb::TensorProto::INT64);
  const Model loaded = model.load();
  EXPECT_EQ(structure(loaded.graph), "embedding(0) features=3 rows=7\n");
  const auto file = test_path("rows.onnx");
  save(file, loaded.graph, loaded.weights, like(loaded));
  EXPECT_EQ(structure(load(file).graph), structure(loaded.graph));
}

// Attention of PyTorch brings the batch behind the positions, folds it with the heads, and back.
TEST(OnnxLoad, TheBatchMayStandAnywhereBetween) {
  using Permutation = std::vector<std::int64_t>;
  TestModel model;
  model.input("x", {8, 5, 6}).list("split", {5, 16, 3}).list("join", {5, 8, 6});
  model.node("Transpose", {"x"}, {"a"}, {{"perm", Permutation{1, 0, 2}}})
      .node("Reshape", {"a", "split"}, {"b"});
  model.node("Transpose", {"b"}, {"c"}, {{"perm", Permutation{1, 0, 2}}})
      .node("Softmax", {"c"}, {"d"});
  model.node("Transpose", {"d"}, {"e"}, {{"perm", Permutation{1, 0, 2}}})
      .node("Reshape", {"e", "join"}, {"f"});
  model.node("Transpose", {"f"}, {"y"}, {{"perm", Permutation{1, 0, 2}}}).output("y");
  EXPECT_EQ(structure(model.load().graph),
            "reshape(0) shape=[5, 2, 3]\ntranspose(1) perm=[1, 0, 2]\nsoftmax(2)\ntranspose(3) "
            "perm=[1, 0, 2]\nreshape(4) shape=[5, 6]\n");
}

TEST(OnnxLoad, WhatNobodyReadsNeedNotBeSupported) {
  const Model model = TestModel()
                          .input("x", {0, 2})
                          .node("Hardmax", {"x"}, {"a"})
                          .node("Relu", {"x"}, {"y"})
                          .output("y")
                          .load();
  EXPECT_EQ(structure(model.graph), "activation(0) activation=relu layer=-\n");
}

TEST(OnnxLoad, OpsetsOutOfRangeAreRefused) {
  EXPECT_THAT(TestModel(29).input("x", {0, 2}).node("Relu", {"x"}, {"y"}).output("y").error(),
              HasSubstr("opset 29"));
  EXPECT_THAT(TestModel(0).input("x", {0, 2}).node("Relu", {"x"}, {"y"}).output("y").error(),
              HasSubstr("opset 0"));
  EXPECT_THAT(TestModel(5).input("x", {0, 2}).node("Relu", {"x"}, {"y"}).output("y").error(),
              HasSubstr("before 6"));
  EXPECT_EQ(TestModel(5).input("x", {0, 2}).node("Softplus", {"x"}, {"y"}).output("y").error(), "");
}

TEST(OnnxLoad, AttributesAreChecked) {
  const auto relu = [](const std::vector<TestModel::Attribute>& attributes) {
    return TestModel()
        .input("x", {0, 2})
        .node("LeakyRelu", {"x"}, {"y"}, attributes)
        .output("y")
        .error();
  };
  EXPECT_EQ(relu({{"alpha", 0.5f}}), "");
  EXPECT_THAT(relu({{"alpha", 1}}), HasSubstr("alpha is of the wrong kind"));
  EXPECT_THAT(relu({{"beta", 0.5f}}), HasSubstr("has an attribute beta"));
}

TEST(OnnxLoad, ABatchDimensionMustStayTheFirst) {
  const auto perm = std::vector<std::int64_t>{1, 0};
  EXPECT_THAT(TestModel()
                  .input("x", {0, 2})
                  .node("Transpose", {"x"}, {"y"}, {{"perm", perm}})
                  .output("y")
                  .error(),
              HasSubstr("batch"));
  EXPECT_THAT(TestModel()
                  .input("x", {0, 2})
                  .node("Softmax", {"x"}, {"y"}, {{"axis", 0}})
                  .output("y")
                  .error(),
              HasSubstr("batch"));
  EXPECT_THAT(TestModel()
                  .input("x", {0, 2})
                  .floats("c", {3, 2})
                  .node("Add", {"x", "c"}, {"y"})
                  .output("y")
                  .error(),
              HasSubstr("batch"));
}

// Keras writes one behind every operation.
TEST(OnnxLoad, CastsBetweenFloatsHideNoBias) {
  TestModel model;
  model.input("x", {0, 2})
      .floats("w", {2, 3})
      .floats("b", {3})
      .node("MatMul", {"x", "w"}, {"p"})
      .node("Cast", {"p"}, {"q"}, {{"to", 1}});
  model.node("Add", {"q", "b"}, {"s"})
      .node("Cast", {"s"}, {"t"}, {{"to", 1}})
      .node("Relu", {"t"}, {"y"})
      .output("y");
  EXPECT_EQ(structure(model.load().graph),
            "linear(0) outputs=3\nactivation(1) activation=relu layer=-\n");
}

TEST(OnnxLoad, ScikitLearnsScalerIsADifferenceAndAProduct) {
  TestModel model;
  model.input("x", {0, 2})
      .node("Scaler", {"x"}, {"s"},
            {{"offset", std::vector<float>{1, 2}}, {"scale", std::vector<float>{0.5f, 4}}});
  model.proto.mutable_graph()->mutable_node(0)->set_domain("ai.onnx.ml");
  model.node("Relu", {"s"}, {"y"}).output("y");
  const Model loaded = model.load();
  EXPECT_EQ(structure(loaded.graph),
            "constant() shape=[2]\nsub(0, 1)\nconstant() shape=[2]\nmul(2, 3)\nactivation(4) "
            "activation=relu layer=-\n");
  EXPECT_THAT(loaded.weights[1].values, ElementsAre(0.5f, 4));
}

// Exported with one example and no batch: the first dimension is the channels'.
TEST(OnnxLoad, AnInputWithAllItsDimensionsIsOneExample) {
  TestModel model;
  model.input("x", {3, 8}).floats("w", {8, 2}).node("MatMul", {"x", "w"}, {"y"}).output("y");
  EXPECT_EQ(model.load({.shapes = {{"x", {8}}}}).graph.output_shape(), (Shape{2}));
  EXPECT_EQ(model.load({.shapes = {{"x", {3, 8}}}}).graph.output_shape(), (Shape{3, 2}));
}

}  // namespace
}  // namespace undying::onnx
