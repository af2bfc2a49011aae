// Weights that are computed from parameters alone: they train through what computes them, and are
// written with it.

#include "onnx/lower/derive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "onnx/run.h"
#include "onnx/test_model.h"

namespace undying::onnx {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using List = std::vector<std::int64_t>;
using Floats = std::vector<float>;

// Models whose nodes name the parameters they read, as PyTorch's exporter has it. Skipped where the
// ONNX library has no such field.
class OnnxDerive : public testing::Test {
 protected:
  void SetUp() override {
    if (field() == nullptr) GTEST_SKIP() << "this ONNX library has no metadata of nodes";
  }

  static const google::protobuf::FieldDescriptor* field() {
    return pb::NodeProto::descriptor()->FindFieldByName("metadata_props");
  }

  // The last node reads these: "p_fc_weight", "b_fc_mean".
  OnnxDerive& reads(const std::string& names) {
    auto& node = *model.proto.mutable_graph()->mutable_node(model.proto.graph().node_size() - 1);
    const std::string text = "%f : f(args = (" + names + "))";
    for (const auto& [key, value] : {std::pair<std::string, std::string>{"fx_node", text},
                                     {"name_scopes", "['', 'fc', 'f']"}}) {
      auto& entry = dynamic_cast<pb::StringStringEntryProto&>(
          *node.GetReflection()->AddMessage(&node, field()));
      entry.set_key("pkg.torch.onnx." + key);
      entry.set_value(value);
    }
    return *this;
  }

  // w = g v / |v|, a row of `inputs` elements each.
  void weight_norm(const List& shape) {
    List column(shape.size(), 1);
    column[0] = shape[0];
    List axes;
    for (std::size_t i = 1; i < shape.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    model.floats("fc.original0", column).floats("fc.original1", shape).list("axes", axes);
    model.node("ReduceL2", {"fc.original1", "axes"}, {"n"});
    reads("%p_fc_original1");
    model.node("Div", {"fc.original0", "n"}, {"d"});
    reads("%p_fc_original0, %n");
    model.node("Mul", {"fc.original1", "d"}, {"w"});
    reads("%p_fc_original1, %d");
  }

  void linear() {
    model.input("x", {0, 3}).floats("fc.bias", {4});
    weight_norm({4, 3});
    model.node("Gemm", {"x", "w", "fc.bias"}, {"y"}, {{"transB", 1}}).output("y");
    reads("%x, %w, %p_fc_bias");
  }

  TestModel model{20};
};

const Tensor& tensor(const Model& model, const std::string& name) {
  return *std::ranges::find(model.weights, name, &Tensor::name);
}

std::vector<std::string> names_of(const Model& model) {
  std::vector<std::string> names;
  for (const Tensor& each : model.weights) names.push_back(each.name);
  return names;
}

std::string structure_of(const Derived& derived) { return structure(Graph(derived.nodes)); }

Model saved_and_loaded(const Model& model, const SaveOptions& options = {}) {
  const auto file = test_path("derived.onnx");
  save(file, model.graph, model.weights, options);
  return load(file);
}

Floats outputs_of(const Model& model, std::int64_t inputs) {
  Floats values;
  for (std::int64_t i = 0; i < 2 * inputs; ++i)
    values.push_back(std::sin(static_cast<float>(i + 1)));
  return evaluate(model, {values}, 2)[0];
}

void expect_near(const Floats& found, const Floats& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], 1e-6f * (1.0f + std::fabs(expected[i]))) << i;
}

constexpr const char* kWeightNorm =
    "parameter() shape=[4, 3]\nmul(1, 1)\nreduce_sum(2) axes=[1]\nsqrt(3)\nparameter() shape=[4, "
    "1]\ndiv(5, 4)\nmul(1, 6)\n";

