#if defined(UNDYING_ACTIVATIONS_FAMILY_HARDSWISH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_HARDSWISH_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_HARDSWISH_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_HARDSWISH_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Hardswish : Definition {
  static constexpr std::array kKinks{-3.0f, 3.0f};
  static constexpr ActivationInfo kInfo{.name = "hardswish",
                                        .formula = "x * min(max(x / 6 + 1/2, 0), 1)",
                                        .source = "Howard et al. 2019",
                                        .onnx_operator = "HardSwish",
                                        .kinks = kKinks,
                                        .has_zero_gradient = true};

  using Definition::Definition;

  M zero_gradient(D d, V x) const { return hn::Le(x, hn::Set(d, -3.0f)); }

  HWY_INLINE V forward(D d, V x) const {
    const V middle = hn::Mul(hn::Mul(x, hn::Set(d, 1.0f / 6.0f)), hn::Add(x, hn::Set(d, 3.0f)));
    return pieces(d, x, middle, x);
  }
  HWY_INLINE V derivative(D d, V x) const {
    return pieces(d, x, hn::MulAdd(x, hn::Set(d, 1.0f / 3.0f), hn::Set(d, 0.5f)), hn::Set(d, 1.0f));
  }

  double value(double x) const { return x <= -3.0 ? 0.0 : (x > 3.0 ? x : x * (x + 3.0) / 6.0); }
  double derivative(double x) const { return x <= -3.0 ? 0.0 : (x > 3.0 ? 1.0 : x / 3.0 + 0.5); }

 private:
  HWY_INLINE V pieces(D d, V x, V middle, V right) const {
    return hn::IfThenZeroElse(zero_gradient(d, x),
                              hn::IfThenElse(hn::Gt(x, hn::Set(d, 3.0f)), right, middle));
  }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_HARDSWISH_INL_H_
