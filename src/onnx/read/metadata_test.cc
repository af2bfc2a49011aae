#include "onnx/read/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "onnx/run.h"
#include "onnx/test_model.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(OnnxMetadata, NamesAreRead) {
  EXPECT_THAT(mangled_names("%linear : [num_users=1] = call_function[target=x](args = (%input, "
                            "%p_0_weight, %p_0_bias, %b_1_mean), kwargs = {})"),
              ElementsAre("p_0_weight", "p_0_bias", "b_1_mean"));
  EXPECT_THAT(mangled_names("%"), ElementsAre());
  EXPECT_THAT(python_list("['', 'e.layers.0', 'linear']"), ElementsAre("", "e.layers.0", "linear"));
  EXPECT_THAT(python_list("['"), ElementsAre());
}

// A mangled name does not tell where its dots were: what the file calls its tensors does, or the
// modules around the node.
TEST(OnnxMetadata, NamesAreToldApart) {
  EXPECT_EQ(true_name("p_self_attn_in_proj_bias", {"", "self_attn"}, {}), "self_attn.in_proj_bias");
  EXPECT_EQ(true_name("p_a_b_c", {}, {"a.b_c", "x"}), "a.b_c");
  EXPECT_EQ(true_name("p_a_b_c", {"", "a", "a.b"}, {}), "a.b.c");
  EXPECT_EQ(true_name("p_other_weight", {"", "a"}, {}), "");
}

// What PyTorch's exporter says beside a node. Skipped where the ONNX library has no such field.
struct Noted {
  TestModel model{20};

  bool note(const std::string& fx_node, const std::string& scopes,
            const std::string& classes = "[]") {
    auto& node = *model.proto.mutable_graph()->mutable_node(model.proto.graph().node_size() - 1);
    const auto* field = node.GetDescriptor()->FindFieldByName("metadata_props");
    if (field == nullptr) return false;
    for (const auto& [key, value] :
         {std::pair{"fx_node", fx_node}, {"name_scopes", scopes}, {"class_hierarchy", classes}}) {
      auto& entry = dynamic_cast<pb::StringStringEntryProto&>(
          *node.GetReflection()->AddMessage(&node, field));
      entry.set_key(std::string("pkg.torch.onnx.") + key);
      entry.set_value(value);
    }
    return true;
  }
};

bool has_metadata() {
  return pb::NodeProto::descriptor()->FindFieldByName("metadata_props") != nullptr;
}

std::vector<std::string> tensor_names(const Model& model) {
  std::vector<std::string> names;
  for (const Tensor& tensor : model.weights) names.push_back(tensor.name);
  return names;
}

// Two PReLUs that read one initializer, since their slopes are equal.
Model two_slopes(const std::string& first, const std::string& second) {
  Noted noted;
  noted.model.input("x", {0, 3}).floats("val_1", {1}, {0.25f}).node("PRelu", {"x", "val_1"}, {"a"});
  noted.note("%prelu = prelu(args = (%x, %" + first + "))", "['', 'f', 'prelu']");
  noted.model.node("PRelu", {"a", "val_1"}, {"y"}).output("y");
  noted.note("%prelu_1 = prelu(args = (%a, %" + second + "))", "['', 'g', 'prelu_1']");
  return noted.model.load();
}

TEST(OnnxMetadata, MergedInitializersAreUntied) {
  if (!has_metadata()) GTEST_SKIP() << "this ONNX library has no metadata of nodes";
  EXPECT_THAT(tensor_names(two_slopes("p_f_weight", "p_g_weight")),
              ElementsAre("f.weight", "g.weight"));
  EXPECT_THAT(tensor_names(two_slopes("p_f_weight", "p_f_weight")), ElementsAre("f.weight"));
}

