#if defined(UNDYING_ACTIVATIONS_FAMILY_SILU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_SILU_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_SILU_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_SILU_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Silu : Definition {
  static constexpr ActivationInfo kInfo{.name = "silu",
                                        .formula = "x / (1 + exp(-x))",
                                        .source = "Elfwing, Uchibe and Doya 2017",
                                        .onnx_operator = ""};

  using Definition::Definition;

  HWY_INLINE V forward(D d, V x) const {
    const V t = distance(d, x);
    return gated(d, x, t, sigmoid_tail(d, t));
  }
  HWY_INLINE V derivative(D d, V x) const {
    const V one = hn::Set(d, 1.0f);
    const V t = distance(d, x);
    const V s = sigmoid_tail(d, t);
    // s - t * s * (1 - s), for -t; that of +t is one less this.
    const V lower = hn::Mul(s, hn::NegMulAdd(t, hn::Sub(one, s), one));
    return where_positive(d, x, hn::Sub(one, lower), lower);
  }

  double value(double x) const {
    return x == -std::numeric_limits<double>::infinity() ? 0.0 : x / (1.0 + std::exp(-x));
  }
  double derivative(double x) const {
    if (std::abs(x) > 700.0) return x > 0.0 ? 1.0 : 0.0;
    const double s = 1.0 / (1.0 + std::exp(-x));
    return s * (1.0 + x * (1.0 - s));
  }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_SILU_INL_H_
