#include "onnx/normalise/expression.h"

#include <gtest/gtest.h>

#include <cmath>

namespace undying::onnx {
namespace {

ExpressionPtr read(const char* text, double p = 0.0, double q = 0.0) {
  return parse_template(text, {p, q});
}

void expect_equal(const char* a, const char* b) {
  EXPECT_TRUE(equal(read(a), read(b)))
      << a << " and " << b << ": " << read(a)->key << " " << read(b)->key;
}
void expect_different(const char* a, const char* b) {
  EXPECT_FALSE(equal(read(a), read(b))) << a << " and " << b;
}

TEST(OnnxExpression, OrderDoesNotMatter) {
  expect_equal("x * 0.5 * (1 + erf(x / sqrt(2)))", "0.5 * ((erf(0.70710678 * x) + 1) * x)");
  expect_equal("(x + 1) + 2", "3 + x");
  expect_equal("x * tanh(x) * sigmoid(x)", "sigmoid(x) * (x * tanh(x))");
  expect_equal("max(x, 0.1 * x)", "max(0.1 * x, x)");
}

TEST(OnnxExpression, LikeTermsAndFactorsAreGathered) {
  expect_equal("x + x", "2 * x");
  expect_equal("x - x", "0");
  expect_equal("x * x * x", "x^3");
  expect_equal("x / x", "1");
  expect_equal("sqrt(x) * sqrt(x)", "x");
  expect_equal("tanh(x) * x - x * tanh(x)", "0");
}

TEST(OnnxExpression, NumbersBeforeSumsAreDistributedOrDrawnOut) {
  expect_equal("0.5 * (x + 2)", "0.5 * x + 1");
  expect_equal("x * (0.5 + 0.5 * erf(x))", "0.5 * x * (1 + erf(x))");
  expect_equal("(2 * x + 4)^2", "4 * (x + 2)^2");
  expect_equal("x / (2 + 2 * exp(x))", "0.5 * x / (1 + exp(x))");
}

TEST(OnnxExpression, ClipsOfClipsAreOne) {
  expect_equal("clip(clip(x, 0, inf), -inf, 6)", "clip(x, 0, 6)");
  expect_equal("clip(clip(x, -inf, 6), 0, inf)", "clip(x, 0, 6)");
  expect_equal("relu(x)", "clip(x, 0, inf)");
  expect_different("clip(clip(x, 0, 1), 2, 3)", "clip(x, 2, 1)");  // a constant, and no clip
}

TEST(OnnxExpression, DifferentFormulasStayDifferent) {
  expect_different("x * sigmoid(x)", "x * sigmoid(1.702 * x)");
  expect_different("x * sigmoid(x)", "x * tanh(x)");
  expect_different("x^2", "x^3");
  expect_different("mean(x)", "sum(x)");
  expect_different("x * (1 + erf(x / sqrt(2))) / 2", "x * (1 + erf(x / 1.42)) / 2");
}

TEST(OnnxExpression, NumbersAreComparedAsFloat32) {
  EXPECT_TRUE(equal(read("x / sqrt(2)"),
                    multiply(make_variable(), make_number(static_cast<double>(0.70710678f)))));
  EXPECT_TRUE(
      equal(read("p * x", 1.0 / 3.0), scale(make_variable(), static_cast<double>(1.0f / 3.0f))));
}

TEST(OnnxExpression, ParametersAreFoundAmongTheNumbers) {
  const auto numbers = numbers_of(read("softplus(p * x) / p", 5.0));
  EXPECT_NE(std::find(numbers.begin(), numbers.end(), 5.0), numbers.end());
}

}  // namespace
}  // namespace undying::onnx
