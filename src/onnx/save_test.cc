#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "onnx/exporter.h"
#include "onnx/test_model.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using List = std::vector<std::int64_t>;

// Every tensor of a graph, with values that tell them apart.
std::vector<Tensor> tensors_of(const Graph& graph) {
  std::map<std::string, Tensor> tensors;
  const auto values = ops::values(graph);
  for (const Node& node : graph.nodes()) {
    for (const auto& spec : owned_tensors(node, values)) {
      Tensor tensor{spec.name, spec.shape, {}};
      for (std::int64_t i = 0; i < ops::element_count(spec.shape); ++i)
        tensor.values.push_back(0.25f + 0.01f * static_cast<float>(i) + 0.1f * static_cast<float>(tensors.size()));
      tensors[spec.name] = tensor;
    }
  }
  std::vector<Tensor> all;
  for (auto& [name, tensor] : tensors) all.push_back(std::move(tensor));
  return all;
}

Model round_trip(const Graph& graph, const SaveOptions& options = {}) {
  const auto file = test_path("saved.onnx");
  save(file, graph, tensors_of(graph), options);
  return load(file);
}

// Written and read again: the same operators with the same attributes, the same tensors under the same names.
void expect_round_trip(const Graph& graph) {
  const Model again = round_trip(graph);
  EXPECT_EQ(structure(again.graph), structure(graph));
  std::map<std::string, std::vector<float>> before;
  for (const Tensor& tensor : tensors_of(graph)) before[tensor.name] = tensor.values;
  for (const Tensor& tensor : again.weights) EXPECT_EQ(tensor.values, before[tensor.name]) << tensor.name;
  EXPECT_EQ(again.weights.size(), before.size());
}

Graph chain(const Shape& input, std::vector<Node> nodes) {
  std::vector<Node> all = {{"x", "input", {}, {{"shape", input}}}};
  for (Node& node : nodes) {
    node.inputs = {static_cast<int>(all.size()) - 1};
    all.push_back(std::move(node));
  }
  return Graph(std::move(all));
}

Node activation(const std::string& specification) {
  return {"act", "activation", {}, {{"activation", Activation(specification)}, {"layer", std::string("act")}, {"sequence", std::int64_t{0}}}};
}

TEST(OnnxSave, EveryActivationOfTheFamilyComesBack) {
  for (const ActivationInfo& info : activation_family()) {
    if (info.name == "identity" || info.name == "rrelu") continue;  // written as nothing, and as its mean slope
    SCOPED_TRACE(info.name);
    expect_round_trip(chain({3}, {{"fc", "linear", {}, {{"outputs", std::int64_t{4}}}}, activation(std::string(info.name))}));
  }
}

TEST(OnnxSave, ParametersOfActivationsComeBack) {
  for (const char* specification : {"leaky_relu:0.2", "leaky_relu:1.5", "leaky_relu:-0.3", "elu:0.5", "celu:2", "softplus:3", "thresholded_relu:-0.5",
                                    "hardsigmoid:0.2,0.25", "prelu:0.25,1"}) {
    SCOPED_TRACE(specification);
    expect_round_trip(chain({3}, {activation(specification)}));
  }
}

TEST(OnnxSave, RandomSlopesBecomeTheirMean) {
  const Model model = round_trip(chain({3}, {activation("rrelu:0.1,0.3")}));
  EXPECT_EQ(structure(model.graph), "activation(0) activation=leaky_relu:0.2 layer=-\n");
}

TEST(OnnxSave, Mlp) { expect_round_trip(mlp({.inputs = 5, .hidden = {4, 3}, .outputs = 2, .activation = "leaky_relu:0.1"})); }

TEST(OnnxSave, BatchNormStaysOrIsFolded) {
  const Graph graph = mlp({.inputs = 5, .hidden = {4}, .outputs = 2, .batch_norm = true});
  expect_round_trip(graph);
  const Model folded = round_trip(graph, {.fold = true});
  EXPECT_EQ(structure(folded.graph), structure(mlp({.inputs = 5, .hidden = {4}, .outputs = 2})));
}

TEST(OnnxSave, DropoutIsGone) {
  const Model model = round_trip(mlp({.inputs = 5, .hidden = {4}, .outputs = 2, .dropout = 0.5}));
  EXPECT_EQ(structure(model.graph), structure(mlp({.inputs = 5, .hidden = {4}, .outputs = 2})));
}

TEST(OnnxSave, NamesOfLayersComeBack) {
  const Model model = round_trip(mlp({.inputs = 5, .hidden = {4}, .outputs = 2, .activation = "gelu"}));
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

TEST(OnnxSave, DocSaysWhatWasDone) {
  const Graph graph = mlp({.inputs = 2, .hidden = {2}, .outputs = 2, .dropout = 0.5});
  round_trip(graph, {.doc = "Revived."});
  pb::ModelProto proto = read_model(test_path("saved.onnx"));
  EXPECT_EQ(proto.doc_string(), "Revived.\n1 dropout left out");
  EXPECT_EQ(proto.opset_import(0).version(), 17);
  EXPECT_EQ(proto.graph().input(0).type().tensor_type().shape().dim(0).dim_param(), "N");
}

TEST(OnnxSave, ATensorThatIsMissingOrDoesNotFitIsNamed) {
  const Graph graph = mlp({.inputs = 2, .hidden = {}, .outputs = 2});
  std::vector<Tensor> tensors = tensors_of(graph);
  tensors[0].shape = {1};
  EXPECT_THAT([&] { save(test_path("bad.onnx"), graph, tensors); }, testing::ThrowsMessage<Error>(HasSubstr("has the shape (1); expected (2)")));
  EXPECT_THAT([&] { save(test_path("bad.onnx"), graph, {}); }, testing::ThrowsMessage<Error>(HasSubstr("layer.0.weight is missing")));
  EXPECT_FALSE(std::filesystem::exists(test_path("bad.onnx")));
}

}  // namespace
}  // namespace undying::onnx