TEST(OnnxMetadata, WeightsGetTheirNamesBack) {
  if (!has_metadata()) GTEST_SKIP() << "this ONNX library has no metadata of nodes";
  Noted noted;
  noted.model.input("x", {0, 2, 3})
      .floats("val_0", {3, 4})
      .node("MatMul", {"x", "val_0"}, {"y"})
      .output("y");
  noted.note("%linear = linear(args = (%x, %p_fc_weight, None))", "['', 'fc', 'linear']");
  const Model model = noted.model.load();
  EXPECT_THAT(tensor_names(model), ElementsAre("fc.weight"));
  EXPECT_EQ(model.weights[0].shape, (Shape{4, 3}));
  EXPECT_EQ(model.graph.nodes()[1].name, "fc");
}

TEST(OnnxMetadata, RemovedBiasesAreThereAgain) {
  if (!has_metadata()) GTEST_SKIP() << "this ONNX library has no metadata of nodes";
  Noted noted;
  noted.model.input("x", {0, 3})
      .floats("fc.weight", {4, 3})
      .node("Gemm", {"x", "fc.weight"}, {"y"}, {{"transB", 1}})
      .output("y");
  noted.note("%linear = linear(args = (%x, %p_fc_weight, %p_fc_bias))", "['', 'fc', 'linear']");
  const Model model = noted.model.load();
  EXPECT_THAT(tensor_names(model), ElementsAre("fc.weight", "fc.bias"));
  EXPECT_THAT(model.weights[1].values, testing::Each(0.0f));
  EXPECT_THAT(model.notes, Contains(HasSubstr("1 bias of 0")));
}

TEST(OnnxMetadata, AFoldedBatchNormIsSaid) {
  if (!has_metadata()) GTEST_SKIP() << "this ONNX library has no metadata of nodes";
  Noted noted;
  noted.model.input("x", {0, 1, 4, 4})
      .floats("c.weight", {2, 1, 3, 3})
      .node("Conv", {"x", "c.weight"}, {"y"})
      .output("y");
  noted.note(
      "%norm = _native_batch_norm_legit_no_training(args = (%conv2d, %p_n_weight, %p_n_bias))",
      "['', 'n', 'norm']");
  const Model model = noted.model.load();
  EXPECT_THAT(model.notes, Contains(HasSubstr("optimize=False")));
  EXPECT_EQ(model.weights[0].name, "c.weight");
  EXPECT_EQ(model.weights.size(), 2u);  // the bias, which the norm had
}

// The token in front of a sequence, trained.
TEST(OnnxMetadata, AParameterThatIsAddedTrains) {
  if (!has_metadata()) GTEST_SKIP() << "this ONNX library has no metadata of nodes";
  Noted noted;
  noted.model.input("x", {0, 2, 3})
      .floats("p", {1, 2, 3})
      .node("Add", {"x", "p"}, {"y"})
      .output("y");
  noted.note("%add = add(args = (%x, %p_p))", "['', 'add']");
  const Model model = noted.model.load();
  EXPECT_EQ(structure(model.graph), "parameter() shape=[2, 3]\nadd(0, 1)\n");
  EXPECT_THAT(tensor_names(model), ElementsAre("p"));
}

TEST(OnnxMetadata, WeightsDrawnAnewHaveTheirNormAgain) {
  if (!has_metadata()) GTEST_SKIP() << "this ONNX library has no metadata of nodes";
  Noted noted;
  noted.model.input("x", {0, 1, 4, 4}).floats("c.weight", {2, 1, 3, 3}).floats("c.bias", {2});
  noted.model.node("Conv", {"x", "c.weight", "c.bias"}, {"z"});
  noted.note(
      "%norm = _native_batch_norm_legit_no_training(args = (%conv2d, %p_n_weight, %p_n_bias))",
      "['', 'n', 'norm']");
  noted.model.node("Relu", {"z"}, {"y"}).output("y");
  const Model model = noted.model.load({.fresh = true});
  EXPECT_EQ(structure(model.graph),
            "conv(0) bias=0 kernel=[3, 3] outputs=2\n"
            "batch_norm(1)\n"
            "activation(2) activation=relu layer=-\n");
  EXPECT_THAT(tensor_names(model),
              ElementsAre("c.weight", "n.weight", "n.bias", "n.running_mean", "n.running_var"));
  EXPECT_THAT(model.notes, Contains(HasSubstr("1 batch norm that the exporter folded")));
}

