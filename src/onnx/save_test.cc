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
#include "onnx/test_save.h"
#include "onnx/write/exporter.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

using List = std::vector<std::int64_t>;

TEST(OnnxSave, EveryActivationOfTheFamilyComesBack) {
  for (const ActivationInfo& info : activation_family()) {
    if (info.name == "identity" || info.name == "rrelu")
      continue;  // written as nothing, and as its mean slope
    SCOPED_TRACE(info.name);
    expect_round_trip(chain({3}, {{"fc", "linear", {}, {{"outputs", std::int64_t{4}}}},
                                  activation(std::string(info.name))}));
  }
}

TEST(OnnxSave, ParametersOfActivationsComeBack) {
  for (const char* specification :
       {"leaky_relu:0.2", "leaky_relu:1.5", "leaky_relu:-0.3", "elu:0.5", "celu:2", "softplus:3",
        "thresholded_relu:-0.5", "hardsigmoid:0.2,0.25", "prelu:0.25,1"}) {
    SCOPED_TRACE(specification);
    expect_round_trip(chain({3}, {activation(specification)}));
  }
}

TEST(OnnxSave, RandomSlopesBecomeTheirMean) {
  const Model model = round_trip(chain({3}, {activation("rrelu:0.1,0.3")}));
  EXPECT_EQ(structure(model.graph), "activation(0) activation=leaky_relu:0.2 layer=-\n");
}

TEST(OnnxSave, Mlp) {
  expect_round_trip(
      mlp({.inputs = 5, .hidden = {4, 3}, .outputs = 2, .activation = "leaky_relu:0.1"}));
}

// ---- Every operator.

constexpr std::int64_t kOne = 1;

TEST(OnnxSave, Layers) {
  expect_round_trip(
      chain({3}, {node("linear", {{"outputs", std::int64_t{4}}, {"bias", std::int64_t{0}}})}));
  expect_round_trip(chain({5, 3}, {node("linear", {{"outputs", std::int64_t{4}}})}));
  expect_round_trip(
      chain({5, 3}, {node("linear", {{"outputs", std::int64_t{4}}, {"bias", std::int64_t{0}}})}));
  expect_round_trip(chain(
      {2, 6},
      {node("conv", {{"outputs", std::int64_t{4}}, {"kernel", List{3}}, {"pads", List{1, 0}}})}));
  expect_round_trip(chain({4, 6, 6}, {node("conv", {{"outputs", std::int64_t{4}},
                                                    {"kernel", List{3, 3}},
                                                    {"strides", List{2, 1}},
                                                    {"dilations", List{1, 2}},
                                                    {"groups", std::int64_t{2}},
                                                    {"bias", std::int64_t{0}}})}));
  expect_round_trip(chain({2, 6, 6}, {node("conv", {{"outputs", std::int64_t{4}},
                                                    {"kernel", List{3, 3}},
                                                    {"auto_pad", std::string("same_lower")}})}));
  expect_round_trip(chain({4, 3, 3}, {node("conv_transpose", {{"outputs", std::int64_t{2}},
                                                              {"kernel", List{3, 3}},
                                                              {"strides", List{2, 2}},
                                                              {"output_padding", List{1, 0}},
                                                              {"groups", std::int64_t{2}}})}));
}

TEST(OnnxSave, Pools) {
  expect_round_trip(chain(
      {2, 7, 7},
      {node("max_pool", {{"kernel", List{2, 2}}, {"strides", List{2, 2}}, {"ceil_mode", kOne}})}));
  expect_round_trip(chain(
      {2, 7}, {node("average_pool",
                    {{"kernel", List{3}}, {"pads", List{1, 1}}, {"count_include_pad", kOne}})}));
  expect_round_trip(chain({2, 4, 4}, {node("global_average_pool")}));
  expect_round_trip(chain({2, 4, 4}, {node("global_max_pool")}));
}

