// Elements that are chosen, and the examples they must not mix.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/run.h"
#include "onnx/test_model.h"

namespace undying::onnx {
namespace {

using testing::HasSubstr;
using List = std::vector<std::int64_t>;
using Values = std::vector<float>;

Values counted(std::int64_t count) {
  Values values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i));
  return values;
}

TEST(OnnxIndex, RowsBehindWhichExamplesStand) {
  TestModel model;  // x^T[[2, 0]]
  model.input("x", {0, 3})
      .integers("i", {2, 1}, {2, 0})
      .node("Transpose", {"x"}, {"t"}, {{"perm", List{1, 0}}});
  model.node("GatherND", {"t", "i"}, {"g"})
      .node("Transpose", {"g"}, {"y"}, {{"perm", List{1, 0}}})
      .output("y");
  EXPECT_EQ(evaluate(model.load(), {counted(6)}, 2)[0], (Values{2, 0, 5, 3}));
  TestModel mixing;
  mixing.input("x", {0, 3})
      .integers("i", {2, 1}, {1, 0})
      .node("GatherND", {"x", "i"}, {"y"})
      .output("y");
  EXPECT_THAT(mixing.error(), HasSubstr("the examples of a batch"));
}

TEST(OnnxIndex, UpdatesTakeThePlaceOfRows) {
  TestModel model;
  model.input("x", {0, 3})
      .integers("i", {1, 1}, {1})
      .node("Transpose", {"x"}, {"t"}, {{"perm", List{1, 0}}});
  model.floats("u", {1, 1}, {9})
      .node("ScatterND", {"t", "i", "u"}, {"s"})
      .node("Transpose", {"s"}, {"y"}, {{"perm", List{1, 0}}})
      .output("y");
  EXPECT_EQ(evaluate(model.load(), {counted(6)}, 2)[0], (Values{0, 9, 2, 3, 9, 5}));
}

TEST(OnnxIndex, ClassesAsNumbersAndBack) {
  TestModel model;
  model.input("x", {0, 3}).integers("depth", {}, {3}).floats("values", {2}, {0, 1});
  model.node("ArgMax", {"x"}, {"a"}, {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}});
  model.node("OneHot", {"a", "depth", "values"}, {"y"}).output("y");
  EXPECT_EQ(evaluate(model.load(), {{1, 3, 2, 9, 5, 4}}, 2)[0], (Values{0, 1, 0, 1, 0, 0}));
}

TEST(OnnxIndex, SumsUpToEachElement) {
  TestModel model;
  model.input("x", {0, 3})
      .integers("axis", {}, {1})
      .node("CumSum", {"x", "axis"}, {"y"}, {{"exclusive", std::int64_t{1}}})
      .output("y");
  EXPECT_EQ(evaluate(model.load(), {counted(6)}, 2)[0], (Values{0, 0, 1, 0, 3, 7}));
}

// ---- One example that a file was made with.

TEST(OnnxExamples, ADimensionIsDroppedAndComesBack) {
  TestModel model;
  model.input("x", {1, 3})
      .integers("i", {}, {0})
      .list("front", {0})
      .node("Gather", {"x", "i"}, {"a"})
      .node("Relu", {"a"}, {"b"});
  model.node("Unsqueeze", {"b", "front"}, {"c"}).node("Add", {"c", "x"}, {"y"}).output("y");
  EXPECT_EQ(evaluate(model.load(), {{1, -2, 3, -4, 5, 6}}, 2)[0], (Values{2, -2, 6, -4, 10, 12}));
}

// (5, N, 6) as (5, N 2, 3), not as (5 N, 2, 3): heads of attention, whose products would mix
// examples otherwise.
TEST(OnnxExamples, WhatFollowsTellsWhereTheyAreFolded) {
  TestModel model;
  model.input("x", {1, 5, 6})
      .list("heads", {5, 2, 3})
      .list("whole", {5, 1, 6})
      .node("Transpose", {"x"}, {"t"}, {{"perm", List{1, 0, 2}}});
  model.node("Reshape", {"t", "heads"}, {"h"})
      .node("Transpose", {"h"}, {"q"}, {{"perm", List{1, 0, 2}}});
  model.node("Transpose", {"h"}, {"k"}, {{"perm", List{1, 2, 0}}})
      .node("MatMul", {"q", "k"}, {"s"})
      .node("MatMul", {"s", "q"}, {"v"});
  model.node("Transpose", {"v"}, {"b"}, {{"perm", List{1, 0, 2}}})
      .node("Reshape", {"b", "whole"}, {"w"});
  model.node("Transpose", {"w"}, {"y"}, {{"perm", List{1, 0, 2}}}).output("y");
  const Model loaded = model.load();
  Values two = counted(30);
  for (int i = 0; i < 30; ++i) two.push_back(static_cast<float>(i % 7));
  const Values both = evaluate(loaded, {two}, 2)[0];
  const Values first = evaluate(loaded, {counted(30)}, 1)[0];
  EXPECT_EQ(Values(both.begin(), both.begin() + 30), first);
}

}  // namespace
}  // namespace undying::onnx
