// matmul and the normalisations within an example: conformance cases, NumPy's examples, and what
// they refuse.

#include <gtest/gtest.h>

#include <cmath>

#include "ops/test_support.h"

namespace undying::ops {
namespace {

using Floats = std::vector<float>;

Node matmul() { return {"m", "matmul", {0, 1}, {}}; }
Node recurrent(const char* op, std::int64_t directions, std::int64_t reverse,
               const char* flag = "reverse") {
  Node node{"r",
            op,
            {0},
            {{"hidden", std::int64_t{5}}, {"directions", directions}, {"reverse", reverse}}};
  if (std::string_view(flag) != "reverse") node.attributes.set(flag, std::int64_t{1});
  return node;
}
Node rms_norm(std::int64_t axis) {
  return {"n", "rms_norm", {0}, {{"axis", axis}, {"epsilon", 1e-3}}};
}
Node layer_norm(std::int64_t axis, std::int64_t bias = 1) {
  return {"n", "layer_norm", {0}, {{"axis", axis}, {"bias", bias}}};
}
Node group_norm(std::int64_t groups) { return {"n", "group_norm", {0}, {{"groups", groups}}}; }
Node instance_norm() { return {"n", "instance_norm", {0}, {{"epsilon", 1e-3}}}; }

Shape product(Shape a, Shape b) {
  return infer(matmul(), std::vector{plain(std::move(a)), plain(std::move(b))}).shape;
}

TEST(Matmul, ShapesAsNumPyHasThem) {
  EXPECT_EQ(product({2, 3}, {3, 4}), (Shape{2, 4}));
  EXPECT_EQ(product({5, 2, 3}, {3, 4}), (Shape{5, 2, 4}));
  EXPECT_EQ(product({5, 1, 2, 3}, {7, 3, 4}), (Shape{5, 7, 2, 4}));
  EXPECT_EQ(product({3}, {3, 4}), (Shape{4}));
  EXPECT_EQ(product({2, 3}, {3}), (Shape{2}));
  EXPECT_EQ(product({3}, {5, 3, 4}), (Shape{5, 4}));
  EXPECT_EQ(product({3}, {3}), (Shape{1}));
}

TEST(Matmul, MultipliesMatrices) {
  EXPECT_EQ(result(matmul(), {{2, 2}, {2, 2}}, {{1, 2, 3, 4}, {5, 6, 7, 8}}),
            (Floats{19, 22, 43, 50}));
  EXPECT_EQ(result(matmul(), {{2}, {2}}, {{1, 2}, {5, 6}}), (Floats{17}));
}

TEST(Matmul, RefusesWhatDoesNotFit) {
  EXPECT_EQ(rejection(matmul(), {plain({2, 3}), plain({2, 3})}),
            "[matmul m] src (2, 3) and (2, 3) do not fit: 3 != 2");
  EXPECT_EQ(rejection(matmul(), {plain({2, 3}), plain({4})}),
            "[matmul m] src (2, 3) and (4) do not fit: 3 != 4");
  EXPECT_EQ(rejection(matmul(), {plain({4, 2, 3}), plain({5, 3, 2})}),
            "[matmul m] src (4, 2, 3) and (5, 3, 2) do not fit: 4 != 5");
}

TEST(LayerNorm, OwnsTheDimensionsFromItsAxis) {
  const Value src = plain({2, 3, 4});
  const auto specs = operator_named(layer_norm(1)).parameters(layer_norm(1), std::span(&src, 1));
  ASSERT_EQ(specs.size(), 2u);
  EXPECT_EQ(specs[0].name, "n.weight");
  EXPECT_EQ(specs[0].shape, (Shape{3, 4}));
  EXPECT_EQ(specs[1].name, "n.bias");
  EXPECT_EQ(operator_named(layer_norm(1)).parameters(layer_norm(1, 0), std::span(&src, 1)).size(),
            1u);
  EXPECT_EQ(rejection(layer_norm(3), {src}),
            "[layer_norm n] axis 3 is not one of (2, 3, 4); expected -3 to 2");
}

// Values far from 0: a variance as the difference of two means of squares would be lost.
TEST(LayerNorm, AMeanFarFromZeroKeepsTheVariance) {
  const auto dst = result(layer_norm(-1), {{4}}, {{4096, 4097, 4098, 4099}});
  const double sd = std::sqrt(1.25 + 1e-5);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(dst[i], (static_cast<double>(i) - 1.5) / sd, 1e-6);
}

TEST(GroupNorm, AMeanFarFromZeroKeepsTheVariance) {
  const auto dst = result(group_norm(1), {{2, 2}}, {{4096, 4097, 4098, 4099}});
  const double sd = std::sqrt(1.25 + 1e-5);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(dst[i], (static_cast<double>(i) - 1.5) / sd, 1e-6);
}

TEST(GroupNorm, RefusesGroupsThatDoNotDivide) {
  EXPECT_EQ(rejection(group_norm(4), {channels_last({6, 2, 2})}),
            "[group_norm n] groups is 4; expected a divisor of the 6 channels of src (6, 2, 2)");
  EXPECT_EQ(rejection(group_norm(0), {channels_last({6, 2, 2})}),
            "[group_norm n] groups is 0; expected a divisor of the 6 channels of src (6, 2, 2)");
  EXPECT_EQ(
      rejection(instance_norm(), {plain({6})}),
      "[instance_norm n] src (6) has no positions to normalise over; expected (C, L) or (C, H, W)");
}

}  // namespace

std::vector<Case> product_cases() {
  return {
      {"matmul", matmul(), {plain({3, 5}), plain({5, 4})}},
      {"matmul_batch", matmul(), {plain({2, 3, 5}), plain({2, 5, 4})}},
      {"matmul_one_right", matmul(), {plain({2, 3, 5}), plain({5, 4})}},
      {"matmul_one_left", matmul(), {plain({3, 5}), plain({2, 5, 4})}},
      {"matmul_broadcast", matmul(), {plain({2, 1, 3, 2}), plain({3, 2, 4})}},
      {"matmul_row", matmul(), {plain({5}), plain({5, 4})}},
      {"matmul_column", matmul(), {plain({3, 5}), plain({5})}},
      {"matmul_row_batch", matmul(), {plain({5}), plain({2, 5, 4})}},
      {"matmul_column_batch", matmul(), {plain({2, 3, 5}), plain({5})}},
      {"matmul_dot", matmul(), {plain({5}), plain({5})}},
      {"layer_norm", layer_norm(-1), {plain({19})}},
      {"layer_norm_sequence", layer_norm(-1), {plain({3, 8})}},
      {"layer_norm_axes", layer_norm(1), {plain({2, 3, 4})}},
      {"layer_norm_no_bias", layer_norm(0, 0), {plain({2, 5})}},
      {"rms_norm", rms_norm(-1), {plain({19})}},
      {"rms_norm_axes", rms_norm(1), {plain({2, 3, 4})}},
      {"lstm", recurrent("lstm", 1, 0), {plain({4, 3})}},
      {"lstm_reverse", recurrent("lstm", 1, 1), {plain({4, 3})}},
      {"lstm_both", recurrent("lstm", 2, 0), {plain({3, 2})}},
      {"lstm_states",
       recurrent("lstm", 2, 0, "cells"),
       {plain({3, 2}), plain({2, 5}), plain({2, 5})}},
      {"gru", recurrent("gru", 1, 0), {plain({4, 3})}},
      {"gru_both_states", recurrent("gru", 2, 0), {plain({3, 2}), plain({2, 5})}},
      {"gru_reset_after", recurrent("gru", 1, 1, "reset_after"), {plain({4, 3})}},
      {"gru_reset_after_states",
       recurrent("gru", 2, 0, "reset_after"),
       {plain({3, 2}), plain({2, 5})}},
      {"rnn", recurrent("rnn", 1, 0), {plain({4, 3})}},
      {"rnn_both_states", recurrent("rnn", 2, 0), {plain({3, 2}), plain({2, 5})}},
      {"rnn_relu", recurrent("rnn", 1, 1, "relu"), {plain({2, 3})}},
      {"group_norm", group_norm(2), {channels_last({6, 3, 2})}},
      {"group_norm_one", group_norm(1), {channels_last({6, 3, 2})}},
      {"group_norm_vector", group_norm(3), {plain({12})}},
      {"group_norm_pieces", group_norm(2), {channels_last({64, 9, 8})}},
      {"instance_norm", instance_norm(), {channels_last({5, 3, 3})}},
      {"instance_norm_sequence", instance_norm(), {channels_last({19, 7})}},
  };
}

}  // namespace undying::ops