TEST(OnnxSave, Volumes) {
  expect_round_trip(chain({2, 4, 5, 6}, {node("conv", {{"outputs", std::int64_t{4}},
                                                       {"kernel", List{3, 2, 3}},
                                                       {"pads", List{1, 0, 1, 1, 1, 0}}})}));
  expect_round_trip(chain({4, 3, 2, 3}, {node("conv_transpose", {{"outputs", std::int64_t{2}},
                                                                 {"kernel", List{2, 3, 2}},
                                                                 {"strides", List{2, 1, 2}}})}));
  expect_round_trip(chain(
      {2, 4, 5, 6}, {node("max_pool", {{"kernel", List{2, 3, 2}}, {"strides", List{2, 1, 2}}})}));
  expect_round_trip(
      chain({2, 4, 5, 6},
            {node("average_pool", {{"kernel", List{2, 3, 2}}, {"pads", List{1, 1, 0, 0, 1, 1}}})}));
  expect_round_trip(chain({2, 4, 3, 2}, {node("batch_norm"), node("global_average_pool")}));
}

// What comes back may have another form; it is the same function.
void expect_same_function(const Graph& graph) {
  const Model again = round_trip(graph);
  expect_same_outputs({graph, tensors_of(graph), {}, {}, {}}, again, 1e-5f);
  expect_same_outputs(again, round_trip(again.graph), 1e-5f);
}

TEST(OnnxSave, Recurrent) {
  for (const char* op : {"rnn", "lstm", "gru"}) {
    SCOPED_TRACE(op);
    const Attributes both = {{"hidden", std::int64_t{3}}, {"directions", std::int64_t{2}}};
    expect_same_function(chain({4, 2}, {node(op, both)}));
    expect_same_function(
        chain({4, 2}, {node(op, {{"hidden", std::int64_t{3}}, {"reverse", kOne}})}));
    std::vector<Node> nodes = {{"x", "input", {}, {{"shape", List{4, 2}}}},
                               {"h", "input", {}, {{"shape", List{2, 3}}}}};
    Node layer{"r", op, {0, 1}, both};
    if (layer.op == "lstm") {
      nodes.push_back({"c", "constant", {}, {{"shape", List{2, 3}}}});
      layer.inputs.push_back(2);
      layer.attributes.set("cells", kOne);
    }
    nodes.push_back(layer);
    expect_same_function(Graph(nodes));
  }
  expect_same_function(
      chain({4, 2}, {node("gru", {{"hidden", std::int64_t{3}}, {"reset_after", kOne}})}));
  expect_same_function(chain({4, 2}, {node("rnn", {{"hidden", std::int64_t{3}},
                                                   {"relu", kOne},
                                                   {"directions", std::int64_t{2}}})}));
}

TEST(OnnxSave, Choices) {
  expect_same_function(chain({3, 5}, {node("top_k", {{"k", std::int64_t{2}}})}));
  expect_same_function(chain({5, 3}, {node("top_k", {{"k", std::int64_t{3}},
                                                     {"axis", std::int64_t{0}},
                                                     {"largest", std::int64_t{0}},
                                                     {"indices", kOne}})}));
  expect_same_function(
      chain({5, 3}, {node("arg_max", {{"axis", std::int64_t{0}}, {"keepdims", std::int64_t{0}}})}));
  expect_same_function(
      chain({5}, {node("arg_max", {{"last", kOne}, {"keepdims", std::int64_t{0}}})}));
  expect_same_function(
      chain({4, 3}, {node("take", {{"axis", std::int64_t{0}}, {"indices", List{3, 0, 0, 1}}})}));
}

