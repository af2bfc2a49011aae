#include "onnx/normalise/fold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/run.h"
#include "onnx/test_model.h"

namespace undying::onnx {
namespace {

using testing::HasSubstr;
using List = std::vector<std::int64_t>;

std::string reshaped(const List& input, const List& target) {
  TestModel model;
  model.input("x", input)
      .list("s", target)
      .node("Reshape", {"x", "s"}, {"y"})
      .node("Relu", {"y"}, {"z"})
      .output("z");
  std::string error = model.error();
  if (!error.empty()) return error;
  const std::string text = structure(model.load().graph);
  return text.substr(0, text.find('\n'));
}

TEST(OnnxFold, ReshapesThatKeepTheBatch) {
  EXPECT_EQ(reshaped({0, 3, 4}, {0, -1}), "flatten(0)");
  EXPECT_EQ(reshaped({0, 3, 4}, {-1, 12}), "flatten(0)");
  EXPECT_EQ(reshaped({0, 12}, {-1, 3, 4}), "reshape(0) shape=[3, 4]");
  EXPECT_EQ(reshaped({0, 12}, {0, 3, -1}), "reshape(0) shape=[3, 4]");
  EXPECT_EQ(reshaped({8, 12}, {8, 3, 4}), "reshape(0) shape=[3, 4]");
  EXPECT_EQ(reshaped({1, 12}, {1, 3, 4}), "reshape(0) shape=[3, 4]");
  EXPECT_EQ(reshaped({0, 3, 4}, {0, 0, 4}), "activation(0) activation=relu layer=-");
}

// What PyTorch's exporter writes unless it is told to optimize.
TEST(OnnxFold, ACastLikeIsACastToATypeThatIsKnown) {
  TestModel model;
  model.input("x", {0, 3}).integers("three", {}, {3}).floats("half", {3}, {-0.5f, 1.5f, 2.5f});
  model.node("CastLike", {"three", "x"}, {"c"})
      .node("CastLike", {"half", "three"}, {"whole"})
      .node("CastLike", {"whole", "x"}, {"numbers"})
      .node("Mul", {"x", "c"}, {"m"})
      .node("Add", {"m", "numbers"}, {"y"})
      .output("y");
  EXPECT_EQ(evaluate(model.load(), {{1.0f, 2.0f, 3.0f}}, 1)[0], (std::vector<float>{3, 7, 11}));
  TestModel truth;
  truth.input("x", {0, 3}).node("Equal", {"x", "x"}, {"t"}).node("CastLike", {"x", "t"}, {"y"});
  truth.output("y");
  EXPECT_THAT(truth.error(), HasSubstr("casts to the type of whole numbers or truth values"));
  TestModel cast;  // what was cast to a truth value is one
  cast.input("x", {0, 1}).integers("three", {}, {3}).integers("five", {}, {5});
  cast.node("Cast", {"three"}, {"truth"}, {{"to", std::int64_t{9}}})
      .node("CastLike", {"five", "truth"}, {"c"})
      .node("CastLike", {"c", "x"}, {"one"})
      .node("Mul", {"x", "one"}, {"y"})
      .output("y");
  EXPECT_EQ(evaluate(cast.load(), {{2.0f}}, 1)[0], (std::vector<float>{2}));
  TestModel unread;  // only what stands in the way is an obstacle
  unread.input("x", {0, 3}).node("NonZero", {"x"}, {"n"}).node("CastLike", {"x", "n"}, {"y"});
  EXPECT_THAT(unread.output("y").error(), testing::Not(HasSubstr("CastLike")));
}

TEST(OnnxFold, ReshapesThatMixExamples) {
  EXPECT_THAT(reshaped({0, 12}, {-1, 4}), HasSubstr("mixes the examples"));
  EXPECT_THAT(reshaped({0, 12}, {8, 12}), HasSubstr("mixes the examples"));
  EXPECT_THAT(reshaped({8, 12}, {4, 24}), HasSubstr("mixes the examples"));
  EXPECT_THAT(reshaped({0, 12}, {1, -1}), HasSubstr("mixes the examples"));
}

// x.view(x.size(0), -1), as PyTorch exports it with a dynamic batch.
TEST(OnnxFold, ADynamicView) {
  TestModel model;
  model.input("x", {0, 3, 4}).integers("zero", {}, {0}).list("axes", {0}).list("rest", {-1});
  model.node("Shape", {"x"}, {"shape"})
      .node("Gather", {"shape", "zero"}, {"n"}, {{"axis", 0}})
      .node("Unsqueeze", {"n", "axes"}, {"ns"});
  model.node("Concat", {"ns", "rest"}, {"target"}, {{"axis", 0}})
      .node("Reshape", {"x", "target"}, {"y"})
      .output("y");
  EXPECT_EQ(structure(model.load().graph), "flatten(0)\n");
}

// Heads of attention: x.view(n, t, h, d).transpose(1, 2), with t and d computed from the shape.
TEST(OnnxFold, ExtentsComputedFromTheShape) {
  TestModel model;
  model.input("x", {0, 5, 12})
      .integers("two", {}, {2})
      .integers("heads", {}, {3})
      .list("zero", {0})
      .list("one", {1})
      .list("last", {2})
      .list("h", {3});
  model.node("Shape", {"x"}, {"shape"})
      .node("Slice", {"shape", "zero", "last"}, {"front"})
      .node("Gather", {"shape", "two"}, {"width"});
  model.node("Div", {"width", "heads"}, {"size"}).node("Unsqueeze", {"size", "zero"}, {"sizes"});
  model.node("Concat", {"front", "h", "sizes"}, {"target"}, {{"axis", 0}})
      .node("Reshape", {"x", "target"}, {"split"});
  model.node("Transpose", {"split"}, {"y"}, {{"perm", List{0, 2, 1, 3}}}).output("y");
  EXPECT_EQ(structure(model.load().graph),
            "reshape(0) shape=[5, 3, 4]\ntranspose(1) perm=[1, 0, 2]\n");
}

TEST(OnnxFold, FlattenWhereItKeepsTheBatch) {
  const auto flatten = [](const List& shape, std::int64_t axis) {
    TestModel model;
    model.input("x", shape)
        .node("Flatten", {"x"}, {"y"}, {{"axis", axis}})
        .node("Relu", {"y"}, {"z"})
        .output("z");
    const std::string error = model.error();
    return error.empty() ? structure(model.load().graph).substr(0, 10) : error;
  };
  EXPECT_EQ(flatten({0, 3, 4}, 1), "flatten(0)");
  EXPECT_EQ(flatten({0, 3, 4}, -2), "flatten(0)");
  EXPECT_EQ(flatten({0, 1, 4}, 2), "flatten(0)");
  EXPECT_EQ(flatten({0, 4}, 1), "activation");
  EXPECT_THAT(flatten({0, 3, 4}, 2), HasSubstr("mixes the examples"));
  EXPECT_THAT(flatten({0, 3, 4}, 0), HasSubstr("together"));
}

// Of an If whose condition is known, one branch is read; what the other holds does not matter.
TEST(OnnxFold, ABranchThatIsKnown) {
  const auto model = [](std::int64_t extent) {
    TestModel made;
    made.input("x", {0, 3})
        .integers("three", {}, {extent})
        .integers("one", {}, {1})
        .node("Shape", {"x"}, {"s"});
    made.node("Gather", {"s", "one"}, {"e"})
        .node("Equal", {"e", "three"}, {"c"})
        .node("If", {"c"}, {"y"})
        .output("y");
    auto& node = *made.proto.mutable_graph()->mutable_node(3);
    const auto branch = [&](const char* name, const char* op) {
      auto& attribute = *node.add_attribute();
      attribute.set_name(name);
      attribute.set_type(pb::AttributeProto::GRAPH);
      auto& inner = *attribute.mutable_g()->add_node();
      inner.set_op_type(op);
      inner.add_input("x");
      inner.add_output("r");
      attribute.mutable_g()->add_output()->set_name("r");
    };
    branch("then_branch", "Relu");
    branch("else_branch", "NonZero");
    return made;
  };
  EXPECT_EQ(structure(model(3).load().graph), "activation(0) activation=relu layer=-\n");
  EXPECT_THAT(model(4).error(), testing::HasSubstr("(NonZero): is not supported"));
}

TEST(OnnxFold, WeightsThatAreComputed) {
  TestModel model;  // a weight scaled at export
  model.input("x", {0, 2}).floats("w", {2, 2}, {1, 2, 3, 4}).floats("two", {}, {2});
  model.node("Mul", {"w", "two"}, {"v"})
      .node("MatMul", {"x", "v"}, {"y"}, {}, "/fc/MatMul")
      .output("y");
  const Model loaded = model.load();
  EXPECT_EQ(describe(loaded.graph),
            "x = input() shape=[2]\nfc = linear(x) bias=0 outputs=2 [fc.weight]\n");
  EXPECT_THAT(loaded.weights[0].values, testing::ElementsAre(2, 6, 4, 8));
}

}  // namespace
}  // namespace undying::onnx
