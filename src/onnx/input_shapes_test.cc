// Where the inputs of a file count examples, and what is said where they do not tell.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "onnx/run.h"
#include "onnx/test_model.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using List = std::vector<std::int64_t>;

void name_dimension(TestModel& model, int input, int axis, const char* name) {
  model.proto.mutable_graph()
      ->mutable_input(input)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(axis)
      ->set_dim_param(name);
}

// From x to y, all states, and h, the last.
void add_lstm(TestModel& model, const std::string& x, const std::vector<std::string>& states) {
  model.floats("w", {1, 12, 2}).floats("r", {1, 12, 3});
  std::vector<std::string> inputs = {x, "w", "r", "", ""};
  inputs.insert(inputs.end(), states.begin(), states.end());
  model.node("LSTM", inputs, {"y", "h"}, {{"hidden_size", 3}}, "lstm").output("h");
}

std::vector<float> ramp(std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = 0.05f * static_cast<float>(i % 11) - 0.2f;
  return values;
}

// PyTorch's batch_first=False: what comes out is the same as between transposes, example by
// example.
TEST(OnnxInputShapes, ASecondDimensionMayCountExamples) {
  TestModel first;
  first.input("x", {0, 5, 2}).node("Transpose", {"x"}, {"t"}, {{"perm", List{1, 0, 2}}});
  add_lstm(first, "t", {});
  first.node("Transpose", {"y"}, {"z"}, {{"perm", List{2, 0, 1, 3}}});
  first.proto.mutable_graph()->mutable_output(0)->set_name("z");
  TestModel second;
  second.input("x", {5, 1, 2});
  add_lstm(second, "x", {});
  second.proto.mutable_graph()->mutable_output(0)->set_name("y");
  EXPECT_THAT(second.error(),
              AllOf(HasSubstr("needs (positions, N, inputs)"), HasSubstr("--shape INPUT=20,N,8")));
  const Model there = second.load({.shapes = {{"x", {5, 0, 2}}}});
  EXPECT_THAT(there.notes, Contains(HasSubstr("input x counts examples along dimension 1")));
  EXPECT_EQ(there.graph.input_shape(), (Shape{5, 2}));
  const std::vector<float> x = ramp(4 * 5 * 2);
  EXPECT_EQ(evaluate(there, {x}, 4)[0], evaluate(first.load(), {x}, 4)[0]);
}

// As in a voice detector: (batch, samples) and the memory of a recurrent layer, (2, batch, hidden).
TEST(OnnxInputShapes, DimensionsOfOneNameAreOne) {
  TestModel model;
  model.input("x", {0, 2})
      .input("state", {2, 0, 3})
      .list("axes", {0})
      .list("zero", {0})
      .list("one", {1});
  name_dimension(model, 0, 0, "batch");
  name_dimension(model, 1, 1, "batch");
  model.node("Gather", {"state", "zero"}, {"h0"})
      .node("Gather", {"state", "one"}, {"c0"})
      .node("Unsqueeze", {"x", "axes"}, {"t"});
  add_lstm(model, "t", {"h0", "c0"});
  const Model loaded = model.load();
  EXPECT_EQ(loaded.graph.shapes()[1], (Shape{2, 3}));
  EXPECT_THAT(loaded.notes,
              AllOf(Contains(HasSubstr("input state counts examples along dimension 1")),
                    Contains(HasSubstr("output h counts examples along dimension 1"))));
  const auto all = evaluate(loaded, {ramp(3 * 2), ramp(3 * 6)}, 3)[0];
  for (std::size_t row = 0; row < 3; ++row) {
    const std::vector<float> x = ramp(6), state = ramp(18);
    const auto alone = evaluate(loaded,
                                {{x.begin() + 2 * static_cast<std::ptrdiff_t>(row),
                                  x.begin() + 2 * static_cast<std::ptrdiff_t>(row) + 2},
                                 {state.begin() + 6 * static_cast<std::ptrdiff_t>(row),
                                  state.begin() + 6 * static_cast<std::ptrdiff_t>(row) + 6}},
                                1)[0];
    for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(alone[k], all[row * 3 + k]);
  }
}

// A largest value over all: of a batch of one example that of the example.
TEST(OnnxInputShapes, ABatchOfOneExampleIsThatExample) {
  TestModel model;
  model.input("x", {0, 0})
      .floats("w", {2, 1, 3})
      .list("axes", {1})
      .node("Unsqueeze", {"x", "axes"}, {"u"});
  model.node("Conv", {"u", "w"}, {"c"})
      .node("ReduceMax", {"c"}, {"most"}, {{"keepdims", 0}})
      .node("Sub", {"c", "most"}, {"y"})
      .output("y");
  const std::string error = model.error();
  EXPECT_THAT(error, AllOf(HasSubstr("leaves dimension 1 open"), HasSubstr("--shape x=16000"),
                           HasSubstr("the examples of a batch"),
                           HasSubstr("to take a batch as one example: --shape x=1,16000")));
  const Model loaded = model.load({.shapes = {{"x", {1, 6}}}});
  EXPECT_EQ(loaded.graph.output_shape(), (Shape{2, 4}));
  const auto y = evaluate(loaded, {ramp(12)}, 2)[0];
  for (std::size_t row = 0; row < 2; ++row)
    EXPECT_EQ(*std::max_element(y.begin() + static_cast<std::ptrdiff_t>(row) * 8,
                                y.begin() + static_cast<std::ptrdiff_t>(row + 1) * 8),
              0.0f);
}

