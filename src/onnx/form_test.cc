#include "onnx/form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "onnx/run.h"
#include "onnx/test_model.h"

namespace undying::onnx {
namespace {

Graph network() { return mlp({.inputs = 2, .hidden = {3}, .outputs = 1, .activation = "tanh"}); }

std::vector<Tensor> weights() {
  return {{"layer.0.weight", {3, 2}, {0.5f, -1.0f, 0.25f, 1.5f, -0.75f, 0.1f}},
          {"layer.0.bias", {3}, {0.1f, 0.2f, -0.3f}},
          {"layer.1.weight", {1, 3}, {1.0f, -2.0f, 0.5f}},
          {"layer.1.bias", {1}, {0.25f}}};
}

DataForm form() {
  DataForm form{.mean = {100.0f, -5.0f},
                .deviation = {20.0f, 0.5f},
                .target_mean = {1000.0f},
                .target_deviation = 300.0f};
  form.columns = {{.name = "income", .values = {}, .fill = 90.0f},
                  {.name = "city", .values = {"Oslo", "R\"ome"}, .fill = {}}};
  form.class_names = {"a", "b"};
  form.target = "price";
  return form;
}

std::vector<float> outputs(const Model& model, const std::vector<float>& inputs) {
  return evaluate(model, {inputs}, 1)[0];
}

TEST(Form, TravelsAndIsTakenOffAgain) {
  const auto file = test_path("form.onnx");
  save(file, network(), weights(), {.form = form()});
  const Model model = load(file);
  ASSERT_TRUE(model.form.has_value());
  EXPECT_EQ(model.form->mean, form().mean);
  EXPECT_EQ(model.form->deviation, form().deviation);
  EXPECT_EQ(model.form->target_mean, form().target_mean);
  EXPECT_EQ(model.form->target_deviation, 300.0f);
  EXPECT_EQ(model.form->class_names, form().class_names);
  EXPECT_EQ(model.form->target, "price");
  ASSERT_EQ(model.form->columns.size(), 2U);
  EXPECT_EQ(model.form->columns[0].fill, 90.0f);
  EXPECT_EQ(model.form->columns[1].values, form().columns[1].values);
  save(test_path("bare.onnx"), network(), weights());
  EXPECT_EQ(describe(model.graph), describe(load(test_path("bare.onnx")).graph));
}

// Read by a program that knows nothing of the form, the file takes numbers as they are and answers
// in the target's units.
TEST(Form, TheFileTakesNumbersAsTheyAre) {
  const auto file = test_path("form.onnx");
  save(file, network(), weights(), {.form = form()});
  pb::ModelProto proto = parse_model(read_bytes(file));
  const Model inside = load(file);
  proto.clear_metadata_props();
  const Model whole = load(proto);
  EXPECT_FALSE(whole.form.has_value());
  std::set<std::string> names;
  for (const auto& node : proto.graph().node())
    EXPECT_TRUE(names.insert(node.name()).second) << node.name();
  const float answer = outputs(inside, {(130.0f - 100.0f) / 20.0f, (-4.5f + 5.0f) / 0.5f})[0];
  EXPECT_NEAR(outputs(whole, {130.0f, -4.5f})[0], 1000.0f + 300.0f * answer, 1e-2);
}

TEST(Form, OneThatDoesNotFitItsNodesIsNoForm) {
  const auto file = test_path("form.onnx");
  save(file, network(), weights(), {.form = form()});
  pb::ModelProto proto = parse_model(read_bytes(file));
  for (auto& node : *proto.mutable_graph()->mutable_node())
    if (node.op_type() == "Div") node.set_op_type("Mul");
  EXPECT_FALSE(load(proto).form.has_value());
  proto = parse_model(read_bytes(file));
  proto.mutable_metadata_props(0)->set_value("{\"format\": \"undying-data 1\", \"mean\": \"x\"}");
  EXPECT_FALSE(load(proto).form.has_value());
}

TEST(Form, BytesAreDividedInTheFile) {
  save(test_path("form.onnx"), network(), weights(),
       {.form = DataForm{.mean = {0.0f}, .deviation = {255.0f}}});
  const pb::ModelProto proto = parse_model(read_bytes(test_path("form.onnx")));
  EXPECT_EQ(proto.graph().node(0).op_type(), "Div");
  EXPECT_EQ(load(proto).form->deviation, std::vector<float>{255.0f});
}

}  // namespace
}  // namespace undying::onnx
