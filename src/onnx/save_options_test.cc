// What may be asked of a written file: folded norms, names, what was done to it; and what cannot be
// written.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "onnx/read/parse.h"
#include "onnx/run.h"
#include "onnx/shape_inference/implementation.h"
#include "onnx/test_model.h"
#include "onnx/write/exporter.h"
#include "undying/error.h"

#include "onnx/test_save.h"

namespace undying::onnx {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using List = std::vector<std::int64_t>;

TEST(OnnxSave, OneNumberAnExampleIsWrittenWithoutADimensionWhereTheFileHadNone) {
  const Graph graph({{"x", "input", {}, {{"shape", List{1}}}},
                     {"fc", "linear", {0}, {{"outputs", std::int64_t{1}}}}});
  const Model again =
      round_trip(graph, {.inputs = {"dose"}, .outputs = {"risk"}, .scalars = {"dose", "risk"}});
  const pb::ModelProto proto = saved_proto();
  EXPECT_EQ(shape_text(proto.graph().input(0)), "(N)");
  EXPECT_EQ(shape_text(proto.graph().output(0)), "(N)");
  expect_declared_shapes();
  EXPECT_EQ(structure(again.graph), structure(graph));
  EXPECT_THAT(again.scalars, ElementsAre("dose", "risk"));
  EXPECT_EQ(like(again).scalars, again.scalars);
  expect_same_outputs({graph, tensors_of(graph), {}, {}, {}}, again, 0.0f);
}

// ---- Batch norm.

TEST(OnnxSave, BatchNormIsFoldedWhereItIsAskedFor) {
  const auto expect_folded = [](const Graph& graph, const std::string& expected) {
    const Model again = round_trip(graph, {.fold = true});
    EXPECT_EQ(structure(again.graph), expected);
    expect_same_outputs({graph, tensors_of(graph), {}, {}, {}}, again, 1e-5f);
  };
  expect_folded(mlp({.inputs = 5, .hidden = {4}, .outputs = 2, .batch_norm = true}),
                structure(mlp({.inputs = 5, .hidden = {4}, .outputs = 2})));
  expect_folded(chain({2, 4, 4}, {node("conv", {{"outputs", std::int64_t{3}},
                                                {"kernel", List{3, 3}},
                                                {"bias", std::int64_t{0}}}),
                                  node("batch_norm")}),
                "conv(0) kernel=[3, 3] outputs=3\n");
  expect_folded(chain({4, 3, 3}, {node("conv_transpose", {{"outputs", std::int64_t{6}},
                                                          {"kernel", List{2, 2}},
                                                          {"groups", std::int64_t{2}}}),
                                  node("batch_norm")}),
                "conv_transpose(0) groups=2 kernel=[2, 2] outputs=6\n");
}

TEST(OnnxSave, BatchNormStaysWhereSomethingElseReadsBeforeIt) {
  const Graph graph({{"x", "input", {}, {{"shape", List{4}}}},
                     {"fc", "linear", {0}, {{"outputs", std::int64_t{4}}}},
                     {"bn", "batch_norm", {1}, {}},
                     {"sum", "add", {2, 1}, {}}});
  EXPECT_EQ(structure(round_trip(graph, {.fold = true}).graph), structure(graph));
  const Graph first =
      chain({4}, {node("batch_norm"), node("linear", {{"outputs", std::int64_t{2}}})});
  EXPECT_EQ(structure(round_trip(first, {.fold = true}).graph), structure(first));
}

TEST(OnnxSave, ATensorThatDoesNotFitIsNotFolded) {
  const Graph graph = chain(
      {2, 4, 4},
      {node("conv", {{"outputs", std::int64_t{3}}, {"kernel", List{3, 3}}}), node("batch_norm")});
  const auto expect_refused = [&](const std::string& name, const auto& spoil) {
    SCOPED_TRACE(name);
    std::vector<Tensor> tensors = tensors_of(graph);
    spoil(*std::ranges::find(tensors, name, &Tensor::name));
    const Error error = error_of(graph, tensors, {.fold = true});
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("its tensor " + name + " has"));
  };
  for (const Tensor& tensor : tensors_of(graph)) {
    expect_refused(tensor.name, [](Tensor& spoiled) { spoiled.shape = {}; });
    expect_refused(tensor.name, [](Tensor& spoiled) { spoiled.values.pop_back(); });
    expect_refused(tensor.name, [](Tensor& spoiled) {
      spoiled.shape.front() -= 1;
      spoiled.values.resize(static_cast<std::size_t>(ops::element_count(spoiled.shape)));
    });
  }
}

