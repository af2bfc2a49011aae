#if defined(UNDYING_ACTIVATIONS_FAMILY_GELU_TANH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_GELU_TANH_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_GELU_TANH_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_GELU_TANH_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

// x * sigmoid(2 u), since (1 + tanh(u)) / 2 = sigmoid(2 u).
struct GeluTanh : Definition {
  static constexpr float kScale = 1.59576912f;  // 2 sqrt(2 / pi)
  static constexpr float kCubic = 0.044715f;
  static constexpr ActivationInfo kInfo{
      .name = "gelu_tanh",
      .formula = "x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))",
      .source = "Hendrycks and Gimpel 2016",
      .onnx_operator = ""};

  using Definition::Definition;

  HWY_INLINE V forward(D d, V x) const {
    const V t = distance(d, x, kNormalFar);
    const V cubic = hn::MulAdd(hn::Mul(t, t), hn::Set(d, kScale * kCubic), hn::Set(d, kScale));
    return gated(d, x, t, sigmoid_tail(d, at_most(d, kFar, hn::Mul(t, cubic))));
  }
  HWY_INLINE V derivative(D d, V x) const {
    const V one = hn::Set(d, 1.0f);
    const V t = distance(d, x, kNormalFar);
    const V square = hn::Mul(t, t);
    const V cubic = hn::MulAdd(square, hn::Set(d, kScale * kCubic), hn::Set(d, kScale));
    const V s = sigmoid_tail(d, at_most(d, kFar, hn::Mul(t, cubic)));
    // s - t * s * (1 - s) * (2 u)', for -t; that of +t is one less this.
    const V inner =
        hn::Mul(t, hn::MulAdd(square, hn::Set(d, 3.0f * kScale * kCubic), hn::Set(d, kScale)));
    const V lower = hn::Mul(s, hn::NegMulAdd(inner, hn::Sub(one, s), one));
    return where_positive(d, x, hn::Sub(one, lower), lower);
  }

  double value(double x) const {
    if (x == -std::numeric_limits<double>::infinity()) return 0.0;
    return x / (1.0 + std::exp(-std::sqrt(8.0 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
  }
  double derivative(double x) const {
    if (std::abs(x) > 100.0) return x > 0.0 ? 1.0 : 0.0;
    const double scale = std::sqrt(8.0 / std::numbers::pi);
    const double s = 1.0 / (1.0 + std::exp(-scale * (x + 0.044715 * x * x * x)));
    return s + x * s * (1.0 - s) * scale * (1.0 + 3.0 * 0.044715 * x * x);
  }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_GELU_TANH_INL_H_
