#if defined(UNDYING_ACTIVATIONS_FAMILY_TANH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_TANH_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_TANH_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_TANH_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Tanh : Definition {
  static constexpr ActivationInfo kInfo{.name = "tanh",
                                        .formula = "tanh(x)",
                                        .source = "hyperbolic tangent",
                                        .onnx_operator = "Tanh"};

  using Definition::Definition;

  Saves saves() const { return Saves::kOutput; }

  HWY_INLINE V forward(D d, V x) const {
    const V m = expm1_negative(d, hn::Mul(hn::Set(d, -2.0f), hn::Abs(x)));
    return hn::CopySign(hn::Div(m, hn::Add(m, hn::Set(d, 2.0f))), x);
  }
  HWY_INLINE V derivative(D d, V x) const {
    // 4 e / (1 + e)^2 with e = exp(-2 |x|): no cancellation in the tails.
    const V e = exp_negative(d, hn::Neg(distance(d, hn::Add(x, x))));
    const V half = hn::Div(hn::Set(d, 2.0f), hn::Add(e, hn::Set(d, 1.0f)));
    return hn::Mul(hn::Mul(e, half), half);
  }
  HWY_INLINE V derivative_from_output(D d, V h) const {
    return hn::NegMulAdd(h, h, hn::Set(d, 1.0f));
  }

  double value(double x) const { return std::tanh(x); }
  double derivative(double x) const {
    const double e = std::exp(-2.0 * std::abs(x));
    return 4.0 * e / ((1.0 + e) * (1.0 + e));
  }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_TANH_INL_H_
