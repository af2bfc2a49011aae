// Pooling: conformance cases, the examples of ONNX's specification, NaN, and what it refuses.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "ops/test_support.h"

namespace undying::ops {
namespace {

using Floats = std::vector<float>;
using List = std::initializer_list<std::int64_t>;

struct Options {
  std::vector<std::int64_t> strides = {};
  std::vector<std::int64_t> pads = {};
  std::vector<std::int64_t> dilations = {};
  std::string auto_pad = "notset";
  std::int64_t ceil_mode = 0;
  std::int64_t count_include_pad = 0;
};

Node pool(const std::string& op, List kernel, const Options& options = {}) {
  Node node{
      "p",
      op,
      {0},
      {{"kernel", list(kernel)}, {"auto_pad", options.auto_pad}, {"ceil_mode", options.ceil_mode}}};
  if (!options.strides.empty()) node.attributes.set("strides", options.strides);
  if (!options.pads.empty()) node.attributes.set("pads", options.pads);
  if (!options.dilations.empty()) node.attributes.set("dilations", options.dilations);
  if (op == "average_pool") node.attributes.set("count_include_pad", options.count_include_pad);
  return node;
}

Node global(const std::string& op) { return {"p", op, {0}, {}}; }

Shape pooled(const Node& node, Shape src) {
  const Value value = channels_last(std::move(src));
  return infer(node, std::span(&value, 1)).shape;
}

Floats counted(int count) {
  Floats all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 1.0f);
  return all;
}

// Within 4 ULP: a mean is a sum times the inverse of a count.
auto about(const Floats& values) { return testing::Pointwise(testing::FloatEq(), values); }

// maxpool_2d_precomputed_pads, averagepool_2d_precomputed_pads and the same with count_include_pad.
TEST(Pool, PaddingAsOnnxHasIt) {
  const Options options{.pads = {2, 2, 2, 2}};
  EXPECT_EQ(result(pool("max_pool", {5, 5}, options), {{1, 5, 5}}, {counted(25)}),
            (Floats{13, 14, 15, 15, 15, 18, 19, 20, 20, 20, 23, 24, 25,
                    25, 25, 23, 24, 25, 25, 25, 23, 24, 25, 25, 25}));
  EXPECT_THAT(result(pool("average_pool", {5, 5}, options), {{1, 5, 5}}, {counted(25)}),
              about({7,  7.5f,  8,  8.5f,  9,  9.5f,  10, 10.5f, 11, 11.5f, 12, 12.5f, 13, 13.5f,
                     14, 14.5f, 15, 15.5f, 16, 16.5f, 17, 17.5f, 18, 18.5f, 19}));
  const auto counting =
      result(pool("average_pool", {5, 5}, {.pads = {2, 2, 2, 2}, .count_include_pad = 1}),
             {{1, 5, 5}}, {counted(25)});
  EXPECT_NEAR(counting[0], 2.52, 1e-6);
  EXPECT_NEAR(counting[12], 13, 1e-6);
  EXPECT_NEAR(counting[24], 6.84, 1e-6);
}

// maxpool_2d_ceil and averagepool_2d_ceil; maxpool_2d_dilations; ..._precomputed_same_upper.
TEST(Pool, CeilModeDilationsAndSamePadding) {
  const Options ceil{.strides = {2, 2}, .ceil_mode = 1};
  EXPECT_EQ(result(pool("max_pool", {3, 3}, ceil), {{1, 4, 4}}, {counted(16)}),
            (Floats{11, 12, 15, 16}));
  EXPECT_THAT(result(pool("average_pool", {3, 3}, ceil), {{1, 4, 4}}, {counted(16)}),
              about({6, 7.5f, 12, 13.5f}));
  EXPECT_EQ(result(pool("max_pool", {2, 2}, {.dilations = {2, 2}}), {{1, 4, 4}}, {counted(16)}),
            (Floats{11, 12, 15, 16}));
  const Options same{.strides = {2, 2}, .auto_pad = "same_upper"};
  EXPECT_EQ(result(pool("max_pool", {3, 3}, same), {{1, 5, 5}}, {counted(25)}),
            (Floats{7, 9, 10, 17, 19, 20, 22, 24, 25}));
  EXPECT_THAT(result(pool("average_pool", {3, 3}, same), {{1, 5, 5}}, {counted(25)}),
              about({4, 5.5f, 7, 11.5f, 13, 14.5f, 19, 20.5f, 22}));
}

// The last window of ceil_mode has to begin in the input or its front padding; beyond the padding
// nothing counts.
TEST(Pool, TheLastWindowOfCeilMode) {
  EXPECT_EQ(pooled(pool("max_pool", {1}, {.strides = {2}, .ceil_mode = 1}), {1, 4}), (Shape{1, 2}));
  EXPECT_EQ(pooled(pool("max_pool", {2}, {.strides = {2}, .pads = {1, 1}, .ceil_mode = 1}), {1, 5}),
            (Shape{1, 3}));
  EXPECT_EQ(pooled(pool("max_pool", {3}, {.strides = {2}, .ceil_mode = 1}), {1, 6}), (Shape{1, 3}));
  const Options options{.strides = {2}, .pads = {1, 1}, .ceil_mode = 1, .count_include_pad = 1};
  EXPECT_THAT(result(pool("average_pool", {3}, options), {{1, 4}}, {counted(4)}), about({1, 3, 2}));
}

TEST(Pool, SameLowerPadsAtTheFront) {
  EXPECT_EQ(result(pool("max_pool", {2}, {.auto_pad = "same_lower"}), {{1, 3}}, {{3, 2, 1}}),
            (Floats{3, 3, 2}));
  EXPECT_EQ(result(pool("max_pool", {2}, {.auto_pad = "same_upper"}), {{1, 3}}, {{3, 2, 1}}),
            (Floats{3, 2, 1}));
  EXPECT_EQ(result(pool("max_pool", {2}, {.auto_pad = "valid"}), {{1, 3}}, {{3, 2, 1}}),
            (Floats{3, 2}));
}

TEST(Pool, NanAndInfinityPass) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const Floats& src : {Floats{1, kNan, 3, 4}, Floats{kNan, 2, 3, 4}, Floats{1, 2, 3, kNan}})
    EXPECT_TRUE(std::isnan(result(pool("max_pool", {4}), {{1, 4}}, {src})[0]));
  EXPECT_EQ(result(pool("max_pool", {2}, {.strides = {2}}), {{1, 4}},
                   {{-kInfinity, -kInfinity, kInfinity, 0}}),
            (Floats{-kInfinity, kInfinity}));
  EXPECT_TRUE(std::isnan(result(global("global_max_pool"), {{1, 4}}, {{1, kNan, 3, 4}})[0]));
}

