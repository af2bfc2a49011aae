#include "onnx/normalise/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/net.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

using testing::ElementsAre;

ConstantPtr extents(std::vector<Integer> values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return std::make_shared<Constant>(
      Constant{.dims = {count}, .integer = true, .integers = std::move(values)});
}

constexpr Integer kN{1, true};
constexpr Integer n(std::int64_t value) { return {value, true}; }
constexpr Integer i(std::int64_t value) { return {value, false}; }

ConstantPtr run(const std::string& op, std::vector<ConstantPtr> inputs,
                std::map<std::string, Setting> settings = {}) {
  Net net;
  Operation operation{.name = "test", .op = op, .settings = std::move(settings)};
  for (ConstantPtr& input : inputs)
    operation.inputs.push_back(input == nullptr ? -1 : net.add_constant(std::move(input)));
  operation.outputs = {0};
  return Evaluator().evaluate(net, operation).front();
}

std::vector<Integer> integers(const ConstantPtr& constant) { return constant->integers; }

// view(x.size(0), -1): Shape, Gather, Unsqueeze, Concat.
TEST(OnnxEvaluate, TheBatchSurvivesShapeArithmetic) {
  const ConstantPtr shape = extents({kN, i(3), i(8), i(8)});
  const ConstantPtr first = run("Gather", {shape, make_integers({}, {0})});
  EXPECT_TRUE(first->dims.empty());
  const ConstantPtr listed = run("Unsqueeze", {first, make_list({0})});
  EXPECT_THAT(integers(run("Concat", {listed, make_list({-1})}, {{"axis", std::int64_t{0}}})),
              ElementsAre(kN, i(-1)));
  EXPECT_THAT(integers(run("Slice", {shape, make_list({1}), make_list({1000000})})),
              ElementsAre(i(3), i(8), i(8)));
  EXPECT_THAT(integers(run("Cast", {shape}, {{"to", std::int64_t{7}}})),
              ElementsAre(kN, i(3), i(8), i(8)));
}

TEST(OnnxEvaluate, MultiplesOfTheBatch) {
  EXPECT_THAT(integers(run("Mul", {extents({kN}), make_list({6})})), ElementsAre(n(6)));
  EXPECT_THAT(integers(run("Div", {extents({n(6)}), make_list({3})})), ElementsAre(n(2)));
  EXPECT_THAT(integers(run("Div", {extents({n(6)}), extents({n(2)})})), ElementsAre(i(3)));
  EXPECT_THAT(integers(run("Add", {extents({kN}), make_list({0})})), ElementsAre(kN));
  EXPECT_THAT(integers(run("Sub", {extents({n(3)}), extents({kN})})), ElementsAre(n(2)));
}

TEST(OnnxEvaluate, WhatIsNotAMultipleIsRefused) {
  EXPECT_THROW(run("Add", {extents({kN}), make_list({1})}), Refusal);
  EXPECT_THROW(run("Mul", {extents({kN}), extents({kN})}), Refusal);
  EXPECT_THROW(run("Div", {make_list({6}), extents({kN})}), Refusal);
  EXPECT_THROW(run("Div", {make_list({6}), make_list({0})}), Refusal);
  EXPECT_THROW(run("Range", {extents({kN}), make_list({1}), make_list({1})}), Refusal);
}

// expand(-1, ...): Where(Equal(shape, -1), 1, shape).
TEST(OnnxEvaluate, TheBatchIsAtLeastOne) {
  const ConstantPtr shape = extents({kN, i(-1)});
  const ConstantPtr open = run("Equal", {shape, make_list({-1})});
  EXPECT_THAT(integers(open), ElementsAre(i(0), i(1)));
  EXPECT_THAT(integers(run("Where", {open, make_list({1, 1}), shape})), ElementsAre(kN, i(1)));
  EXPECT_THROW(run("Equal", {shape, make_list({2})}), Refusal);
}

TEST(OnnxEvaluate, OverflowIsRefused) {
  const ConstantPtr large = make_list({std::numeric_limits<std::int64_t>::max()});
  const ConstantPtr least = make_list({std::numeric_limits<std::int64_t>::min()});
  EXPECT_THROW(run("Add", {large, make_list({1})}), Refusal);
  EXPECT_THROW(run("Mul", {large, make_list({2})}), Refusal);
  EXPECT_THROW(run("Neg", {least}), Refusal);
  EXPECT_THROW(run("Div", {least, make_list({-1})}), Refusal);
}

