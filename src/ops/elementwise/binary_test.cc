// Elementwise arithmetic of two values: conformance cases and what it refuses.

#include <gtest/gtest.h>

#include <array>

#include "ops/test_support.h"

namespace undying::ops {
namespace {

Node node(const std::string& op) { return {"b", op, {0, 1}, {}}; }

struct Pair {
  std::string label;
  Value a, b;
};

TEST(Binary, ShapesThatDoNotBroadcastAreNamed) {
  EXPECT_EQ(rejection(node("add"), {plain({3, 4}), plain({2, 4})}),
            "[add b] src (3, 4) and (2, 4) do not broadcast: 3 != 2");
  EXPECT_EQ(rejection(node("div"), {plain({128, 784}), plain({3})}),
            "[div b] src (128, 784) and (3) do not broadcast: 784 != 3");
  EXPECT_EQ(rejection(node("mul"), {plain({4})}), "[mul b] has 1 inputs; expected 2");
}

TEST(Binary, TheShorterShapeIsExtendedAtTheFront) {
  EXPECT_EQ(result(node("sub"), {{2, 2}, {2}}, {{1, 2, 3, 4}, {10, 20}}),
            (std::vector<float>{-9, -18, -7, -16}));
  EXPECT_EQ(result(node("sub"), {{2}, {2, 2}}, {{10, 20}, {1, 2, 3, 4}}),
            (std::vector<float>{9, 18, 7, 16}));
}

TEST(Binary, RanksThatDifferMakeThePlainLayout) {
  const std::array values = {channels_last({3, 2, 2}), plain({2})};
  EXPECT_EQ(infer(node("add"), values).layout, Layout::kPlain);
  const std::array alike = {channels_last({3, 2, 2}), plain({3, 1, 1})};
  EXPECT_EQ(infer(node("add"), alike).layout, Layout::kChannelsLast);
}

}  // namespace

std::vector<Case> binary_cases() {
  const std::vector<Pair> pairs = {
      {"", plain({37}), plain({37})},
      {"_2d", channels_last({5, 3, 2}), channels_last({5, 3, 2})},
      {"_row", plain({4, 6}), plain({6})},
      {"_row_first", plain({6}), plain({4, 6})},
      {"_single", plain({2, 5}), plain({1})},
      {"_outer", plain({1, 5}), plain({4, 1})},
      {"_middle", plain({2, 1, 3}), plain({2, 4, 3})},
      {"_channels", channels_last({19, 3, 2}), channels_last({19, 1, 1})},
      {"_positions", channels_last({1, 3, 2}), channels_last({4, 3, 2})}};
  std::vector<Case> all;
  for (const Pair& pair : pairs)
    for (const char* op :
         {"add", "sub", "mul", "div", "maximum", "minimum", "greater", "less", "equal"})
      all.push_back({op + pair.label, node(op), {pair.a, pair.b}});
  for (const char* f :
       {"relu", "leaky_relu:0.1", "gelu", "crelu", "prelu", "prelu:0.25,1", "mish"}) {
    const std::string label = "add_" + std::string(f).substr(0, std::string(f).find(':')) +
                              (std::string(f).find(',') < 99 ? "_units" : "");
    all.push_back({label,
                   node("add"),
                   {channels_last({5, 3, 2}), channels_last({5, 3, 2})},
                   {activation_node(f)}});
    all.push_back({label + "_broadcast",
                   node("add"),
                   {channels_last({5, 3, 2}), channels_last({5, 1, 1})},
                   {activation_node(f)}});
  }
  all.push_back({"add_pieces",
                 node("add"),
                 {channels_last({40, 12, 8}), channels_last({40, 12, 8})},
                 {activation_node("leaky_relu:0.1")}});
  return all;
}

}  // namespace undying::ops