// Of equal elements the first has the gradient, as PyTorch has it.
TEST(Pool, TheFirstOfEqualElementsHasTheGradient) {
  const Node node = pool("max_pool", {2}, {.strides = {2}});
  const Value src = channels_last({1, 4});
  const Value dst = channels_last({1, 2});
  const auto kernel =
      operator_named(node).plan({.node = node, .src = std::span(&src, 1), .dst = dst, .rows = 1});
  const Floats values = {5, 5, -std::numeric_limits<float>::infinity(),
                         -std::numeric_limits<float>::infinity()};
  Floats out(2), saved(2), diff_dst = {3, 4}, diff(4);
  const float* in = values.data();
  float* to = diff.data();
  const Pass pass{.rows = 1,
                  .src = std::span(&in, 1),
                  .dst = out.data(),
                  .saved = saved.data(),
                  .diff_dst = diff_dst.data(),
                  .diff_src = std::span(&to, 1)};
  kernel->forward(pass, 0);
  kernel->backward(pass, 0);
  EXPECT_EQ(diff, (Floats{3, 0, 4, 0}));
}

TEST(Pool, GlobalPoolingKeepsTheDimensions) {
  EXPECT_EQ(pooled(global("global_average_pool"), {3, 4, 5}), (Shape{3, 1, 1}));
  EXPECT_EQ(result(global("global_average_pool"), {{2, 3}}, {{1, 2, 3, 4, 5, 9}}), (Floats{2, 6}));
  EXPECT_EQ(result(global("global_max_pool"), {{2, 3}}, {{1, 2, 3, 4, 9, 5}}), (Floats{3, 9}));
  EXPECT_EQ(
      rejection(global("global_max_pool"), {plain({3})}),
      "[global_max_pool p] src (3) has no positions; expected (C, L), (C, H, W) or (C, D, H, W)");
}

