#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/run.h"
#include "onnx/test_model.h"

namespace undying::onnx {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using List = std::vector<std::int64_t>;

// One node of an input x (N, ...) and initializers.
TestModel one(const std::string& op, const List& shape,
              const std::vector<TestModel::Attribute>& attributes = {},
              std::vector<std::string> inputs = {}) {
  TestModel model;
  List dims = {0};
  dims.insert(dims.end(), shape.begin(), shape.end());
  inputs.insert(inputs.begin(), "x");
  model.input("x", dims).node(op, inputs, {"y"}, attributes).output("y");
  return model;
}

std::string structure_of(TestModel model) { return structure(model.load().graph); }

TEST(OnnxLower, ConvolutionsWithTheirWindows) {
  EXPECT_EQ(structure_of(one("Conv", {3, 8, 8}, {}, {"w"}).floats("w", {4, 3, 3, 3})),
            "conv(0) bias=0 kernel=[3, 3] outputs=4\n");
  EXPECT_EQ(structure_of(one("Conv", {4, 8, 8},
                             {{"pads", List{1, 1, 1, 1}},
                              {"strides", List{2, 2}},
                              {"group", 4},
                              {"dilations", List{1, 2}}},
                             {"w", "b"})
                             .floats("w", {4, 1, 3, 3})
                             .floats("b", {4})),
            "conv(0) dilations=[1, 2] groups=4 kernel=[3, 3] outputs=4 pads=[1, 1, 1, 1] "
            "strides=[2, 2]\n");
  EXPECT_EQ(structure_of(one("Conv", {3, 8}, {{"auto_pad", std::string("SAME_UPPER")}}, {"w"})
                             .floats("w", {4, 3, 3})),
            "conv(0) auto_pad=same_upper bias=0 kernel=[3] outputs=4\n");
  EXPECT_EQ(
      structure_of(one("ConvTranspose", {3, 4, 4},
                       {{"strides", List{2, 2}}, {"output_padding", List{1, 1}}}, {"w"})
                       .floats("w", {3, 2, 3, 3})),
      "conv_transpose(0) bias=0 kernel=[3, 3] output_padding=[1, 1] outputs=2 strides=[2, 2]\n");
}

TEST(OnnxLower, ConvolutionsThatContradictThemselves) {
  EXPECT_THAT(one("Conv", {2, 8, 8}, {}, {"w"}).floats("w", {4, 3, 3, 3}).error(),
              HasSubstr("2 != 3"));
  EXPECT_THAT(one("Conv", {3, 8, 8}, {{"kernel_shape", List{5, 5}}}, {"w"})
                  .floats("w", {4, 3, 3, 3})
                  .error(),
              HasSubstr("kernel_shape"));
  EXPECT_THAT(one("Conv", {3, 8, 8}, {{"group", 0}}, {"w"}).floats("w", {4, 3, 3, 3}).error(),
              HasSubstr("0 groups"));
  EXPECT_THAT(
      one("Conv", {3, 8, 8}, {{"strides", List{1}}}, {"w"}).floats("w", {4, 3, 3, 3}).error(),
      HasSubstr("strides has 1 entries; expected 2"));
  EXPECT_THAT(one("Conv", {3, 2, 2}, {}, {"w"}).floats("w", {4, 3, 3, 3}).error(),
              HasSubstr("y (Conv)"));
  EXPECT_THAT(
      one("Conv", {3, 8, 8}, {}, {"w", "b"}).floats("w", {4, 3, 3, 3}).floats("b", {3}).error(),
      HasSubstr("expected 4 elements"));
}

TEST(OnnxLower, Pools) {
  EXPECT_EQ(
      structure_of(one("MaxPool", {3, 8, 8},
                       {{"kernel_shape", List{2, 2}}, {"strides", List{2, 2}}, {"ceil_mode", 1}})),
      "max_pool(0) ceil_mode=1 kernel=[2, 2] strides=[2, 2]\n");
  EXPECT_EQ(structure_of(
                one("AveragePool", {3, 8},
                    {{"kernel_shape", List{2}}, {"count_include_pad", 1}, {"pads", List{1, 1}}})),
            "average_pool(0) count_include_pad=1 kernel=[2] pads=[1, 1]\n");
  EXPECT_EQ(structure_of(one("GlobalAveragePool", {3, 8, 8})), "global_average_pool(0)\n");
}

TEST(OnnxLower, MeansOverAllPositionsAreGlobalPools) {
  EXPECT_EQ(structure_of(one("ReduceMean", {3, 8, 8}, {{"axes", List{2, 3}}})),
            "global_average_pool(0)\n");
  EXPECT_EQ(structure_of(one("ReduceMean", {3, 8, 8}, {{"axes", List{-1, -2}}, {"keepdims", 0}})),
            "global_average_pool(0)\nsqueeze(1) axes=[1, 2]\n");
  EXPECT_EQ(structure_of(one("ReduceMean", {3, 8, 8}, {{"axes", List{1}}})),
            "reduce_mean(0) axes=[0]\n");
  EXPECT_THAT(one("ReduceMean", {3, 8, 8}, {{"axes", List{0}}}).error(), HasSubstr("batch"));
  EXPECT_THAT(one("ReduceMean", {3}).error(), HasSubstr("batch"));
}

TEST(OnnxLower, Normalisations) {
  EXPECT_EQ(structure_of(one("BatchNormalization", {3, 8, 8},
                             {{"epsilon", 1e-3f}, {"momentum", 0.8f}}, {"a", "b", "c", "d"})
                             .floats("a", {3})
                             .floats("b", {3})
                             .floats("c", {3})
                             .floats("d", {3})),
            "batch_norm(0) epsilon=0.001 momentum=0.8\n");
  EXPECT_EQ(structure_of(one("InstanceNormalization", {3, 8, 8}, {}, {"a", "b"})
                             .floats("a", {3})
                             .floats("b", {3})),
            "instance_norm(0)\n");
  EXPECT_EQ(
      structure_of(
          one("LayerNormalization", {5, 3}, {}, {"a", "b"}).floats("a", {3}).floats("b", {3})),
      "layer_norm(0)\n");
  EXPECT_EQ(structure_of(one("LayerNormalization", {5, 3}, {{"axis", 1}, {"epsilon", 1e-6f}}, {"a"})
                             .floats("a", {5, 3})),
            "layer_norm(0) axis=-2 bias=0 epsilon=1e-06\n");
}

TEST(OnnxLower, SlopesOfPRelu) {
  EXPECT_EQ(structure_of(one("PRelu", {4}, {}, {"s"}).floats("s", {1})),
            "activation(0) activation=prelu:0.25 layer=-\n");
  EXPECT_EQ(structure_of(one("PRelu", {4}, {}, {"s"}).floats("s", {4})),
            "activation(0) activation=prelu:0.25,1 layer=-\n");
  EXPECT_THAT(one("PRelu", {4, 4}, {}, {"s"}).floats("s", {4, 4}).error(), HasSubstr("slopes"));
}

// A slope a channel: behind a convolution the units are the channels already.
TEST(OnnxLower, ASlopeForEachChannel) {
  TestModel model;
  model.input("x", {0, 3, 4, 4})
      .floats("w", {2, 3, 1, 1})
      .floats("act.weight", {2})
      .list("axes", {1, 2});
  model.node("Conv", {"x", "w"}, {"h"})
      .node("Unsqueeze", {"act.weight", "axes"}, {"s"})
      .node("PRelu", {"h", "s"}, {"y"})
      .output("y");
  const Model loaded = model.load();
  EXPECT_EQ(describe(loaded.graph),
            "x = input() shape=[3, 4, 4]\n"
            "h = conv(x) bias=0 kernel=[1, 1] outputs=2 [w]\n"
            "act = activation(h) activation=prelu:0.25,1 layer=h [act.weight]\n");
  EXPECT_THAT(loaded.weights[1].shape, ElementsAre(2));
  // On an input nothing has made the channels units yet.
  EXPECT_EQ(structure_of(one("PRelu", {3, 2, 2}, {}, {"s"}).floats("s", {3, 1, 1})),
            "transpose(0) perm=[1, 2, 0]\nactivation(1) activation=prelu:0.25,1 "
            "layer=-\ntranspose(2) perm=[2, 0, 1]\n");
}

TEST(OnnxLower, DropoutStaysForTraining) {
  EXPECT_EQ(structure_of(one("Dropout", {4}, {}, {"p"}).floats("p", {}, {0.25f})),
            "dropout(0) p=0.25\n");
  EXPECT_EQ(structure_of(one("Dropout", {4})), "dropout(0) p=0.5\n");
  EXPECT_EQ(structure_of(one("Dropout", {4}, {}, {"p"})
                             .floats("p", {}, {0.0f})
                             .node("Relu", {"y"}, {"z"})
                             .output("z")),
            "activation(0) activation=relu layer=-\n");
}

TEST(OnnxLower, SplitsAndSlices) {
  TestModel split;
  split.input("x", {0, 6})
      .list("sizes", {2, 4})
      .node("Split", {"x", "sizes"}, {"a", "b"}, {{"axis", 1}})
      .output("a")
      .output("b");
  EXPECT_EQ(structure_of(split),
            "slice(0) axes=[0] ends=[2] starts=[0]\nslice(0) axes=[0] ends=[6] starts=[2]\n");
  EXPECT_EQ(structure_of(one("Slice", {6, 5}, {}, {"s", "e", "a", "t"})
                             .list("s", {-1})
                             .list("e", {-100})
                             .list("a", {2})
                             .list("t", {-2})),
            "slice(0) axes=[1] ends=[-6] starts=[-1] steps=[-2]\n");
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(
      structure_of(one("Slice", {6}, {}, {"s", "e"}).list("s", {0, 1}).list("e", {kEnd, kEnd})),
      "slice(0) axes=[0] ends=[6] starts=[1]\n");
  EXPECT_THAT(one("Slice", {6}, {}, {"s", "e"}).list("s", {1, 0}).list("e", {kEnd, kEnd}).error(),
              HasSubstr("batch"));
}

TEST(OnnxLower, GathersOfKnownIndices) {
  EXPECT_EQ(structure_of(one("Gather", {6, 5}, {{"axis", 1}}, {"i"}).integers("i", {}, {-1})),
            "slice(0) axes=[0] ends=[6] starts=[5]\nsqueeze(1) axes=[0]\n");
  EXPECT_EQ(structure_of(one("Gather", {6}, {{"axis", 1}}, {"i"}).list("i", {4, 2, 0})),
            "slice(0) axes=[0] ends=[-7] starts=[4] steps=[-2]\n");
  EXPECT_EQ(structure(one("Gather", {6}, {{"axis", 1}}, {"i"}).list("i", {0, 1, 3}).load().graph),
            "take(0) axis=0 indices=[0, 1, 3]\n");
}

TEST(OnnxLower, ConstantsMeetExamples) {
  EXPECT_EQ(structure_of(one("Sub", {3, 4, 4}, {}, {"c"}).floats("c", {1, 3, 1, 1})),
            "constant() shape=[3, 1, 1]\nsub(0, 1)\n");
  EXPECT_EQ(structure_of(one("Div", {4}, {}, {"c"}).floats("c", {}, {255})),
            "constant() shape=[1]\ndiv(0, 1)\n");
  EXPECT_EQ(structure_of(one("Neg", {4})), "constant() shape=[1]\nmul(0, 1)\n");
}

TEST(OnnxLower, SumsAndMeansOfMany) {
  TestModel model;
  model.input("a", {0, 2})
      .input("b", {0, 2})
      .input("c", {0, 2})
      .node("Sum", {"a", "b", "c"}, {"y"})
      .output("y");
  EXPECT_EQ(structure_of(model), "add(0, 1)\nadd(3, 2)\n");
  TestModel mean;
  mean.input("a", {0, 2}).input("b", {0, 2}).node("Mean", {"a", "b"}, {"y"}).output("y");
  EXPECT_EQ(structure_of(mean), "add(0, 1)\nconstant() shape=[1]\nmul(2, 3)\n");
}

// ---- Nothing but the batch is left: (1) here, (N) in ONNX.

// x (N, 4), its mean m (N), and what is appended.
template <class Build>
TestModel with_mean(Build build) {
  TestModel model;
  model.input("x", {0, 4})
      .list("one", {1})
      .list("two", {1, 2})
      .list("shape", {-1, 1})
      .floats("c", {4})
      .floats("half", {}, {0.5f});
  model.floats("unit", {1}, {0.5f}).floats("row", {1, 1}, {0.5f}).floats("w", {1, 2});
  model.node("ReduceMean", {"x"}, {"m"}, {{"axes", List{1}}, {"keepdims", 0}});
  build(model);
  return model.output("y");
}
constexpr char kMean[] = "reduce_mean(0) axes=[0] keepdims=0\n";

TEST(OnnxLower, AMeanGetsItsDimensionBack) {
  const TestModel centred = with_mean([](TestModel& m) {
    m.node("Unsqueeze", {"m", "one"}, {"u"}).node("Sub", {"x", "u"}, {"y"});
  });
  EXPECT_EQ(structure_of(centred), std::string(kMean) + "sub(0, 1)\n");
  EXPECT_THAT(evaluate(centred.load(), {{1, 2, 3, 6, 5, 5, 5, 9}}, 2)[0],
              ElementsAre(-2, -1, 0, 3, -1, -1, -1, 3));
  const auto restored = [](const char* op, const char* by) {
    return structure_of(with_mean([&](TestModel& m) {
      std::vector<std::string> inputs = {"r"};
      if (by != std::string()) inputs.emplace_back(by);
      m.node("Relu", {"m"}, {"r"}).node(op, inputs, {"u"}).node("Sub", {"x", "u"}, {"y"});
    }));
  };
  for (const auto& [op, by] :
       {std::pair("Unsqueeze", "one"), std::pair("Reshape", "shape"), std::pair("Flatten", "")})
    EXPECT_EQ(restored(op, by),
              std::string(kMean) + "activation(1) activation=relu layer=-\nsub(0, 2)\n")
        << op;
  EXPECT_EQ(structure_of(with_mean([](TestModel& m) {
              m.node("Unsqueeze", {"m", "two"}, {"y"});
            })),
            std::string(kMean) + "unsqueeze(1) axes=[0]\n");
}

TEST(OnnxLower, WhatTakesADimensionAway) {
  EXPECT_EQ(structure_of(one("Gather", {6}, {{"axis", 1}}, {"i"})
                             .integers("i", {}, {2})
                             .list("a", {1})
                             .node("Unsqueeze", {"y", "a"}, {"z"})
                             .node("Add", {"x", "z"}, {"t"})
                             .output("t")),
            "slice(0) axes=[0] ends=[3] starts=[2]\nsqueeze(1) axes=[0]\nadd(0, 2)\n");
  for (const bool named : {true, false}) {
    const std::vector<std::string> by =
        named ? std::vector<std::string>{"both"} : std::vector<std::string>{};
    EXPECT_EQ(structure_of(one("Squeeze", {1, 1}, {}, by)
                               .list("both", {1, 2})
                               .list("a", {1})
                               .node("Unsqueeze", {"y", "a"}, {"z"})
                               .output("z")),
              named ? "squeeze(0) axes=[0, 1]\n" : "squeeze(0)\n");
  }
  EXPECT_EQ(structure_of(one("ReduceSum", {2, 3}, {{"keepdims", 0}}, {"both"})
                             .list("both", {1, 2})
                             .list("a", {1})
                             .node("Unsqueeze", {"y", "a"}, {"z"})
                             .output("z")),
            "reduce_sum(0) axes=[0, 1] keepdims=0\n");
}

// ONNX would take its examples for the last dimension.
TEST(OnnxLower, AMeanMeetsMeansOnly) {
  const auto error = [](const char* op, const std::vector<std::string>& inputs) {
    return with_mean([&](TestModel& m) { m.node(op, inputs, {"y"}); }).error();
  };
  EXPECT_THAT(error("Sub", {"x", "m"}), HasSubstr("combines (N, 4) and (N), which would mix"));
  EXPECT_THAT(error("Sub", {"m", "x"}), HasSubstr("combines (N, 4) and (N), which would mix"));
  EXPECT_THAT(error("Mul", {"m", "c"}), HasSubstr("an element for each example"));
  EXPECT_THAT(error("Mul", {"m", "row"}), HasSubstr("more dimensions"));
  EXPECT_THAT(error("MatMul", {"m", "w"}), HasSubstr("batch"));
  EXPECT_THAT(error("Softmax", {"m"}), HasSubstr("batch"));
  EXPECT_THAT(error("Concat", {"m", "m"}), HasSubstr("lacks its axis"));
  EXPECT_EQ(error("Mul", {"m", "half"}), "");
  EXPECT_EQ(error("Mul", {"m", "unit"}), "");
  EXPECT_EQ(error("Mul", {"m", "m"}), "");
  TestModel column;  // (N, 1), which has a dimension
  column.input("z", {0, 1})
      .input("x", {0, 4})
      .node("ReduceMean", {"x"}, {"m"}, {{"axes", List{1}}, {"keepdims", 0}});
  EXPECT_THAT(column.node("Sub", {"z", "m"}, {"y"}).output("y").error(),
              HasSubstr("combines (N, 1) and (N)"));
}

TEST(OnnxLower, CompositesOfAMean) {
  const auto gate = with_mean([](TestModel& m) {
    m.floats("root2", {}, {1.41421356f})
        .floats("unity", {}, {1})
        .node("Div", {"m", "root2"}, {"a"})
        .node("Erf", {"a"}, {"b"});
    m.node("Add", {"b", "unity"}, {"s"})
        .node("Mul", {"m", "s"}, {"d"})
        .node("Mul", {"d", "half"}, {"e"})
        .node("Unsqueeze", {"e", "one"}, {"y"});
  });
  EXPECT_EQ(structure_of(gate), std::string(kMean) + "activation(1) activation=gelu layer=-\n");
  const auto shape = with_mean([](TestModel& m) {
    m.node("Shape", {"m"}, {"s"}).node("Expand", {"m", "s"}, {"y"});
  });
  EXPECT_EQ(structure_of(shape), kMean);
}

TEST(OnnxLower, ProductsOfTwoValues) {
  TestModel model;
  model.input("q", {0, 2, 5, 4})
      .input("k", {0, 2, 4, 5})
      .node("MatMul", {"q", "k"}, {"y"})
      .output("y");
  EXPECT_EQ(structure_of(model), "matmul(0, 1)\n");
  TestModel mixed;
  mixed.input("q", {0, 5, 4}).input("k", {0, 4}).node("MatMul", {"q", "k"}, {"y"}).output("y");
  EXPECT_THAT(mixed.error(), HasSubstr("batch"));
}

TEST(OnnxLower, PadsOfTheExample) {
  EXPECT_EQ(
      structure_of(
          one("Pad", {3, 4}, {}, {"p", "v"}).list("p", {0, 0, 1, 0, 0, 2}).floats("v", {}, {2})),
      "pad(0) pads=[0, 1, 0, 2] value=2\n");
  EXPECT_EQ(structure_of(one("Pad", {3, 4}, {{"mode", std::string("reflect")}}, {"p"})
                             .list("p", {0, 0, 1, 0, 0, 2})),
            "pad(0) mode=reflect pads=[0, 1, 0, 2]\n");
  EXPECT_THAT(one("Pad", {3}, {}, {"p"}).list("p", {1, 0, 0, 0}).error(),
              HasSubstr("pads the examples"));
}

// A layer's activations go by the name of what feeds them, through what leaves units as they are.
TEST(OnnxLower, LayersOfActivations) {
  TestModel model;
  model.input("x", {0, 3, 8, 8}).floats("conv1.weight", {4, 3, 1, 1});
  for (const char* name : {"a", "b", "c", "d"}) model.floats(name, {4});
  model.node("Conv", {"x", "conv1.weight"}, {"h"}, {}, "/conv1/Conv")
      .node("BatchNormalization", {"h", "a", "b", "c", "d"}, {"n"}, {}, "/bn1/BatchNormalization");
  model.node("Relu", {"n"}, {"r"}, {}, "/relu/Relu")
      .node("Sigmoid", {"h"}, {"s"}, {}, "/gate/Sigmoid")
      .node("Add", {"r", "s"}, {"t"}, {}, "/Add");
  model.node("Relu", {"t"}, {"y"}, {}, "/relu_1/Relu").output("y");
  std::vector<std::string> layers;
  const Model loaded = model.load();
  for (const Node& node : loaded.graph.nodes())
    if (node.op == "activation") layers.push_back(node.attributes.get<std::string>("layer"));
  EXPECT_THAT(layers, ElementsAre("conv1", "conv1.2", "relu_1"));
}

}  // namespace
}  // namespace undying::onnx