TEST(OnnxSave, Normalisations) {
  expect_round_trip(chain({3}, {node("batch_norm", {{"epsilon", 1e-3}, {"momentum", 0.8}})}));
  expect_round_trip(chain({3, 4, 4}, {node("batch_norm")}));
  expect_round_trip(chain({5, 4}, {node("layer_norm")}));
  expect_round_trip(chain(
      {5, 4}, {node("layer_norm",
                    {{"axis", std::int64_t{-2}}, {"bias", std::int64_t{0}}, {"epsilon", 1e-6}})}));
  expect_round_trip(
      chain({6, 4, 4}, {node("group_norm", {{"groups", std::int64_t{3}}, {"epsilon", 1e-3}})}));
  expect_round_trip(chain({3, 4, 4}, {node("instance_norm")}));
}

TEST(OnnxSave, Arrangements) {
  expect_round_trip(chain({3, 4}, {node("flatten")}));
  expect_round_trip(chain({3, 4}, {node("reshape", {{"shape", List{2, 6}}})}));
  expect_round_trip(chain({3, 4, 2}, {node("transpose", {{"perm", List{2, 0, 1}}})}));
  expect_round_trip(chain({3, 4}, {node("pad", {{"pads", List{0, 1, 2, 0}}, {"value", 0.5}})}));
  expect_round_trip(
      chain({3, 4}, {node("pad", {{"pads", List{0, 1, 1, 0}}, {"mode", std::string("reflect")}})}));
  expect_round_trip(chain({5, 4}, {node("slice", {{"axes", List{0, 1}},
                                                  {"starts", List{4, 1}},
                                                  {"ends", List{-6, 3}},
                                                  {"steps", List{-2, 1}}})}));
  expect_round_trip(chain({3, 1, 4}, {node("squeeze", {{"axes", List{1}}})}));
  expect_round_trip(chain({3, 4}, {node("unsqueeze", {{"axes", List{0, 3}}})}));
}

TEST(OnnxSave, ReductionsAndBounds) {
  expect_round_trip(chain({3, 4}, {node("reduce_mean", {{"axes", List{0}}})}));
  expect_round_trip(
      chain({3, 4}, {node("reduce_sum", {{"axes", List{1}}, {"keepdims", std::int64_t{0}}})}));
  expect_round_trip(chain({3, 4}, {node("softmax")}));
  expect_round_trip(chain({3, 4}, {node("log_softmax", {{"axis", std::int64_t{-2}}})}));
  expect_round_trip(chain({3, 4}, {node("clip", {{"min", -0.5}, {"max", 1.0}})}));
  expect_round_trip(chain({3, 4}, {node("clip", {{"max", 1.0}})}));
}

TEST(OnnxSave, OperandsOfTwo) {
  for (const char* op : {"add", "sub", "mul", "div"}) {
    SCOPED_TRACE(op);
    expect_round_trip(Graph({{"a", "input", {}, {{"shape", List{3, 4}}}},
                             {"b", "input", {}, {{"shape", List{3, 1}}}},
                             {"y", op, {0, 1}, {}}}));
    expect_round_trip(Graph({{"a", "input", {}, {{"shape", List{3, 4}}}},
                             {"c", "constant", {}, {{"shape", List{4}}}},
                             {"y", op, {0, 1}, {}}}));
  }
  expect_round_trip(Graph({{"a", "input", {}, {{"shape", List{2, 3, 4}}}},
                           {"b", "input", {}, {{"shape", List{2, 4, 5}}}},
                           {"y", "matmul", {0, 1}, {}}}));
  expect_round_trip(Graph({{"a", "input", {}, {{"shape", List{3, 4}}}},
                           {"b", "input", {}, {{"shape", List{3, 2}}}},
                           {"y", "concat", {0, 1}, {{"axis", kOne}}}}));
}

// Operands of fewer dimensions meet the last ones; in ONNX the batch stands before them.
TEST(OnnxSave, OperandsOfDifferentRank) {
  const Graph graph({{"a", "input", {}, {{"shape", List{3, 4}}}},
                     {"b", "input", {}, {{"shape", List{4}}}},
                     {"y", "add", {0, 1}, {}}});
  const Model again = round_trip(graph);
  EXPECT_EQ(structure(again.graph), "unsqueeze(1) axes=[0]\nadd(0, 2)\n");
  expect_same_outputs({graph, {}, {}, {}, {}}, again, 0.0f);
  const Graph wide({{"a", "input", {}, {{"shape", List{4}}}},
                    {"c", "constant", {}, {{"shape", List{3, 4}}}},
                    {"y", "mul", {0, 1}, {}}});
  expect_same_outputs({wide, tensors_of(wide), {}, {}, {}}, round_trip(wide), 0.0f);
}