TEST(Pool, RefusesWindowsThatDoNotFit) {
  EXPECT_EQ(rejection(pool("max_pool", {4, 2}), {channels_last({1, 3, 3})}),
            "[max_pool p] src (1, 3, 3) is too small for kernel (4, 2): extent 3 with padding is "
            "below 4");
  EXPECT_EQ(
      rejection(pool("max_pool", {2, 2}, {.pads = {0, 2, 0, 0}}), {channels_last({1, 3, 3})}),
      "[max_pool p] pads of 2 and 0 would hold a whole window; expected less than its extent 2");
  EXPECT_EQ(rejection(pool("average_pool", {2}), {channels_last({1, 3, 3})}),
            "[average_pool p] kernel (2) has 1 entries; expected 2");
  EXPECT_EQ(rejection(pool("max_pool", {2}), {plain({7})}),
            "[max_pool p] src (7) is not an image; expected (C, L), (C, H, W) or (C, D, H, W)");
  EXPECT_EQ(rejection(pool("max_pool", {2}, {.strides = {0}}), {channels_last({1, 3})}),
            "[max_pool p] strides (0) has an entry below 1");
}

void add_sliding(std::vector<Case>& all, const std::string& op) {
  const Value image = channels_last({5, 6, 5});
  const Value sequence = channels_last({19, 9});
  all.push_back({op, pool(op, {2, 2}, {.strides = {2, 2}}), {channels_last({19, 4, 6})}});
  all.push_back({op + "_remainder", pool(op, {2, 2}, {.strides = {2, 2}}), {image}});
  all.push_back({op + "_overlap", pool(op, {3, 2}), {image}});
  all.push_back({op + "_gaps", pool(op, {1, 2}, {.strides = {2, 3}}), {image}});
  all.push_back(
      {op + "_pads", pool(op, {3, 3}, {.strides = {2, 1}, .pads = {1, 0, 2, 1}}), {image}});
  all.push_back(
      {op + "_dilated", pool(op, {2, 2}, {.pads = {1, 0, 1, 1}, .dilations = {2, 3}}), {image}});
  all.push_back({op + "_ceil", pool(op, {2, 3}, {.strides = {2, 3}, .ceil_mode = 1}), {image}});
  all.push_back({op + "_same_upper",
                 pool(op, {3, 2}, {.strides = {2, 2}, .auto_pad = "same_upper"}),
                 {image}});
  all.push_back({op + "_same_lower", pool(op, {2, 2}, {.auto_pad = "same_lower"}), {image}});
  all.push_back({op + "_sequence", pool(op, {3}, {.strides = {2}, .pads = {1, 1}}), {sequence}});
  const Value volume = channels_last({5, 4, 5, 6});
  all.push_back({op + "_volume", pool(op, {2, 2, 2}, {.strides = {2, 2, 2}}), {volume}});
  all.push_back({op + "_volume_pads",
                 pool(op, {3, 3, 2}, {.strides = {1, 2, 2}, .pads = {1, 1, 0, 1, 1, 1}}),
                 {volume}});
  all.push_back({op + "_volume_dilated",
                 pool(op, {2, 1, 2}, {.dilations = {2, 1, 3}, .ceil_mode = 1}),
                 {volume}});
  all.push_back({op + "_sequence_tiles", pool(op, {3}, {.strides = {3}}), {sequence}});
}

}  // namespace

std::vector<Case> pool_cases() {
  std::vector<Case> all;
  add_sliding(all, "max_pool");
  add_sliding(all, "average_pool");
  const Options counting{
      .strides = {2, 2}, .pads = {1, 1, 0, 1}, .ceil_mode = 1, .count_include_pad = 1};
  all.push_back({"average_pool_counting",
                 pool("average_pool", {3, 2}, counting),
                 {channels_last({5, 6, 5})}});
  const Options deep{
      .strides = {2, 2, 2}, .pads = {1, 1, 0, 1, 0, 1}, .ceil_mode = 1, .count_include_pad = 1};
  all.push_back({"average_pool_volume_counting",
                 pool("average_pool", {3, 2, 2}, deep),
                 {channels_last({3, 5, 6, 5})}});
  for (const std::string op : {"global_average_pool", "global_max_pool"}) {
    all.push_back({op, global(op), {channels_last({19, 3, 4})}});
    all.push_back({op + "_sequence", global(op), {channels_last({3, 130})}});
    all.push_back({op + "_volume", global(op), {channels_last({3, 2, 3, 4})}});
    all.push_back({op + "_one", global(op), {channels_last({6, 1, 1})}});
  }
  return all;
}

}  // namespace undying::ops
