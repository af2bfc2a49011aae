#include "onnx/names.h"

#include <gtest/gtest.h>

namespace undying::onnx {
namespace {

TEST(OnnxNames, AParametersModule) {
  EXPECT_EQ(module_of_tensor("layer1.0.conv1.weight"), "layer1.0.conv1");
  EXPECT_EQ(module_of_tensor("fc.bias"), "fc");
  EXPECT_EQ(module_of_tensor("bn.running_mean"), "bn");
  EXPECT_EQ(module_of_tensor("onnx::Conv_12"), "");
  EXPECT_EQ(module_of_tensor("kernel"), "");
}

TEST(OnnxNames, ANodesModuleInPyTorchsScopes) {
  EXPECT_EQ(module_of_node("/fc1/Gemm", "Gemm"), "fc1");
  EXPECT_EQ(module_of_node("/layer1/layer1.0/conv1/Conv", "Conv"), "layer1.0.conv1");
  EXPECT_EQ(module_of_node("/features/features.10/Relu_1", "Relu"), "features.10");
  EXPECT_EQ(module_of_node("/Flatten", "Flatten"), "Flatten");
  EXPECT_EQ(module_of_node("/act/Mul_1", ".activation"), "act");
}

TEST(OnnxNames, OthersNames) {
  EXPECT_EQ(module_of_node("model/dense/MatMul", "MatMul"), "model/dense");
  EXPECT_EQ(module_of_node("Relu_3", "Relu"), "Relu_3");
  EXPECT_EQ(module_of_node("17", "Relu"), "");
  EXPECT_EQ(module_of_node("onnx::Relu_3", "Relu"), "");
  EXPECT_EQ(module_of_node("model/dense", "Gemm"), "model/dense");
}

TEST(OnnxNames, TakenNamesGetNumbers) {
  UniqueNames names;
  EXPECT_EQ(names.take("relu"), "relu");
  EXPECT_EQ(names.take("relu"), "relu.2");
  EXPECT_EQ(names.take("relu"), "relu.3");
  EXPECT_FALSE(names.is_free("relu.2"));
}

}  // namespace
}  // namespace undying::onnx
