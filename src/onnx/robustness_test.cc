// Files that nobody vouches for: whatever they hold, loading them ends in a model or in one Error,
// soon and in bounded memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <limits>
#include <optional>
#include <random>

#include "onnx/test_model.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

using testing::HasSubstr;
using List = std::vector<std::int64_t>;

void expect_model_or_error(const std::string& bytes) {
  const auto code = code_of(bytes);
  EXPECT_TRUE(!code || *code == ErrorCode::kBadData || *code == ErrorCode::kUnsupported)
      << static_cast<int>(*code);
}

// A network with layers, composites and shape arithmetic.
std::string network_bytes() {
  TestModel model;
  model.input("x", {0, 3, 4})
      .floats("fc1.weight", {5, 12})
      .floats("fc1.bias", {5})
      .floats("fc2.weight", {5, 2})
      .floats("fc2.bias", {2});
  model.integers("zero", {}, {0})
      .list("axes", {0})
      .list("rest", {-1})
      .floats("root2", {}, {1.4142135f})
      .floats("one", {}, {1})
      .floats("half", {}, {0.5f});
  model.node("Shape", {"x"}, {"shape"})
      .node("Gather", {"shape", "zero"}, {"n"})
      .node("Unsqueeze", {"n", "axes"}, {"ns"});
  model.node("Concat", {"ns", "rest"}, {"target"}, {{"axis", 0}})
      .node("Reshape", {"x", "target"}, {"flat"});
  model.node("Gemm", {"flat", "fc1.weight", "fc1.bias"}, {"h"}, {{"transB", 1}}, "/fc1/Gemm");
  model.node("Div", {"h", "root2"}, {"a"})
      .node("Erf", {"a"}, {"b"})
      .node("Add", {"b", "one"}, {"c"})
      .node("Mul", {"h", "c"}, {"d"});
  model.node("Mul", {"d", "half"}, {"g"})
      .node("MatMul", {"g", "fc2.weight"}, {"p"})
      .node("Add", {"p", "fc2.bias"}, {"y"})
      .output("y");
  return model.proto.SerializeAsString();
}

TEST(OnnxRobustness, TheNetworkItselfIsAModel) {
  EXPECT_EQ(code_of(network_bytes()), std::nullopt);
}

TEST(OnnxRobustness, TruncatedFiles) {
  const std::string whole = network_bytes();
  for (std::size_t i = 0; i < 100; ++i) {
    const std::size_t length = whole.size() * i / 100;
    EXPECT_EQ(code_of(whole.substr(0, length)).has_value(), true)
        << length << " of " << whole.size() << " bytes";
  }
}

TEST(OnnxRobustness, FlippedBits) {
  const std::string whole = network_bytes();
  std::mt19937 random(1);
  for (int i = 0; i < 400; ++i) {
    std::string bytes = whole;
    for (int flips = 0; flips <= i % 3; ++flips)
      bytes[random() % bytes.size()] ^= static_cast<char>(1u << random() % 8);
    SCOPED_TRACE(i);
    expect_model_or_error(bytes);
  }
}

TEST(OnnxRobustness, NoiseAndNothing) {
  std::mt19937 random(2);
  EXPECT_EQ(code_of(""), ErrorCode::kBadData);
  for (int i = 0; i < 100; ++i) {
    std::string bytes(static_cast<std::size_t>(random() % 200), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    expect_model_or_error(bytes);
  }
}

TEST(OnnxRobustness, WhatIsNotThereOrNotAFile) {
  EXPECT_THROW(load(test_path("missing.onnx")), Error);
  EXPECT_THROW(load(test_path("")), Error);
}

TEST(OnnxRobustness, Cycles) {
  EXPECT_THAT(TestModel()
                  .input("x", {0, 2})
                  .node("Add", {"x", "b"}, {"a"})
                  .node("Relu", {"a"}, {"b"})
                  .output("b")
                  .error(),
              HasSubstr("cycle"));
  EXPECT_THAT(TestModel().input("x", {0, 2}).node("Relu", {"a"}, {"a"}).output("a").error(),
              HasSubstr("cycle"));
}

TEST(OnnxRobustness, NamesDefinedTwiceOrNever) {
  EXPECT_THAT(TestModel().input("x", {0, 2}).node("Relu", {"x"}, {"x"}).output("x").error(),
              HasSubstr("defined twice"));
  EXPECT_THAT(TestModel().input("x", {0, 2}).node("Relu", {"z"}, {"y"}).output("y").error(),
              HasSubstr("nothing defines it"));
  EXPECT_THAT(TestModel().input("x", {0, 2}).node("Relu", {"x"}, {"y"}).output("z").error(),
              HasSubstr("nothing defines it"));
}

TEST(OnnxRobustness, AbsurdDimensions) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 40;
  EXPECT_THAT(TestModel()
                  .input("x", {0, kHuge, kHuge, kHuge})
                  .node("Relu", {"x"}, {"y"})
                  .output("y")
                  .error(),
              HasSubstr("absurdly large"));
  EXPECT_THAT(TestModel()
                  .input("x", {0, 2})
                  .list("s", {kHuge, kHuge, -1})
                  .node("Reshape", {"x", "s"}, {"y"})
                  .output("y")
                  .error(),
              HasSubstr("absurdly large"));
  EXPECT_THAT(TestModel()
                  .input("x", {0, 2})
                  .list("p", {0, kHuge, 0, kHuge})
                  .node("Pad", {"x", "p"}, {"y"})
                  .output("y")
                  .error(),
              HasSubstr("absurd"));
  EXPECT_THAT(TestModel()
                  .input("x", {0, 1, 4, 4})
                  .floats("w", {1, 1, 3, 3})
                  .node("Conv", {"x", "w"}, {"y"}, {{"pads", List{kHuge, 0, 0, 0}}})
                  .output("y")
                  .error(),
              HasSubstr("absurd"));
}