TEST_F(OnnxDerive, AWeightTrainsThroughItsLengthAndDirection) {
  linear();
  const Model loaded = model.load();
  ASSERT_EQ(loaded.graph.derived().size(), 1);
  EXPECT_EQ(loaded.graph.derived()[0].parameter, "fc.weight");
  EXPECT_EQ(structure_of(loaded.graph.derived()[0]), kWeightNorm);
  EXPECT_THAT(names_of(loaded), testing::UnorderedElementsAre("fc.weight", "fc.bias",
                                                              "fc.original0", "fc.original1"));
  const Floats& g = tensor(loaded, "fc.original0").values;
  const Floats& v = tensor(loaded, "fc.original1").values;
  Floats expected;
  for (std::size_t i = 0; i < 12; ++i) {
    double square = 0.0;
    for (std::size_t k = i / 3 * 3; k < i / 3 * 3 + 3; ++k) square += std::pow(v[k], 2.0);
    expected.push_back(static_cast<float>(g[i / 3] * v[i] / std::sqrt(square)));
  }
  expect_near(tensor(loaded, "fc.weight").values, expected);
  EXPECT_THAT(loaded.notes,
              Contains(HasSubstr("1 weight that is computed from parameters trains through")));
}

TEST_F(OnnxDerive, WhatComputesItIsWrittenAndReadAgain) {
  linear();
  const Model loaded = model.load();
  Model again = saved_and_loaded(loaded);
  for (int times = 0; times < 2; ++times) {
    ASSERT_EQ(again.graph.derived().size(), 1);
    EXPECT_EQ(structure_of(again.graph.derived()[0]), kWeightNorm);
    EXPECT_EQ(structure(again.graph), structure(loaded.graph));
    for (const Tensor& each : loaded.weights)
      EXPECT_EQ(tensor(again, each.name).values, each.values) << each.name;
    expect_near(outputs_of(again, 3), outputs_of(loaded, 3));
    again = saved_and_loaded(again);
  }
}

TEST_F(OnnxDerive, WithNormsFoldedWeightsAreWrittenAsTheyAre) {
  linear();
  const Model loaded = model.load();
  const Model folded = saved_and_loaded(loaded, {.fold = true});
  EXPECT_TRUE(folded.graph.derived().empty());
  EXPECT_THAT(names_of(folded), testing::UnorderedElementsAre("fc.weight", "fc.bias"));
  expect_near(outputs_of(folded, 3), outputs_of(loaded, 3));
}

TEST_F(OnnxDerive, ConvolutionsOfAnyRank) {
  for (const std::size_t rank : {1U, 2U, 3U}) {
    model = TestModel(20);
    List input = {0, 2};
    List kernel = {4, 2};
    for (std::size_t i = 0; i < rank; ++i) {
      input.push_back(3);
      kernel.push_back(2);
    }
    model.input("x", input);
    weight_norm(kernel);
    model.node("Conv", {"x", "w"}, {"y"}).output("y");
    reads("%x, %w");
    const Model loaded = model.load();
    ASSERT_EQ(loaded.graph.derived().size(), 1) << rank;
    const Model again = saved_and_loaded(loaded);
    ASSERT_EQ(again.graph.derived().size(), 1) << rank;
    EXPECT_EQ(structure_of(again.graph.derived()[0]), structure_of(loaded.graph.derived()[0]));
    const auto count = 2 * static_cast<std::int64_t>(std::pow(3, rank));
    expect_near(outputs_of(again, count), outputs_of(loaded, count));
  }
}