// As in a mel spectrogram: what lies far below the largest is lifted.
TEST(OnnxInputShapes, ABoundMayBeComputed) {
  TestModel model;
  model.input("x", {0, 0}).floats("depth", {}, {0.1f}).floats("top", {}, {0.2f});
  model.node("ReduceMax", {"x"}, {"most"}, {{"keepdims", 0}})
      .node("Sub", {"most", "depth"}, {"least"})
      .node("Clip", {"x", "least", "top"}, {"y"})
      .output("y");
  const std::vector<float> x = ramp(12);
  const auto y = evaluate(model.load({.shapes = {{"x", {1, 6}}}}), {x}, 2)[0];
  for (std::size_t i = 0; i < 12; ++i) {
    const auto row = x.begin() + static_cast<std::ptrdiff_t>(i / 6 * 6);
    const float least = *std::max_element(row, row + 6) - 0.1f;
    EXPECT_FLOAT_EQ(y[i], std::min(std::max(x[i], least), 0.2f)) << i;
  }
  TestModel counted;
  counted.input("x", {0, 3}).input("least", {0}).node("Clip", {"x", "least"}, {"y"}).output("y");
  EXPECT_THAT(counted.error(), HasSubstr("clips at a bound that counts examples"));
}

// As in a network of sound, whose file has (positions, features) and makes a batch of that itself.
TEST(OnnxInputShapes, AFileMayMakeABatchOfItsOneExample) {
  TestModel alone;
  alone.input("x", {0, 2}).list("first", {0}).floats("w", {3, 2, 3});
  alone.node("Unsqueeze", {"x", "first"}, {"batch"})
      .node("Transpose", {"batch"}, {"t"}, {{"perm", List{0, 2, 1}}})
      .node("Conv", {"t", "w"}, {"c"})
      .node("Relu", {"c"}, {"r"})
      .node("Squeeze", {"r", "first"}, {"y"})
      .output("y");
  EXPECT_THAT(alone.error(), AllOf(HasSubstr("needs the examples first"),
                                   HasSubstr("to take a batch as one example: --shape x=128,2")));
  TestModel batched;
  batched.input("x", {0, 5, 2}).floats("w", {3, 2, 3});
  batched.node("Transpose", {"x"}, {"t"}, {{"perm", List{0, 2, 1}}})
      .node("Conv", {"t", "w"}, {"c"})
      .node("Relu", {"c"}, {"y"})
      .output("y");
  const Model loaded = alone.load({.shapes = {{"x", {5, 2}}}});
  const std::vector<float> x = ramp(4 * 5 * 2);
  EXPECT_EQ(structure(loaded.graph), structure(batched.load().graph));
  EXPECT_EQ(evaluate(loaded, {x}, 4)[0], evaluate(batched.load(), {x}, 4)[0]);
}

TEST(OnnxInputShapes, TheShapeThatIsOfferedIsOneThatWorks) {
  TestModel model;
  model.input("x", {0, 0}).floats("w", {512, 2}).node("MatMul", {"x", "w"}, {"y"}).output("y");
  EXPECT_THAT(model.error(), AllOf(HasSubstr("such as --shape x=512"), Not(HasSubstr("then,"))));
}

// One input with all its extents, another with those of an example.
TEST(OnnxInputShapes, ShapesThatDisagreeOnTheBatch) {
  TestModel model;
  model.input("a", {0, 3}).input("b", {0, 3}).node("Add", {"a", "b"}, {"y"}).output("y");
  const auto error = [&]() -> std::string {
    try {
      model.load({.shapes = {{"a", {2, 3}}, {"b", {3}}}});
    } catch (const Error& refused) {
      return refused.what();
    }
    return "";
  };
  EXPECT_THAT(error(), HasSubstr("b 1 extents; expected all its 2"));
}

// An option is offered where it was tried and helps.
TEST(OnnxInputShapes, NoOptionIsOfferedThatDoesNotHelp) {
  TestModel model;
  model.input("x", {0, 3, 4}).floats("w", {2, 3, 1}).list("axes", {0, 2});
  model.node("Conv", {"x", "w"}, {"c"})
      .node("NonZero", {"c"}, {"n"})
      .node("ReduceSum", {"c", "axes"}, {"s"})
      .node("Mul", {"s", "n"}, {"y"})
      .output("y");
  EXPECT_THAT(model.error(), AllOf(HasSubstr("the examples of a batch"), HasSubstr("NonZero"),
                                   Not(HasSubstr("as one example"))));
  TestModel marked;
  marked.input("x", {0, 3}).node("Relu", {"x"}, {"y"}).output("y");
  EXPECT_THAT(marked.error({.shapes = {{"x", {0}}}}), HasSubstr("marks a dimension of x as N"));
}

}  // namespace
}  // namespace undying::onnx
