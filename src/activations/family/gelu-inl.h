#if defined(UNDYING_ACTIVATIONS_FAMILY_GELU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_GELU_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_GELU_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_GELU_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Gelu : Definition {
  static constexpr ActivationInfo kInfo{.name = "gelu",
                                        .formula = "x * P(Z <= x), Z ~ N(0, 1)",
                                        .source = "Hendrycks and Gimpel 2016",
                                        .onnx_operator = ""};

  using Definition::Definition;

  HWY_INLINE V forward(D d, V x) const {
    const V t = distance(d, x, kNormalFar);
    return gated(d, x, t, normal_tail(d, t).probability);
  }
  HWY_INLINE V derivative(D d, V x) const {
    const V t = distance(d, x, kNormalFar);
    const NormalTail tail = normal_tail(d, t);
    // P(Z <= x) + x * density(x), for -t; that of +t is one less this.
    const V lower =
        hn::NegMulAdd(hn::Mul(t, hn::Set(d, 0.398942280f)), tail.exponential, tail.probability);
    return where_positive(d, x, hn::Sub(hn::Set(d, 1.0f), lower), lower);
  }

  double value(double x) const {
    return x == -std::numeric_limits<double>::infinity()
               ? 0.0
               : 0.5 * x * std::erfc(-x * std::numbers::sqrt2 / 2.0);
  }
  double derivative(double x) const {
    if (std::isinf(x)) return x > 0.0 ? 1.0 : 0.0;
    return 0.5 * std::erfc(-x * std::numbers::sqrt2 / 2.0) +
           x * std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
  }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_GELU_INL_H_
