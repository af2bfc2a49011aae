// Quantised operations against ONNX's formulas in double.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "onnx/run.h"
#include "onnx/test_model.h"

namespace undying::onnx {
namespace {

using testing::HasSubstr;

// An initializer of bytes, as quantised weights and zero points are.
void add_bytes(TestModel& model, const std::string& name, const std::vector<std::int64_t>& dims,
               const std::vector<int>& values, bool sign) {
  auto* tensor = model.proto.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(sign ? pb::TensorProto::INT8 : pb::TensorProto::UINT8);
  for (const std::int64_t extent : dims) tensor->add_dims(extent);
  for (const int value : values) tensor->add_int32_data(value);
}

double saturated(double value, double least, double most) { return std::clamp(value, least, most); }

TEST(OnnxQuantised, ToWholeNumbersAndBack) {
  TestModel model;
  model.input("x", {0, 4}).floats("s", {}, {0.25f});
  add_bytes(model, "z", {}, {3}, true);
  model.node("QuantizeLinear", {"x", "s", "z"}, {"q"})
      .node("DequantizeLinear", {"q", "s", "z"}, {"y"})
      .output("q")
      .output("y");
  const std::vector<float> x = {0.1f, -0.37f, 100.0f, -100.0f};
  const auto found = evaluate(model.load(), {x}, 1);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double q =
        saturated(std::nearbyint(static_cast<double>(x[i]) / 0.25) + 3.0, -128.0, 127.0);
    EXPECT_EQ(found[0][i], static_cast<float>(q));
    EXPECT_EQ(found[1][i], static_cast<float>((q - 3.0) * 0.25));
  }
}

// Zero points of all operands, a scale a channel, and what lies beyond the edge, which stands for
// 0.
TEST(OnnxQuantised, Convolutions) {
  const std::vector<int> weight = {1, -2, 3, 127, 5, -128, 7, 9, 11, -4, 0, 2};  // (2, 2, 3)
  const std::vector<float> scales = {0.5f, 0.125f};
  TestModel model;
  model.input("x", {0, 2, 5})
      .floats("xs", {}, {0.1f})
      .floats("ws", {2}, scales)
      .floats("ys", {}, {0.75f});
  add_bytes(model, "xz", {}, {10}, false);
  add_bytes(model, "w", {2, 2, 3}, weight, true);
  add_bytes(model, "wz", {2}, {1, 0}, true);
  add_bytes(model, "yz", {}, {120}, false);
  model.integers("b", {2}, {40, -30});
  model
      .node("QLinearConv", {"x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"}, {"y"},
            {{"pads", std::vector<std::int64_t>{1, 1}}})
      .output("y");
  const std::vector<float> x = {12, 0, 255, 7, 10, 33, 99, 180, 4, 61};
  const auto found = evaluate(model.load(), {x}, 1)[0];
  for (int o = 0; o < 2; ++o)
    for (int t = 0; t < 5; ++t) {
      double sum = o == 0 ? 40.0 : -30.0;
      for (int c = 0; c < 2; ++c)
        for (int k = 0; k < 3; ++k)
          if (t + k - 1 >= 0 && t + k - 1 < 5)
            sum += (x[c * 5 + t + k - 1] - 10.0) * (weight[(o * 2 + c) * 3 + k] - (o == 0 ? 1 : 0));
      const double scale = static_cast<double>(0.1f) * scales[o] / 0.75;
      EXPECT_EQ(found[o * 5 + t], saturated(std::nearbyint(sum * scale) + 120.0, 0.0, 255.0))
          << o << " " << t;
    }
}

TEST(OnnxQuantised, Products) {
  TestModel model;
  model.input("a", {0, 3})
      .floats("as", {}, {0.02f})
      .floats("bs", {}, {0.5f})
      .floats("ys", {}, {0.3f});
  add_bytes(model, "az", {}, {113}, false);
  add_bytes(model, "b", {3, 2}, {152, 51, 60, 26, 0, 115}, false);
  add_bytes(model, "bz", {}, {114}, false);
  add_bytes(model, "yz", {}, {118}, false);
  model.node("QLinearMatMul", {"a", "as", "az", "b", "bs", "bz", "ys", "yz"}, {"y"}).output("y");
  const Model loaded = model.load();
  const std::vector<float> a = {208, 236, 0};
  const auto found = evaluate(loaded, {a}, 1)[0];
  const double b[3][2] = {{152, 51}, {60, 26}, {0, 115}};
  for (std::size_t j = 0; j < 2; ++j) {
    double sum = 0.0;
    for (std::size_t i = 0; i < 3; ++i) sum += (a[i] - 113.0) * (b[i][j] - 114.0);
    EXPECT_EQ(found[j], saturated(std::nearbyint(sum * static_cast<double>(0.02f) * 0.5 /
                                                 static_cast<double>(0.3f)) +
                                      118.0,
                                  0.0, 255.0));
  }
  EXPECT_THAT(loaded.forward_only, HasSubstr("1 operations round to whole numbers"));
  EXPECT_EQ(loaded.frozen.size(), 1u);
}

TEST(OnnxQuantised, OtherTypesAreRefused) {
  TestModel model;
  model.input("x", {0, 4}).floats("s", {}, {0.25f}).integers("z", {}, {0});
  EXPECT_THAT(model.node("QuantizeLinear", {"x", "s", "z"}, {"y"}).output("y").error(),
              HasSubstr("whole numbers of 8 or 16 bits"));
}

}  // namespace
}  // namespace undying::onnx