// Each node doubles a constant.
TestModel doubling() {
  TestModel model;
  model.input("x", {0, 1}).floats("c0", {1});
  for (int i = 0; i < 40; ++i)
    model.node("Concat", {"c" + std::to_string(i), "c" + std::to_string(i)},
               {"c" + std::to_string(i + 1)}, {{"axis", 0}});
  return model.node("Add", {"x", "c40"}, {"y"}).output("y");
}

// Two bytes a node.
TestModel many_nodes() {
  TestModel model;
  model.input("x", {0, 1});
  for (int i = 0; i < 2'000'000; ++i) model.proto.mutable_graph()->add_node();
  return model;
}

TEST(OnnxRobustness, ANormBehindWhatIsNotRead) {
  TestModel model;
  model.input("x", {0, 2}).floats("two", {2}, {1, 1}).node("NonZero", {"x"}, {"z"});
  model.node("BatchNormalization", {"z", "two", "two", "two", "two"}, {"y"}).output("y");
  EXPECT_THROW(model.load({.fresh = true}), Error);
}

TEST(OnnxRobustness, InputsThatAreLeftEmpty) {
  for (const char* op : {"Max", "Sum", "Concat", "Mul"}) {
    TestModel model;
    model.input("x", {0, 2}).node(op, {"x", ""}, {"y"}, {{"axis", std::int64_t{1}}}).output("y");
    if (op != std::string("Concat"))
      model.proto.mutable_graph()->mutable_node(0)->clear_attribute();
    EXPECT_THAT(model.error(), HasSubstr("lacks input 1")) << op;
  }
}

TEST(OnnxRobustness, IndicesThatAreASingleNumber) {
  TestModel model;
  model.input("x", {0, 2}).integers("i", {}, {1}).floats("u", {}, {1});
  EXPECT_THAT(model.node("ScatterND", {"x", "i", "u"}, {"y"}).output("y").error(),
              HasSubstr("a single number"));
}

TEST(OnnxRobustness, StepsAndPartsOutOfRange) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const auto pool = [](const std::vector<TestModel::Attribute>& attributes) {
    return TestModel()
        .input("x", {0, 1, 4, 4})
        .node("MaxPool", {"x"}, {"y"}, attributes)
        .output("y")
        .error();
  };
  EXPECT_THAT(pool({{"kernel_shape", List{0, 2}}}), HasSubstr("below 1"));
  EXPECT_THAT(pool({{"kernel_shape", List{2, 2}}, {"strides", List{0, 1}}}), HasSubstr("below 1"));
  EXPECT_THAT(pool({{"kernel_shape", List{2, 2}}, {"dilations", List{-1, 1}}}),
              HasSubstr("below 1"));
  EXPECT_THAT(pool({{"kernel_shape", List{1 << 30, 2}}, {"dilations", List{1 << 30, 1}}}),
              HasSubstr("y (MaxPool)"));
  EXPECT_THAT(TestModel()
                  .input("x", {0, 4})
                  .list("s", {kMost, kMost})
                  .node("Split", {"x", "s"}, {"a", "b"}, {{"axis", 1}})
                  .output("a")
                  .error(),
              HasSubstr("Split"));
  EXPECT_THAT(TestModel()
                  .input("x", {4})
                  .list("s", {kMost, kMost})
                  .node("Reshape", {"x", "s"}, {"y"})
                  .output("y")
                  .error({.batched = false}),
              HasSubstr("absurdly large"));
  EXPECT_THAT(TestModel()
                  .input("x", {0, 4})
                  .list("p", {0, -2, 0, -2})
                  .node("Pad", {"x", "p"}, {"y"})
                  .output("y")
                  .error(),
              HasSubstr("y (Pad)"));
}

TEST(OnnxRobustness, NamesThatAreOurs) {
  EXPECT_THAT(TestModel().input("x", {0, 4}).node(".activation", {"x"}, {"y"}).output("y").error(),
              HasSubstr("not ONNX's"));
  EXPECT_THAT(TestModel()
                  .input("x", {0, 4})
                  .node("Relu", {"x"}, {"y"}, {{".unit_axis", 99}})
                  .output("y")
                  .error(),
              HasSubstr("by a dot"));
}