// As timm writes a standardised weight: a batch norm over its own rows, by their own mean.
TEST_F(OnnxDerive, AStandardisedWeight) {
  model.input("x", {0, 2, 3}).floats("fc.weight", {4, 2, 2}).floats("zero", {4}, Floats(4, 0.0f));
  model.floats("fc.gain", {4}, {1.0f, 2.0f, 3.0f, 4.0f});
  model.list("rows", {1, 4, -1}).list("axes", {0, 2}).list("whole", {4, 2, 2});
  model.node("Reshape", {"fc.weight", "rows"}, {"r"});
  reads("%p_fc_weight");
  model.node("ReduceMean", {"r", "axes"}, {"m"}, {{"keepdims", 0}});
  model.node("ReduceMean", {"r", "axes"}, {"k"}).node("Sub", {"r", "k"}, {"c"});
  model.node("Mul", {"c", "c"}, {"s"})
      .node("ReduceMean", {"s", "axes"}, {"var"}, {{"keepdims", 0}});
  model.node("BatchNormalization", {"r", "fc.gain", "zero", "m", "var"}, {"b"},
             {{"epsilon", 1e-3f}});
  reads("%r, %p_fc_gain");
  model.node("Reshape", {"b", "whole"}, {"w"}).node("Conv", {"x", "w"}, {"y"}).output("y");
  reads("%x, %w");
  const Model loaded = model.load();
  ASSERT_EQ(loaded.graph.derived().size(), 1);
  EXPECT_EQ(loaded.graph.derived()[0].parameter, "fc.computed_weight");
  EXPECT_THAT(names_of(loaded),
              testing::UnorderedElementsAre("fc.weight", "fc.gain", "fc.computed_weight"));
  const Floats& v = tensor(loaded, "fc.weight").values;
  Floats expected;
  for (std::size_t row = 0; row < 4; ++row) {
    double mean = 0.0;
    double variance = 0.0;
    for (std::size_t i = 4 * row; i < 4 * row + 4; ++i) mean += v[i] / 4.0;
    for (std::size_t i = 4 * row; i < 4 * row + 4; ++i) variance += std::pow(v[i] - mean, 2) / 4.0;
    for (std::size_t i = 4 * row; i < 4 * row + 4; ++i)
      expected.push_back(static_cast<float>(static_cast<double>(row + 1) * (v[i] - mean) /
                                            std::sqrt(variance + 1e-3)));
  }
  expect_near(tensor(loaded, "fc.computed_weight").values, expected);
  expect_near(outputs_of(saved_and_loaded(loaded), 6), outputs_of(loaded, 6));
}

// As torch.std writes how many elements it is of.
TEST_F(OnnxDerive, AWeightOverItsDeviation) {
  model.input("x", {0, 2, 3}).floats("fc.weight", {4, 2, 2}).integers("one", {}, {1});
  model.list("which", {1, 2}).list("axes", {1, 2}).floats("like", {1});
  model.node("ReduceMean", {"fc.weight", "axes"}, {"m"});
  reads("%p_fc_weight");
  model.node("Sub", {"fc.weight", "m"}, {"c"});
  reads("%p_fc_weight, %m");
  model.node("Mul", {"c", "c"}, {"s"}).node("ReduceMean", {"s", "axes"}, {"var"});
  model.node("Shape", {"fc.weight"}, {"dims"}).node("Gather", {"dims", "which"}, {"extents"});
  model.node("ReduceProd", {"extents"}, {"count"}, {{"keepdims", 0}});
  model.node("CastLike", {"count", "like"}, {"n"}).node("CastLike", {"one", "like"}, {"1"});
  model.node("Sub", {"n", "1"}, {"free"}).node("Mul", {"var", "n"}, {"sum"});
  model.node("Div", {"sum", "free"}, {"unbiased"}).node("Sqrt", {"unbiased"}, {"sd"});
  model.node("Div", {"c", "sd"}, {"w"}).node("Conv", {"x", "w"}, {"y"}).output("y");
  reads("%x, %w");
  const Model loaded = model.load();
  ASSERT_EQ(loaded.graph.derived().size(), 1);
  const Floats& v = tensor(loaded, "fc.weight").values;
  Floats expected;
  for (std::size_t i = 0; i < 16; ++i) {
    double mean = 0.0;
    double square = 0.0;
    for (std::size_t k = i / 4 * 4; k < i / 4 * 4 + 4; ++k) mean += v[k] / 4.0;
    for (std::size_t k = i / 4 * 4; k < i / 4 * 4 + 4; ++k)
      square += std::pow(v[k] - mean, 2) / 3.0;
    expected.push_back(static_cast<float>((v[i] - mean) / std::sqrt(square)));
  }
  expect_near(tensor(loaded, loaded.graph.derived()[0].parameter).values, expected);
}