TEST(OnnxSave, BranchesAndSeveralOutputs) {
  expect_round_trip(
      Graph({{"x", "input", {}, {{"shape", List{4}}}},
             {"fc", "linear", {0}, {{"outputs", std::int64_t{4}}}},
             {"act",
              "activation",
              {1},
              {{"activation", Activation("leaky_relu:0.1")}, {"layer", std::string("fc")}}},
             {"sum", "add", {2, 0}, {}}},
            {3, 1}));
}

TEST(OnnxSave, ChannelsOfConvolutionsAreUnits) {
  for (const char* specification : {"prelu:0.25,1", "crelu", "gelu"}) {
    SCOPED_TRACE(specification);
    expect_round_trip(
        chain({2, 4, 4}, {node("conv", {{"outputs", std::int64_t{3}}, {"kernel", List{3, 3}}}),
                          activation(specification)}));
  }
}

// ---- Nothing but the batch is left: (1) here, and not (N), whose examples would be taken for the
// last dimension of what they meet.

// The operators written, and with what shapes: "ReduceMean(N, 1) Sub(N, 8)".
std::string written(const Graph& graph) {
  const Model again = round_trip(graph);
  expect_same_outputs({graph, tensors_of(graph), {}, {}, {}}, again, 1e-6f);
  pb::ModelProto proto = saved_proto();
  pb::shape_inference::InferShapes(proto);
  std::map<std::string, std::string> shapes;
  for (const auto& each : proto.graph().value_info()) shapes[each.name()] = shape_text(each);
  for (const auto& each : proto.graph().output()) shapes[each.name()] = shape_text(each);
  std::vector<std::string> text;
  for (const auto& each : proto.graph().node())
    text.push_back(each.op_type() + shapes[each.output(0)]);
  return fmt::format("{}", fmt::join(text, " "));
}

TEST(OnnxSave, ReductionsOfWholeExamples) {
  for (const char* op : {"reduce_mean", "reduce_sum"}) {
    SCOPED_TRACE(op);
    const std::string name = op == std::string("reduce_sum") ? "ReduceSum" : "ReduceMean";
    const auto minus = [&](const Shape& shape, Attributes attributes) {
      attributes.set("keepdims", std::int64_t{0});
      return written(Graph({{"x", "input", {}, {{"shape", shape}}},
                            {"m", op, {0}, std::move(attributes)},
                            {"y", "sub", {0, 1}, {}}}));
    };
    EXPECT_EQ(minus({8}, {}), name + "(N, 1) Sub(N, 8)");
    EXPECT_EQ(minus({8}, {{"axes", List{-1}}}), name + "(N, 1) Sub(N, 8)");
    EXPECT_EQ(minus({3, 4}, {}), name + "(N, 1, 1) Reshape(N, 1) Unsqueeze(N, 1, 1) Sub(N, 3, 4)");
    EXPECT_EQ(minus({3, 4}, {{"axes", List{1, 0}}}),
              name + "(N, 1, 1) Reshape(N, 1) Unsqueeze(N, 1, 1) Sub(N, 3, 4)");
    EXPECT_EQ(minus({3, 4}, {{"axes", List{0}}}), name + "(N, 4) Unsqueeze(N, 1, 4) Sub(N, 3, 4)");
  }
}

