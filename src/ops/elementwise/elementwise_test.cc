// constant, clip, softmax and dropout_2d: conformance cases, values at the edges, and what they
// refuse.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/test_support.h"

namespace undying::ops {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Node constant(std::initializer_list<std::int64_t> shape) {
  return {"c", "constant", {}, {{"shape", list(shape)}}};
}
Node clip(double min, double max) { return {"c", "clip", {0}, {{"min", min}, {"max", max}}}; }
Node softmax(std::int64_t axis) { return {"s", "softmax", {0}, {{"axis", axis}}}; }
Node dropout_2d(double p) {
  return {"d", "dropout_2d", {0}, {{"p", p}, {"sequence", std::int64_t{3}}}};
}

TEST(Constant, RefusesAShapeThatHoldsNothing) {
  EXPECT_EQ(
      rejection(constant({}), {}),
      "[constant c] its shape is empty; expected at least one dimension, (1) for a single number");
  EXPECT_EQ(rejection(constant({2, 0}), {}), "[constant c] its shape (2, 0) has an extent below 1");
  EXPECT_EQ(rejection(constant({2}), {plain({2})}), "[constant c] has 1 inputs; expected 0");
}

TEST(Clip, BoundsAndNan) {
  const auto dst = result(clip(-1, 2), {{6}}, {{-kInfinity, -1, 0.5f, 2, 3, kNan}});
  EXPECT_EQ(std::vector<float>(dst.begin(), dst.end() - 1),
            (std::vector<float>{-1, -1, 0.5f, 2, 2}));
  EXPECT_TRUE(std::isnan(dst.back()));
  EXPECT_EQ(result({"c", "clip", {0}, {}}, {{2}}, {{3e38f, -3e38f}}),
            (std::vector<float>{3e38f, -3e38f}));
  EXPECT_EQ(rejection(clip(2, -1), {plain({3})}),
            "[clip c] min is 2.000000, max is -1.000000; expected min <= max");
}

// The gradient passes at the bounds themselves.
TEST(Clip, GradientAtItsBounds) {
  const Node node = clip(-1, 1);
  const Value value = plain({5});
  const auto kernel = operator_named(node).plan(
      {.node = node, .src = std::span(&value, 1), .dst = value, .rows = 1});
  const std::vector<float> src = {-1.5f, -1, 0, 1, 1.5f};
  std::vector<float> diff_dst(5, 2.0f), diff(5);
  const float* in = src.data();
  float* out = diff.data();
  Pass pass{.rows = 1,
            .src = std::span(&in, 1),
            .diff_dst = diff_dst.data(),
            .diff_src = std::span(&out, 1)};
  kernel->backward(pass, 0);
  EXPECT_EQ(diff, (std::vector<float>{0, 2, 2, 2, 0}));
}

TEST(Softmax, LargeValuesDoNotOverflow) {
  const auto dst = result(softmax(-1), {{2, 2}}, {{10000, 10000, -kInfinity, 5}});
  EXPECT_EQ(dst, (std::vector<float>{0.5f, 0.5f, 0, 1}));
  const auto logs = result({"s", "log_softmax", {0}, {}}, {{2}}, {{10000, 0}});
  EXPECT_EQ(logs, (std::vector<float>{0, -10000}));
}

TEST(Softmax, NanReachesItsWholeAxisAndNoOther) {
  const auto dst = result(softmax(0), {{3, 2}}, {{1, 1, kNan, 1, 1, 1}});
  for (std::size_t i = 0; i < dst.size(); ++i) EXPECT_EQ(std::isnan(dst[i]), i % 2 == 0) << i;
}

TEST(Softmax, RefusesAnAxisThatIsNotThere) {
  EXPECT_EQ(rejection(softmax(2), {plain({3, 4})}),
            "[softmax s] axis 2 is not one of (3, 4); expected -2 to 1");
  EXPECT_EQ(rejection(softmax(-3), {plain({3, 4})}),
            "[softmax s] axis -3 is not one of (3, 4); expected -2 to 1");
}

TEST(Dropout2d, TakesWholeChannels) {
  const auto dst = result(dropout_2d(0.5), {{64, 3}}, {std::vector<float>(192, 1.0f)});
  int kept = 0;
  for (std::size_t c = 0; c < 64; ++c) {
    EXPECT_TRUE(dst[3 * c] == dst[3 * c + 1] && dst[3 * c] == dst[3 * c + 2]);
    EXPECT_TRUE(dst[3 * c] == 0 || dst[3 * c] == 2) << dst[3 * c];
    kept += dst[3 * c] == 2;
  }
  EXPECT_GT(kept, 16);
  EXPECT_LT(kept, 48);
  EXPECT_EQ(rejection(dropout_2d(1.0), {plain({2, 3})}),
            "[dropout_2d d] p is 1.000000; expected 0 <= p < 1");
}

std::vector<Case> plain_cases() {
  const Node log_softmax{"s", "log_softmax", {0}, {{"axis", std::int64_t{1}}}};
  return {{"constant", constant({2, 3}), {}},
          {"parameter", {"p", "parameter", {}, {{"shape", list({2, 3})}}}, {}},
          {"clip", clip(-0.7, 0.4), {plain({7})}},
          {"clip_one_bound", {"c", "clip", {0}, {{"max", 0.4}}}, {plain({7})}},
          {"clip_channels", clip(-0.7, 0.4), {channels_last({3, 2, 2})}},
          {"softmax", softmax(-1), {plain({17})}},
          {"softmax_first_axis", softmax(0), {plain({3, 4})}},
          {"softmax_middle_axis", softmax(-2), {plain({2, 3, 4})}},
          {"softmax_one", softmax(0), {plain({1, 4})}},
          {"log_softmax", {"s", "log_softmax", {0}, {}}, {plain({17})}},
          {"log_softmax_middle_axis", log_softmax, {plain({2, 3, 4})}},
          {"dropout_channels", {"d", "dropout", {0}, {{"p", 0.4}}}, {channels_last({3, 2, 2})}},
          {"dropout_2d", dropout_2d(0.4), {channels_last({3, 2, 2})}},
          {"dropout_2d_sequence", dropout_2d(0.4), {channels_last({3, 5})}},
          {"dropout_2d_vector", dropout_2d(0.4), {plain({9})}}};
}

void add_functions(std::vector<Case>& all) {
  const auto add = [&](const std::string& op, const Value& src, Case::Draw draw,
                       Attributes attributes = {}) {
    const std::string suffix = src.layout == Layout::kPlain ? "" : "_channels";
    all.push_back({.label = op + suffix,
                   .node = {"f", op, {0}, std::move(attributes)},
                   .src = {src},
                   .draw = draw});
  };
  for (const char* op : {"exp", "abs", "sign", "sin", "cos", "erf", "floor", "round"})
    add(op, plain({7}), Case::Draw::kNormal);
  for (const char* op : {"log", "sqrt", "reciprocal"}) add(op, plain({7}), Case::Draw::kPositive);
  add("exp", channels_last({3, 2, 2}), Case::Draw::kNormal);
  for (const double exponent : {2.0, 3.0, 0.0}) {
    add("pow", plain({7}), Case::Draw::kNormal, {{"exponent", exponent}});
    all.back().label += std::to_string(static_cast<int>(exponent));
  }
  for (const double exponent : {0.5, -1.5}) {
    add("pow", plain({7}), Case::Draw::kPositive, {{"exponent", exponent}});
    all.back().label += exponent > 0 ? "_root" : "_negative";
  }
}

void add_selections(std::vector<Case>& all) {
  const Node where{"w", "where", {0, 1, 2}, {}};
  const auto add = [&](const std::string& label, std::vector<Value> src) {
    all.push_back(
        {.label = label, .node = where, .src = std::move(src), .draw = Case::Draw::kIndex});
  };
  add("where", {plain({5}), plain({5}), plain({5})});
  add("where_broadcast", {plain({3, 1}), plain({1}), plain({2, 1, 4})});
  add("where_wide_condition", {plain({2, 3}), plain({3}), plain({1})});
  const Node table{
      "e", "embedding", {0}, {{"rows", std::int64_t{3}}, {"features", std::int64_t{4}}}};
  all.push_back(
      {.label = "embedding", .node = table, .src = {plain({5})}, .draw = Case::Draw::kIndex});
  all.push_back({.label = "embedding_matrix",
                 .node = table,
                 .src = {plain({2, 3})},
                 .draw = Case::Draw::kIndex});
}

TEST(Embedding, WhatIsNoRowIsNoNumber) {
  const Node table{
      "words", "embedding", {0}, {{"rows", std::int64_t{3}}, {"features", std::int64_t{2}}}};
  const auto is_row = [&](float value) { return !std::isnan(result(table, {{1}}, {{value}})[0]); };
  for (const float value : {0.0f, 2.0f, -1.0f, -3.0f}) EXPECT_TRUE(is_row(value)) << value;
  for (const float value : {3.0f, -4.0f, 0.5f, kNan, kInfinity})
    EXPECT_FALSE(is_row(value)) << value;
}

TEST(Where, WhatIsNotTakenReachesNothing) {
  const Node where{"w", "where", {0, 1, 2}, {}};
  EXPECT_EQ(result(where, {{3}, {3}, {3}}, {{1, 0, -2}, {1, kNan, 3}, {kInfinity, 5, kNan}}),
            (std::vector<float>{1, 5, 3}));
  EXPECT_EQ(rejection(where, {plain({3}), plain({3}), plain({2})}),
            "[where w] src (3), (3) and (2) do not broadcast: 3 != 2");
}

}  // namespace

std::vector<Case> elementwise_cases() {
  std::vector<Case> all = plain_cases();
  add_functions(all);
  add_selections(all);
  return all;
}

}  // namespace undying::ops