// Its singular vectors are buffers, and belong to the weight that it has.
TEST_F(OnnxDerive, ASpectralNorm) {
  model.input("x", {0, 3}).floats("fc.original", {4, 3}).floats("fc._u", {4}).floats("fc._v", {3});
  model.node("MatMul", {"fc.original", "fc._v"}, {"mv"});
  reads("%p_fc_original, %b_fc__v");
  model.node("MatMul", {"fc._u", "mv"}, {"dot"});
  reads("%b_fc__u, %mv");
  model.node("Div", {"fc.original", "dot"}, {"w"});
  reads("%p_fc_original, %dot");
  model.node("Gemm", {"x", "w"}, {"y"}, {{"transB", 1}}).output("y");
  reads("%x, %w");
  const Model loaded = model.load();
  ASSERT_EQ(loaded.graph.derived().size(), 1);
  EXPECT_THAT(names_of(loaded), testing::UnorderedElementsAre("fc.original", "fc.weight"));
  const Floats& v = tensor(loaded, "fc.original").values;
  double sigma = 0.0;
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t k = 0; k < 3; ++k)
      sigma += static_cast<double>(v[i]) * v[3 * i + k] * v[k];  // all begin 0.1, -0.2, 0.3
  Floats expected;
  for (const float each : v) expected.push_back(static_cast<float>(each / sigma));
  expect_near(tensor(loaded, "fc.weight").values, expected);
  const Model again = saved_and_loaded(loaded);
  ASSERT_EQ(again.graph.derived().size(), 1);
  EXPECT_THAT(names_of(again), testing::UnorderedElementsAre("fc.original", "fc.weight"));
  expect_near(outputs_of(again, 3), outputs_of(loaded, 3));
  const Model fresh = model.load({.fresh = true});
  EXPECT_TRUE(fresh.graph.derived().empty());
  EXPECT_THAT(fresh.notes, Contains(HasSubstr("trains itself: w: it is drawn anew, and fc._")));
}

// What a product has turned for its rows is turned back: nothing of that is left.
TEST_F(OnnxDerive, ATurnedWeight) {
  model.input("x", {0, 2, 3});
  weight_norm({4, 3});
  model.node("Transpose", {"w"}, {"t"}, {{"perm", List{1, 0}}});
  model.node("MatMul", {"x", "t"}, {"y"}).output("y");
  reads("%x, %w");
  const Model loaded = model.load();
  ASSERT_EQ(loaded.graph.derived().size(), 1);
  EXPECT_EQ(structure_of(loaded.graph.derived()[0]), kWeightNorm);
  const Model again = saved_and_loaded(loaded);
  ASSERT_EQ(again.graph.derived().size(), 1);
  EXPECT_EQ(structure_of(again.graph.derived()[0]), kWeightNorm);
  expect_near(outputs_of(again, 6), outputs_of(loaded, 6));
}

// Two layers that read one weight have one tensor.
TEST_F(OnnxDerive, ASharedWeight) {
  model.input("x", {0, 3});
  weight_norm({3, 3});
  model.node("Gemm", {"x", "w"}, {"h"}, {{"transB", 1}});
  reads("%x, %w");
  model.node("Gemm", {"h", "w"}, {"y"}, {{"transB", 1}}).output("y");
  reads("%h, %w");
  const Model loaded = model.load();
  ASSERT_EQ(loaded.graph.derived().size(), 1);
  EXPECT_EQ(loaded.graph.nodes()[1].parameters, loaded.graph.nodes()[2].parameters);
}

TEST_F(OnnxDerive, WhatCannotBeSaidTrainsItselfAndIsNoted) {
  model.input("x", {0, 3}).floats("fc.original", {4, 2}).floats("mix", {2, 3});
  model.node("MatMul", {"fc.original", "mix"}, {"w"});
  reads("%p_fc_original, %b_mix");
  model.node("Gemm", {"x", "w"}, {"y"}, {{"transB", 1}}).output("y");
  reads("%x, %w");
  const Model loaded = model.load();
  EXPECT_TRUE(loaded.graph.derived().empty());
  EXPECT_THAT(names_of(loaded), ElementsAre("fc.f.weight"));
  EXPECT_THAT(loaded.notes,
              Contains("1 weight that is computed from parameters trains itself: w: MatMul "
                       "has weights of its own"));
}

// By default PyTorch's exporter leaves the result alone.
TEST_F(OnnxDerive, WhatTheExporterHasFoldedIsNoted) {
  model.input("x", {0, 3}).floats("mul", {4, 3}).floats("fc.bias", {4});
  model.node("Gemm", {"x", "mul", "fc.bias"}, {"y"}, {{"transB", 1}}).output("y");
  reads("%x, %mul, %p_fc_bias");
  EXPECT_THAT(model.load().notes,
              Contains(HasSubstr(
                  "1 weight was computed from parameters, which the exporter has folded (mul)")));
}

}  // namespace
}  // namespace undying::onnx