TEST(OnnxSave, DropoutIsGone) {
  const Model model = round_trip(mlp({.inputs = 5, .hidden = {4}, .outputs = 2, .dropout = 0.5}));
  EXPECT_EQ(structure(model.graph), structure(mlp({.inputs = 5, .hidden = {4}, .outputs = 2})));
}

TEST(OnnxSave, NamesOfLayersComeBack) {
  const Model model =
      round_trip(mlp({.inputs = 5, .hidden = {4}, .outputs = 2, .activation = "gelu"}));
  EXPECT_EQ(describe(model.graph),
            "input = input() shape=[5]\n"
            "layer.0 = linear(input) outputs=4 [layer.0.weight layer.0.bias]\n"
            "layer.0.activation = activation(layer.0) activation=gelu layer=layer.0\n"
            "layer.1 = linear(layer.0.activation) outputs=2 [layer.1.weight layer.1.bias]\n");
}

TEST(OnnxSave, SharedTensorsAreWrittenOnce) {
  const Node node{"a", "linear", {}, {{"outputs", std::int64_t{3}}}, {"w", "b"}};
  Node same = node;
  same.name = "c";
  expect_round_trip(chain({3}, {node, same}));
}

TEST(OnnxSave, InputsAndOutputsGoByTheNamesGiven) {
  const Graph graph = mlp({.inputs = 2, .hidden = {}, .outputs = 2});
  const Model model = round_trip(graph, {.inputs = {"pixels"}, .outputs = {"scores"}});
  EXPECT_THAT(model.inputs, ElementsAre("pixels"));
  EXPECT_THAT(model.outputs, ElementsAre("scores"));
}

TEST(OnnxSave, NamesThatAreTooManyOrTooFew) {
  const Graph graph = mlp({.inputs = 2, .hidden = {}, .outputs = 2});
  const Error inputs = error_of(graph, tensors_of(graph), {.inputs = {"a", "b"}});
  EXPECT_EQ(inputs.code(), ErrorCode::kInvalidArgument);
  EXPECT_STREQ(inputs.what(), "[inputs] 2 names; expected 1");
  EXPECT_STREQ(error_of(graph, tensors_of(graph), {.outputs = {"a", "b", "c"}}).what(),
               "[outputs] 3 names; expected 1");
}

TEST(OnnxSave, DocSaysWhatWasDone) {
  const Graph graph = mlp({.inputs = 2, .hidden = {2}, .outputs = 2, .dropout = 0.5});
  round_trip(graph, {.doc = "Revived."});
  const pb::ModelProto proto = saved_proto();
  EXPECT_EQ(proto.doc_string(), "Revived.\n1 dropout left out");
  EXPECT_EQ(proto.opset_import(0).version(), std::min(kWrittenOpset, last_opset()));
  EXPECT_EQ(proto.graph().input(0).type().tensor_type().shape().dim(0).dim_param(), "N");
}

TEST(OnnxSave, ATensorThatIsMissingOrDoesNotFitIsNamed) {
  const Graph graph = mlp({.inputs = 2, .hidden = {}, .outputs = 2});
  std::vector<Tensor> tensors = tensors_of(graph);
  tensors[0].shape = {1};
  EXPECT_THAT([&] { save(test_path("bad.onnx"), graph, tensors); },
              testing::ThrowsMessage<Error>(HasSubstr("has the shape (1); expected (2)")));
  EXPECT_THAT([&] { save(test_path("bad.onnx"), graph, {}); },
              testing::ThrowsMessage<Error>(HasSubstr("layer.0.weight is missing")));
  EXPECT_FALSE(std::filesystem::exists(test_path("bad.onnx")));
}

}  // namespace
}  // namespace undying::onnx
