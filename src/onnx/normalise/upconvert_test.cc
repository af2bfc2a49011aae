#include "onnx/normalise/upconvert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/test_model.h"

namespace undying::onnx {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using List = std::vector<std::int64_t>;

// One node of an input x (N, ...) in an older opset.
TestModel one(std::int64_t opset, const std::string& op, const List& shape,
              const std::vector<TestModel::Attribute>& attributes,
              std::vector<std::string> inputs = {}) {
  TestModel model(opset);
  List dims = {0};
  dims.insert(dims.end(), shape.begin(), shape.end());
  inputs.insert(inputs.begin(), "x");
  model.input("x", dims).node(op, inputs, {"y"}, attributes).output("y");
  return model;
}

std::string structure_of(const TestModel& model) { return structure(model.load().graph); }

TEST(OnnxUpconvert, AttributesThatBecameInputs) {
  EXPECT_EQ(structure_of(one(6, "Clip", {4}, {{"min", 0.0f}, {"max", 6.0f}})),
            "activation(0) activation=relu6 layer=-\n");
  EXPECT_EQ(structure_of(one(10, "Clip", {4}, {{"max", 2.0f}})), "clip(0) max=2\n");
  EXPECT_EQ(structure_of(one(9, "Slice", {4, 5},
                             {{"axes", List{2}}, {"starts", List{1}}, {"ends", List{-1}}})),
            "slice(0) axes=[1] ends=[-1] starts=[1]\n");
  EXPECT_EQ(structure_of(one(10, "Pad", {4}, {{"pads", List{0, 1, 0, 2}}, {"value", 3.0f}})),
            "pad(0) pads=[1, 2] value=3\n");
  EXPECT_EQ(structure_of(one(12, "Squeeze", {4, 1}, {{"axes", List{2}}})), "squeeze(0) axes=[1]\n");
  EXPECT_EQ(structure_of(one(12, "Unsqueeze", {4}, {{"axes", List{1, 3}}})),
            "unsqueeze(0) axes=[0, 2]\n");
  EXPECT_EQ(structure_of(one(12, "ReduceSum", {4, 5}, {{"axes", List{2}}, {"keepdims", 0}})),
            "reduce_sum(0) axes=[1] keepdims=0\n");
  EXPECT_EQ(structure_of(one(11, "Dropout", {4}, {{"ratio", 0.3f}})), "dropout(0) p=0.3\n");
  TestModel split(11);
  split.input("x", {0, 6})
      .node("Split", {"x"}, {"a", "b"}, {{"axis", 1}, {"split", List{1, 5}}})
      .output("b");
  EXPECT_EQ(structure_of(split),
            "slice(0) axes=[0] ends=[1] starts=[0]\nslice(0) axes=[0] ends=[6] starts=[1]\n");
}

// Softmax took all dimensions from `axis` on as one.
TEST(OnnxUpconvert, SoftmaxOfRows) {
  EXPECT_EQ(structure_of(one(12, "Softmax", {4}, {})), "softmax(0)\n");
  EXPECT_EQ(structure_of(one(12, "Softmax", {3, 4}, {{"axis", 2}})), "softmax(0)\n");
  EXPECT_EQ(structure_of(one(12, "Softmax", {3, 4}, {{"axis", 1}})),
            "reshape(0) shape=[-1]\nsoftmax(1)\nreshape(2) shape=[3, 4]\n");
  EXPECT_EQ(structure_of(one(13, "Softmax", {3, 4}, {{"axis", 1}})), "softmax(0) axis=-2\n");
}

TEST(OnnxUpconvert, BatchNormsOfAllTimes) {
  const auto norm = [](std::int64_t opset, const List& shape,
                       const std::vector<TestModel::Attribute>& attributes,
                       const std::vector<std::string>& outputs) {
    TestModel model(opset);
    List dims = {0};
    dims.insert(dims.end(), shape.begin(), shape.end());
    model.input("x", dims);
    for (const char* name : {"a", "b", "c", "d"}) model.floats(name, {shape[0]});
    return model.node("BatchNormalization", {"x", "a", "b", "c", "d"}, outputs, attributes)
        .output("y");
  };
  EXPECT_EQ(structure_of(norm(6, {3, 4}, {{"is_test", 1}}, {"y"})), "batch_norm(0)\n");
  EXPECT_EQ(structure_of(norm(8, {3, 4}, {{"spatial", 1}}, {"y"})), "batch_norm(0)\n");
  EXPECT_EQ(structure_of(norm(8, {3}, {{"spatial", 0}}, {"y"})), "batch_norm(0)\n");
  EXPECT_THAT(norm(8, {3, 4}, {{"spatial", 0}}, {"y"}).error(), HasSubstr("spatial"));
  EXPECT_EQ(structure_of(norm(13, {3, 4}, {}, {"y", "m", "v", "sm", "sv"})),
            "batch_norm(0)\n");  // as PyTorch exports for training
  EXPECT_EQ(structure_of(norm(15, {3, 4}, {{"training_mode", 1}}, {"y", "m", "v"})),
            "batch_norm(0)\n");
  EXPECT_THAT(norm(15, {3, 4}, {{"training_mode", 1}}, {"y", "m", "v"}).output("m").error(),
              HasSubstr("output 1 is used"));
}

TEST(OnnxUpconvert, BroadcastingBeforeOpset7) {
  const Model model =
      one(6, "Add", {3, 4, 4}, {{"broadcast", 1}, {"axis", 1}}, {"b"}).floats("b", {3}).load();
  EXPECT_EQ(structure(model.graph), "constant() shape=[3, 1, 1]\nadd(0, 1)\n");
  EXPECT_EQ(structure_of(one(6, "Gemm", {4}, {{"broadcast", 1}, {"transB", 1}}, {"w", "b"})
                             .floats("w", {2, 4})
                             .floats("b", {2})),
            "linear(0) outputs=2\n");
}

TEST(OnnxUpconvert, SlopesBeforeOpset7StandAtTheChannels) {
  EXPECT_EQ(structure_of(one(6, "PRelu", {3, 2, 2}, {}, {"s"}).floats("s", {3})),
            "transpose(0) perm=[1, 2, 0]\nactivation(1) activation=prelu:0.25,1 "
            "layer=-\ntranspose(2) perm=[2, 0, 1]\n");
}

TEST(OnnxUpconvert, IsNoted) {
  EXPECT_THAT(one(9, "Clip", {4}, {{"min", 0.0f}}).load().notes,
              ElementsAre("opset 9 was read in the terms of the newest: 1 Clip"));
  EXPECT_THAT(one(9, "Relu", {4}, {}).load().notes, testing::IsEmpty());
}

}  // namespace
}  // namespace undying::onnx
