// The operators that move values: conformance cases, the examples of ONNX's specification, and what
// they refuse.

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "ops/test_support.h"

namespace undying::ops {
namespace {

using List = std::initializer_list<std::int64_t>;
using Floats = std::vector<float>;

Node with_list(const std::string& op, const std::string& name, List values) {
  return {"n", op, {0}, {{name, list(values)}}};
}
Node reshape(List shape) { return with_list("reshape", "shape", shape); }
Node squeeze(List axes) { return with_list("squeeze", "axes", axes); }
Node unsqueeze(List axes) { return with_list("unsqueeze", "axes", axes); }
Node transpose(List perm) { return with_list("transpose", "perm", perm); }
Node concat(std::int64_t axis, std::vector<int> inputs = {0, 1}) {
  return {"n", "concat", std::move(inputs), {{"axis", axis}}};
}

Node slice(List starts, List ends, List axes, List steps) {
  return {"n",
          "slice",
          {0},
          {{"starts", list(starts)},
           {"ends", list(ends)},
           {"axes", list(axes)},
           {"steps", list(steps)}}};
}

Node pad(List pads, const std::string& mode = "constant", double value = 0.0) {
  return {"n", "pad", {0}, {{"pads", list(pads)}, {"mode", mode}, {"value", value}}};
}

Node reduced(const std::string& op, List axes, std::int64_t keepdims = 1) {
  return {"n", op, {0}, {{"axes", list(axes)}, {"keepdims", keepdims}}};
}

Shape shape_of(const Node& node, Shape src) {
  const Value value = plain(std::move(src));
  return infer(node, std::span(&value, 1)).shape;
}

Floats counted(int count) {
  Floats all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0.0f);
  return all;
}

TEST(Reshape, OneExtentMayBeLeftOpen) {
  EXPECT_EQ(shape_of(reshape({-1, 4}), {2, 3, 4}), (Shape{6, 4}));
  EXPECT_EQ(shape_of(reshape({24}), {2, 3, 4}), (Shape{24}));
  EXPECT_EQ(rejection(reshape({5, -1}), {plain({2, 3})}),
            "[reshape n] src (2, 3) of 6 elements does not fit shape (5, -1)");
  EXPECT_EQ(rejection(reshape({4, 2}), {plain({2, 3})}),
            "[reshape n] src (2, 3) of 6 elements does not fit shape (4, 2)");
  EXPECT_EQ(rejection(reshape({-1, -1}), {plain({2, 3})}),
            "[reshape n] shape (-1, -1) leaves two extents open; expected one -1");
  EXPECT_EQ(rejection(reshape({0, 3}), {plain({2, 3})}),
            "[reshape n] shape (0, 3) has an extent below 1 that is not -1");
  EXPECT_EQ(rejection(reshape({}), {plain({1})}),
            "[reshape n] its shape is empty; expected at least one dimension");
}

TEST(Squeeze, AxesOrAllOfExtentOne) {
  EXPECT_EQ(shape_of(squeeze({0, -1}), {1, 3, 1, 1}), (Shape{3, 1}));
  EXPECT_EQ(shape_of({"n", "squeeze", {0}, {}}, {1, 3, 1, 1}), (Shape{3}));
  EXPECT_EQ(shape_of({"n", "squeeze", {0}, {}}, {1, 1}), (Shape{1}));
  EXPECT_EQ(rejection(squeeze({1}), {plain({1, 3})}),
            "[squeeze n] src (1, 3) has extent 3 at axis 1; expected 1");
  EXPECT_EQ(rejection(squeeze({2}), {plain({1, 3})}),
            "[squeeze n] axis 2 is not one of (1, 3); expected -2 to 1");
  EXPECT_EQ(rejection(squeeze({0, -2}), {plain({1, 3})}),
            "[squeeze n] axes (0, -2) name axis 0 twice");
}

TEST(Unsqueeze, AxesAreThoseOfTheResult) {
  EXPECT_EQ(shape_of(unsqueeze({0, 3}), {3, 4}), (Shape{1, 3, 4, 1}));
  EXPECT_EQ(shape_of(unsqueeze({-1}), {3, 4}), (Shape{3, 4, 1}));
  EXPECT_EQ(rejection(unsqueeze({3}), {plain({3, 4})}),
            "[unsqueeze n] axis 3 is not one of a result of 3 dimensions; expected -3 to 2");
}

TEST(Transpose, OrdersAxes) {
  EXPECT_EQ(shape_of(transpose({2, 0, 1}), {3, 4, 5}), (Shape{5, 3, 4}));
  EXPECT_EQ(result(transpose({1, 0}), {{2, 3}}, {counted(6)}), (Floats{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(result(transpose({2, 1, 0}), {{2, 1, 3}}, {counted(6)}), (Floats{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(rejection(transpose({0, 0}), {plain({2, 3})}),
            "[transpose n] perm (0, 0) does not order the axes of src (2, 3)");
  EXPECT_EQ(rejection(transpose({0}), {plain({2, 3})}),
            "[transpose n] perm (0) does not order the axes of src (2, 3)");
}

TEST(Concat, AxesCountInTheShapeWhateverTheLayout) {
  const std::vector<Value> src = {channels_last({2, 3, 4}), channels_last({5, 3, 4})};
  EXPECT_EQ(infer(concat(0), src).shape, (Shape{7, 3, 4}));
  EXPECT_EQ(infer(concat(-3), src).layout, Layout::kChannelsLast);
  EXPECT_EQ(result(concat(1), {{2, 1}, {2, 2}}, {{1, 2}, {3, 4, 5, 6}}),
            (Floats{1, 3, 4, 2, 5, 6}));
  EXPECT_EQ(
      rejection(concat(1), src),
      "[concat n] src 1 (5, 3, 4) does not fit src 0 (2, 3, 4); expected the same but for axis 1");
  EXPECT_EQ(rejection(concat(0), {plain({2}), plain({2, 2})}),
            "[concat n] src 1 (2, 2) does not fit src 0 (2); expected the same but for axis 0");
  EXPECT_EQ(rejection(concat(0, {}), {}), "[concat n] has 0 inputs; expected at least 1");
}

// Bounds as in the examples of ONNX's Slice.
TEST(Slice, BoundsAreClamped) {
  const Floats src = counted(8);  // (2, 4)
  EXPECT_EQ(result(slice({1, 0}, {2, 3}, {0, 1}, {1, 2}), {{2, 4}}, {src}), (Floats{4, 6}));
  EXPECT_EQ(result({"n", "slice", {0}, {{"starts", list({0, 1})}, {"ends", list({-1, 1000})}}},
                   {{2, 4}}, {src}),
            (Floats{1, 2, 3}));
  EXPECT_EQ(result(slice({-1}, {-1000}, {1}, {-1}), {{2, 4}}, {src}),
            (Floats{3, 2, 1, 0, 7, 6, 5, 4}));
  EXPECT_EQ(result(slice({1000}, {0}, {-1}, {-2}), {{2, 4}}, {src}), (Floats{3, 1, 7, 5}));
  EXPECT_EQ(result(slice({-1}, {-3}, {-1}, {-1}), {{2, 4}}, {src}), (Floats{3, 2, 7, 6}));
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(result(slice({kMost}, {kLeast}, {1}, {kLeast}), {{2, 4}}, {src}), (Floats{3, 7}));
  EXPECT_EQ(result(slice({kLeast}, {kMost}, {1}, {kMost}), {{2, 4}}, {src}), (Floats{0, 4}));
}

TEST(Slice, RefusesWhatLeavesNothing) {
  EXPECT_EQ(rejection(slice({1000}, {1001}, {1}, {1}), {plain({2, 4})}),
            "[slice n] nothing is left of axis 1 of src (2, 4) from 1000 to 1001 in steps of 1");
  EXPECT_EQ(rejection(slice({0}, {2}, {1}, {0}), {plain({2, 4})}), "[slice n] a step is 0");
  EXPECT_EQ(rejection(slice({0}, {1}, {2}, {1}), {plain({2, 4})}),
            "[slice n] axis 2 is not one of (2, 4); expected -2 to 1");
  EXPECT_EQ(rejection(slice({0, 1}, {1}, {0, 1}, {1, 1}), {plain({2, 4})}),
            "[slice n] ends (1) has 1 entries; expected 2, as many as starts");
  EXPECT_EQ(rejection(slice({0, 1}, {1, 2}, {1, -1}, {1, 1}), {plain({2, 4})}),
            "[slice n] axes (1, -1) name axis 1 twice");
}

TEST(Pad, Modes) {
  const Floats src = {1, 2, 3};
  EXPECT_EQ(result(pad({2, 1}, "constant", 9), {{3}}, {src}), (Floats{9, 9, 1, 2, 3, 9}));
  EXPECT_EQ(result(pad({2, 1}, "reflect"), {{3}}, {src}), (Floats{3, 2, 1, 2, 3, 2}));
  EXPECT_EQ(result(pad({2, 1}, "edge"), {{3}}, {src}), (Floats{1, 1, 1, 2, 3, 3}));
  EXPECT_EQ(result(pad({-1, 2}, "edge"), {{3}}, {src}), (Floats{2, 3, 3, 3}));
  EXPECT_EQ(result(pad({0, 1, 1, -1}), {{1, 3}}, {src}), (Floats{0, 1, 2, 0, 0, 0}));
}

TEST(Pad, RefusesWhatDoesNotFit) {
  EXPECT_EQ(rejection(pad({1, 1}), {plain({2, 3})}),
            "[pad n] pads (1, 1) has 2 entries; expected 4, begins and ends of src (2, 3)");
  EXPECT_EQ(rejection(pad({-2, -1}), {plain({3})}),
            "[pad n] nothing is left of axis 0 of src (3) with pads (-2, -1)");
  EXPECT_EQ(rejection(pad({3, 0}, "reflect"), {plain({3})}),
            "[pad n] pads (3, 0) reflect more of axis 0 of src (3) than there is behind its edge");
  EXPECT_EQ(rejection(pad({1, 0}, "wrap"), {plain({3})}),
            "[pad n] mode is \"wrap\"; expected constant, reflect or edge");
}

TEST(Reduce, ShapesThatRemain) {
  EXPECT_EQ(shape_of(reduced("reduce_mean", {1}), {2, 3, 4}), (Shape{2, 1, 4}));
  EXPECT_EQ(shape_of(reduced("reduce_mean", {-1, 0}, 0), {2, 3, 4}), (Shape{3}));
  EXPECT_EQ(shape_of({"n", "reduce_sum", {0}, {}}, {2, 3}), (Shape{1, 1}));
  EXPECT_EQ(shape_of({"n", "reduce_sum", {0}, {{"keepdims", std::int64_t{0}}}}, {2, 3}),
            (Shape{1}));
  EXPECT_EQ(result(reduced("reduce_mean", {0}), {{2, 3}}, {counted(6)}),
            (Floats{1.5f, 2.5f, 3.5f}));
  EXPECT_EQ(result(reduced("reduce_sum", {1}), {{2, 3}}, {counted(6)}), (Floats{3, 12}));
  EXPECT_EQ(rejection(reduced("reduce_sum", {2}), {plain({2, 3})}),
            "[reduce_sum n] axis 2 is not one of (2, 3); expected -2 to 1");
}

void add_reductions(std::vector<Case>& all) {
  for (const std::string op : {"reduce_mean", "reduce_sum", "reduce_max", "reduce_min"}) {
    all.push_back({op + "_all", {"n", op, {0}, {}}, {plain({3, 4})}});
    all.push_back({op + "_first", reduced(op, {0}), {plain({3, 4})}});
    all.push_back({op + "_last", reduced(op, {-1}, 0), {plain({3, 19})}});
    all.push_back({op + "_middle", reduced(op, {1}), {plain({2, 3, 4})}});
    all.push_back({op + "_outer", reduced(op, {2, 0}, 0), {plain({2, 3, 4})}});
  }
}

void add_slices(std::vector<Case>& all) {
  all.push_back({"slice", slice({1}, {6}, {0}, {2}), {plain({7})}});
  all.push_back({"slice_back", slice({-1, 0}, {-100, 2}, {1, 0}, {-2, 1}), {plain({3, 5, 2})}});
  all.push_back({"slice_channels", slice({1}, {3}, {0}, {1}), {channels_last({4, 3, 2})}});
  all.push_back(
      {"slice_positions", slice({0, 2}, {3, 0}, {1, 2}, {2, -1}), {channels_last({4, 3, 3})}});
  all.push_back({"slice_one", slice({1}, {2}, {-1}, {1}), {channels_last({4, 3, 3})}});
}

void add_takes(std::vector<Case>& all) {
  const auto take = [](std::int64_t axis, std::initializer_list<std::int64_t> indices) {
    return Node{"t", "take", {0}, {{"axis", axis}, {"indices", list(indices)}}};
  };
  all.push_back({"take", take(0, {4, 0, 4, 2}), {plain({7})}});
  all.push_back({"take_middle", take(-2, {1, 1, 0}), {plain({2, 3, 4})}});
  const auto top = [](std::int64_t axis, std::int64_t k, std::int64_t largest,
                      std::int64_t indices) {
    return Node{
        "t", "top_k", {0}, {{"axis", axis}, {"k", k}, {"largest", largest}, {"indices", indices}}};
  };
  all.push_back({"top_k", top(-1, 3, 1, 0), {plain({7})}});
  all.push_back({"top_k_smallest", top(1, 2, 0, 0), {plain({2, 5, 3})}});
  all.push_back({"top_k_places", top(0, 2, 1, 1), {plain({4, 2})}});
  all.push_back({"arg_max",
                 {"a", "arg_max", {0}, {{"axis", std::int64_t{0}}, {"keepdims", std::int64_t{0}}}},
                 {plain({5, 3})}});
  all.push_back(
      {"arg_max_last", {"a", "arg_max", {0}, {{"last", std::int64_t{1}}}}, {plain({2, 6})}});
  all.push_back({"take_channels", take(0, {3, 0, 1}), {channels_last({4, 3, 2})}});
}

void add_resizes(std::vector<Case>& all) {
  const auto resize = [](Shape sizes, const std::string& mode, const std::string& coordinates,
                         const std::string& nearest = "floor") {
    return Node{
        "r",
        "resize",
        {0},
        {{"sizes", sizes}, {"mode", mode}, {"coordinates", coordinates}, {"nearest", nearest}}};
  };
  all.push_back(
      {"resize_nearest", resize({3, 6, 4}, "nearest", "asymmetric"), {channels_last({3, 3, 2})}});
  all.push_back({"resize_smaller",
                 resize({3, 2, 4}, "nearest", "half_pixel", "round_prefer_ceil"),
                 {channels_last({3, 5, 4})}});
  all.push_back(
      {"resize_linear", resize({2, 5, 7}, "linear", "half_pixel"), {channels_last({2, 3, 4})}});
  all.push_back(
      {"resize_corners", resize({2, 5, 7}, "linear", "align_corners"), {channels_last({2, 3, 4})}});
  all.push_back(
      {"resize_cubic", resize({2, 8}, "cubic", "pytorch_half_pixel"), {channels_last({2, 5})}});
  all.push_back(
      {"resize_plain", resize({5, 3}, "linear", "half_pixel_symmetric"), {plain({2, 3})}});
}

void add_pads(std::vector<Case>& all) {
  all.push_back({"pad", pad({2, 1}, "constant", 0.5), {plain({5})}});
  all.push_back({"pad_crop", pad({0, -1, 2, -1}), {plain({3, 5})}});
  all.push_back({"pad_channels", pad({2, 0, 0, 3, 0, 0}), {channels_last({4, 3, 2})}});
  all.push_back(
      {"pad_positions", pad({0, 1, 0, 0, 2, -1}, "constant", -1), {channels_last({4, 3, 2})}});
  for (const std::string mode : {"reflect", "edge"}) {
    all.push_back({"pad_" + mode, pad({3, 2}, mode), {plain({5})}});
    all.push_back({"pad_2d_" + mode, pad({0, 1, 2, 0, 2, 1}, mode), {channels_last({3, 3, 3})}});
    all.push_back({"pad_crop_" + mode, pad({-1, 1, 0, -1}, mode), {plain({4, 3})}});
  }
}

void add_transposes(std::vector<Case>& all) {
  all.push_back({"transpose_matrix", transpose({1, 0}), {plain({3, 5})}});
  all.push_back({"transpose_same", transpose({0, 1}), {plain({3, 5})}});
  all.push_back({"transpose_reverse", transpose({2, 1, 0}), {plain({3, 5, 2})}});
  all.push_back({"transpose_turn", transpose({1, 2, 0}), {plain({3, 5, 2})}});
  all.push_back({"transpose_last", transpose({0, 2, 1}), {plain({3, 5, 2})}});
  all.push_back({"transpose_heads", transpose({1, 0, 2}), {plain({3, 2, 4})}});
  all.push_back({"transpose_view", transpose({0, 2, 1}), {plain({3, 1, 4})}});
  all.push_back({"transpose_four", transpose({2, 0, 3, 1}), {plain({2, 3, 2, 2})}});
}

}  // namespace

std::vector<Case> shape_cases() {
  std::vector<Case> all = {
      {"reshape", reshape({4, -1}), {plain({2, 6})}},
      {"squeeze", squeeze({1}), {plain({2, 1, 3})}},
      {"squeeze_all", {"n", "squeeze", {0}, {}}, {plain({1, 1})}},
      {"unsqueeze", unsqueeze({0, -1}), {plain({2, 3})}},
      {"concat", concat(0), {plain({3}), plain({4})}},
      {"concat_one", concat(0, {0}), {plain({3, 2})}},
      {"concat_three", concat(-1, {0, 1, 2}), {plain({3, 2}), plain({3, 1}), plain({3, 4})}},
      {"concat_channels", concat(0), {channels_last({3, 2, 2}), channels_last({4, 2, 2})}},
      {"concat_rows", concat(1), {channels_last({3, 2, 2}), channels_last({3, 1, 2})}},
      {"concat_columns",
       concat(-1, {0, 1, 2}),
       {channels_last({3, 2, 2}), channels_last({3, 2, 1}), channels_last({3, 2, 3})}},
  };
  add_reductions(all);
  add_slices(all);
  add_takes(all);
  add_resizes(all);
  add_pads(all);
  add_transposes(all);
  return all;
}

}  // namespace undying::ops