// Statistics of inputs and random features of a network are buffers: no training touches them.
TEST(OnnxMetadata, BuffersDoNotTrain) {
  if (!has_metadata()) GTEST_SKIP() << "this ONNX library has no metadata of nodes";
  Noted noted;
  noted.model.input("x", {0, 3}).floats("mu", {3}).node("Sub", {"x", "mu"}, {"a"});
  noted.note("%sub = sub(args = (%x, %b_mu))", "['', 'sub']");
  noted.model.floats("features", {3, 4}).node("MatMul", {"a", "features"}, {"b"});
  noted.note("%matmul = matmul(args = (%sub, %b_features))", "['', 'matmul']");
  noted.model.floats("fc.weight", {4, 2}).node("MatMul", {"b", "fc.weight"}, {"y"}).output("y");
  noted.note("%linear = linear(args = (%matmul, %p_fc_weight, None))", "['', 'fc', 'linear']");
  const Model model = noted.model.load();
  EXPECT_EQ(
      structure(model.graph),
      "constant() shape=[3]\nsub(0, 1)\nlinear(2) bias=0 outputs=4\nlinear(3) bias=0 outputs=2\n");
  EXPECT_THAT(model.frozen, ElementsAre("matmul.weight"));
}

// x + relu(p w), as positions are computed: w trains, and the file that is written is the same
// function.
TEST(OnnxMetadata, ParametersAreTrainedThrough) {
  if (!has_metadata()) GTEST_SKIP() << "this ONNX library has no metadata of nodes";
  Noted noted;
  noted.model.input("x", {0, 2, 4})
      .floats("p", {1, 2, 3})
      .floats("w", {3, 4})
      .node("MatMul", {"p", "w"}, {"a"});
  noted.note("%linear = linear(args = (%p, %p_fc_weight, None))", "['', 'fc', 'linear']");
  noted.model.node("Relu", {"a"}, {"b"}).node("Add", {"x", "b"}, {"y"}).output("y");
  const Model model = noted.model.load();
  EXPECT_EQ(structure(model.graph),
            "constant() shape=[1, 2, 3]\nlinear(1) bias=0 outputs=4\nactivation(2) activation=relu "
            "layer=-\n"
            "reshape(3) shape=[2, 4]\nadd(0, 4)\n");
  EXPECT_THAT(tensor_names(model), Contains("fc.weight"));
  EXPECT_THAT(model.notes, Contains(HasSubstr("train through")));
  const auto file = test_path("through.onnx");
  save(file, model.graph, model.weights);
  const std::vector<float> x(16, 0.5f);
  EXPECT_EQ(evaluate(load(file), {x}, 2), evaluate(model, {x}, 2));
}

TEST(OnnxMetadata, WhatIsWrittenLooksLikeWhatWasRead) {
  TestModel model(17);
  model.input("x", {0, 3})
      .floats("w", {400, 3})
      .node("Gemm", {"x", "w"}, {"y"}, {{"transB", 1}})
      .output("y");
  auto& entry = *model.proto.add_metadata_props();
  entry.set_key("made");
  entry.set_value("by hand");
  Model loaded = model.load();
  EXPECT_EQ(loaded.opset, 17);
  loaded.external = true;
  const auto file = test_path("like.onnx");
  save(file, loaded.graph, loaded.weights, like(loaded));
  const Model again = load(file);
  EXPECT_EQ(again.opset, 17);
  EXPECT_TRUE(again.external);
  EXPECT_THAT(again.metadata, ElementsAre(std::pair<std::string, std::string>("made", "by hand")));
  ASSERT_EQ(again.weights.size(), 1u);
  EXPECT_EQ(again.weights[0].values, loaded.weights[0].values);
  EXPECT_EQ(std::filesystem::file_size(test_path("like.onnx.data")), 4800u);
}

}  // namespace
}  // namespace undying::onnx