TEST(OnnxSave, SqueezesOfEveryDimension) {
  const auto squeezed = [](const Shape& shape, const Attributes& attributes) {
    return written(Graph({{"x", "input", {}, {{"shape", Shape{8}}}},
                          {"z", "input", {}, {{"shape", shape}}},
                          {"s", "squeeze", {1}, attributes},
                          {"y", "add", {0, 2}, {}}}));
  };
  EXPECT_EQ(squeezed({1, 1}, {}), "Reshape(N, 1) Add(N, 8)");
  EXPECT_EQ(squeezed({1, 1}, {{"axes", List{0, 1}}}), "Reshape(N, 1) Add(N, 8)");
  EXPECT_EQ(squeezed({1}, {}), "Add(N, 8)");
  EXPECT_EQ(squeezed({1}, {{"axes", List{0}}}), "Add(N, 8)");
  EXPECT_EQ(squeezed({1, 8}, {}), "Squeeze(N, 8) Add(N, 8)");
}

// An operand of one dimension is a row on the left and a column on the right; behind a batch, ONNX
// takes it for a matrix of the examples.
TEST(OnnxSave, ProductsOfVectors) {
  const auto product = [](const Shape& a, const Shape& b) {
    return written(Graph({{"a", "input", {}, {{"shape", a}}},
                          {"b", "input", {}, {{"shape", b}}},
                          {"y", "matmul", {0, 1}, {}}}));
  };
  EXPECT_EQ(product({4}, {4}), "Reshape(N, 1, 4) Reshape(N, 4, 1) MatMul(N, 1, 1) Reshape(N, 1)");
  EXPECT_EQ(product({3, 4}, {4}), "Reshape(N, 4, 1) MatMul(N, 3, 1) Reshape(N, 3)");
  EXPECT_EQ(product({4}, {2, 4, 5}), "Reshape(N, 1, 1, 4) MatMul(N, 2, 1, 5) Reshape(N, 2, 5)");
  EXPECT_EQ(product({3, 4}, {2, 4, 5}), "Unsqueeze(N, 1, 3, 4) MatMul(N, 2, 3, 5)");
  const auto with_constant = [](const Shape& a, const Shape& constant) {
    return written(Graph({{"a", "input", {}, {{"shape", a}}},
                          {"c", "constant", {}, {{"shape", constant}}},
                          {"y", "matmul", {0, 1}, {}}}));
  };
  EXPECT_EQ(with_constant({4}, {4}), "Reshape(N, 1, 4) MatMul(N, 1)");
  EXPECT_EQ(with_constant({3, 4}, {4}), "MatMul(N, 3)");
  EXPECT_EQ(with_constant({4}, {4, 5}), "MatMul(N, 5)");
  EXPECT_EQ(with_constant({4}, {2, 4, 5}),
            "Reshape(N, 1, 1, 4) MatMul(N, 2, 1, 5) Reshape(N, 2, 5)");
  const auto constant_first = [](const Shape& constant, const Shape& b) {
    return written(Graph({{"b", "input", {}, {{"shape", b}}},
                          {"c", "constant", {}, {{"shape", constant}}},
                          {"y", "matmul", {1, 0}, {}}}));
  };
  EXPECT_EQ(constant_first({4}, {4}), "Reshape(N, 4, 1) MatMul(N, 1)");
  EXPECT_EQ(constant_first({4}, {4, 5}), "MatMul(N, 5)");
  EXPECT_EQ(constant_first({3, 4}, {4}), "Reshape(N, 4, 1) MatMul(N, 3, 1) Reshape(N, 3)");
}

TEST(OnnxSave, AReductionOverNoDimensionIsNothing) {
  EXPECT_EQ(structure(round_trip(chain({3, 4}, {node("reduce_mean", {{"axes", List{}}}),
                                                activation("relu")}))
                          .graph),
            "activation(0) activation=relu layer=-\n");
  EXPECT_EQ(
      structure(round_trip(chain({3, 1}, {node("squeeze", {{"axes", List{}}}), activation("relu")}))
                    .graph),
      "activation(0) activation=relu layer=-\n");
}

}  // namespace
}  // namespace undying::onnx