TEST(OnnxEvaluate, Broadcasting) {
  const ConstantPtr sum = run("Add", {make_floats({2, 1}, {10, 20}), make_floats({3}, {1, 2, 3})});
  EXPECT_THAT(sum->dims, ElementsAre(2, 3));
  EXPECT_THAT(sum->floats, ElementsAre(11, 12, 13, 21, 22, 23));
  EXPECT_THROW(run("Add", {make_floats({2}, {1, 2}), make_floats({3}, {1, 2, 3})}), Error);
}

TEST(OnnxEvaluate, TransposeTellsItsOrigin) {
  Constant weight = *make_floats({2, 3}, {1, 2, 3, 4, 5, 6});
  weight.origin = "weight";
  const ConstantPtr turned = run("Transpose", {std::make_shared<Constant>(weight)});
  EXPECT_THAT(turned->dims, ElementsAre(3, 2));
  EXPECT_THAT(turned->floats, ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_EQ(turned->origin, "weight");
  EXPECT_TRUE(turned->transposed);
  EXPECT_FALSE(run("Transpose", {turned})->transposed);
}

TEST(OnnxEvaluate, Arrangements) {
  const ConstantPtr matrix = make_floats({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(run("Gather", {matrix, make_list({2, 0})}, {{"axis", std::int64_t{1}}})->floats,
              ElementsAre(3, 1, 6, 4));
  EXPECT_THAT(
      run("Slice", {matrix, make_list({-1}), make_list({-100}), make_list({1}), make_list({-2})})
          ->floats,
      ElementsAre(3, 1, 6, 4));
  EXPECT_THAT(run("Concat", {matrix, matrix}, {{"axis", std::int64_t{1}}})->floats,
              ElementsAre(1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6));
  EXPECT_THAT(run("Expand", {make_floats({2, 1}, {1, 2}), make_list({2, 2})})->floats,
              ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(run("Reshape", {matrix, make_list({0, -1, 1})})->dims, ElementsAre(2, 3, 1));
  EXPECT_THAT(run("Flatten", {matrix}, {{"axis", std::int64_t{0}}})->dims, ElementsAre(1, 6));
  EXPECT_THAT(integers(run("Range", {make_list({5}), make_list({0}), make_list({-2})})),
              ElementsAre(i(5), i(3), i(1)));
  EXPECT_THAT(run("ConstantOfShape", {make_list({2})})->floats, ElementsAre(0, 0));
}

TEST(OnnxEvaluate, SmallFilesCannotAskForMuch) {
  EXPECT_THROW(run("ConstantOfShape", {make_list({1 << 15, 1 << 15})}), Refusal);
  EXPECT_THROW(run("ConstantOfShape", {make_list({std::int64_t{1} << 40, std::int64_t{1} << 40})}),
               Error);
  EXPECT_THROW(run("Expand", {make_floats({1}, {1}), make_list({1 << 16, 1 << 14})}), Refusal);
  EXPECT_THROW(run("Range", {make_list({0}), make_list({std::int64_t{1} << 60}), make_list({1})}),
               Refusal);
}

TEST(OnnxEvaluate, RangesOfSlices) {
  const Operation any{.name = "test", .op = "Slice"};
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(slice_range(any, 0, kMost, 1, 5).count, 5);
  EXPECT_EQ(slice_range(any, kMost, kLeast, -1, 5).start, 4);
  EXPECT_EQ(slice_range(any, kMost, kLeast, -1, 5).count, 5);
  EXPECT_EQ(slice_range(any, 0, 5, kMost, 5).count, 1);
  EXPECT_EQ(slice_range(any, 4, kLeast, kLeast, 5).count, 1);
  EXPECT_EQ(slice_range(any, 3, 1, 1, 5).count, 0);
  EXPECT_EQ(slice_range(any, 1, 5, 2, 5).count, 2);
}

}  // namespace
}  // namespace undying::onnx