TEST(OnnxRobustness, OutputsThatAreMissing) {
  EXPECT_THAT(TestModel()
                  .input("x", {0, 4})
                  .node("Shape", {"x"}, {"", "b"})
                  .node("Add", {"x", "b"}, {"y"})
                  .output("y")
                  .error(),
              HasSubstr("more outputs"));
  EXPECT_THAT(
      TestModel().input("x", {0, 4}).node("Transpose", {"x"}, {"", "y"}).output("y").error(),
      HasSubstr("Transpose"));
  EXPECT_EQ(TestModel()
                .input("x", {0, 4})
                .node("Constant", {}, {})
                .node("Relu", {"x"}, {""})
                .node("Relu", {"x"}, {"y"})
                .output("y")
                .error(),
            "");
  EXPECT_THAT(TestModel()
                  .input("x", {0, 4})
                  .node("ReduceMax", {"", "x"}, {"a"}, {{"axes", List{1}}})
                  .node("Add", {"x", "a"}, {"y"})
                  .output("y")
                  .error(),
              HasSubstr("ReduceMax"));
}

TEST(OnnxRobustness, HugeTensorsInTinyFiles) {
  TestModel declared;
  declared.input("x", {0, 2}).floats("w", {2, 2}).node("MatMul", {"x", "w"}, {"y"}).output("y");
  auto* tensor = declared.proto.mutable_graph()->mutable_initializer(0);
  tensor->set_dims(0, 1 << 29);
  EXPECT_THAT(declared.error(), HasSubstr("the file holds 4"));
  EXPECT_THAT(TestModel()
                  .input("x", {0, 2})
                  .list("s", {1 << 15, 1 << 15})
                  .node("ConstantOfShape", {"s"}, {"c"})
                  .node("Add", {"x", "c"}, {"y"})
                  .output("y")
                  .error(),
              HasSubstr("more constants than are computed"));
  EXPECT_THAT(doubling().error(), HasSubstr("computes more constants"));
}

TEST(OnnxRobustness, SmallFilesThatDescribeMuch) {
  EXPECT_THAT(many_nodes().error(), HasSubstr("to describe"));
}

TEST(OnnxRobustness, ReshapesOfEveryKindEndInAModelOrAnError) {
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    TestModel model;
    model.input("x", {i % 3 == 0 ? 0 : 4, 6, 2});
    List shape;
    for (std::uint32_t k = random() % 4 + 1; k > 0; --k)
      shape.push_back(static_cast<std::int64_t>(random() % 10) - 1);
    if (i % 50 == 0) shape.push_back(std::numeric_limits<std::int64_t>::max());
    model.list("s", shape)
        .node("Reshape", {"x", "s"}, {"y"})
        .node("Transpose", {"y"}, {"z"})
        .node("Softmax", {"z"}, {"w"})
        .output("w");
    expect_model_or_error(model.proto.SerializeAsString());
  }
}

TEST(OnnxRobustness, FormulasThatGrow) {
  TestModel model;
  model.input("x", {0, 2}).node("Tanh", {"x"}, {"v0"});
  for (int i = 0; i < 60; ++i) {
    const std::string before = "v" + std::to_string(i);
    model.node("Sigmoid", {before}, {"s" + std::to_string(i)})
        .node("Tanh", {before}, {"t" + std::to_string(i)});
    model.node("Mul", {"s" + std::to_string(i), "t" + std::to_string(i)},
               {"v" + std::to_string(i + 1)});
  }
  EXPECT_EQ(model.output("v60").error(), "");
}

// Long chains of what might be formulas.
TEST(OnnxRobustness, ManyElementwiseOperations) {
  TestModel model;
  model.input("x", {0, 2}).floats("c", {}, {1.5f}).node("Tanh", {"x"}, {"v0"});
  const char* ops[] = {"Add", "Mul", "Sigmoid", "Max", "Tanh"};
  for (int i = 0; i < 20'000; ++i) {
    const std::string op = ops[i % 5];
    std::vector<std::string> inputs = {"v" + std::to_string(i)};
    if (op.size() == 3) inputs.push_back("c");
    model.node(op, inputs, {"v" + std::to_string(i + 1)});
  }
  EXPECT_EQ(model.output("v20000").error(), "");
}

TEST(OnnxRobustness, MemoryStaysBounded) {
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "sanitizers keep freed memory";
#endif
#endif
  const std::string many = many_nodes().proto.SerializeAsString();
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  EXPECT_EQ(code_of(many), ErrorCode::kBadData);
  EXPECT_EQ(code_of(doubling().proto.SerializeAsString()), ErrorCode::kBadData);
  expect_model_or_error(network_bytes());
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 512 * 1024);  // kilobytes
  EXPECT_LT(after.ru_maxrss, 1024 * 1024);
}

}  // namespace
}  // namespace undying::onnx
