#if defined(UNDYING_ACTIVATIONS_FAMILY_RELU6_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_RELU6_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_RELU6_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_RELU6_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Relu6 : Definition {
  static constexpr std::array kKinks{0.0f, 6.0f};
  static constexpr ActivationInfo kInfo{.name = "relu6",
                                        .formula = "min(max(x, 0), 6)",
                                        .source = "Krizhevsky 2010",
                                        .onnx_operator = "",
                                        .kinks = kKinks,
                                        .has_zero_gradient = true};

  using Definition::Definition;

  M zero_gradient(D d, V x) const {
    return hn::Or(hn::Le(x, hn::Zero(d)), hn::Gt(x, hn::Set(d, 6.0f)));
  }

  HWY_INLINE V forward(D d, V x) const { return at_most(d, 6.0f, at_least(d, 0.0f, x)); }
  HWY_INLINE V derivative(D d, V x) const {
    return hn::IfThenZeroElse(zero_gradient(d, x), hn::Set(d, 1.0f));
  }

  double value(double x) const { return x <= 0.0 ? 0.0 : (x > 6.0 ? 6.0 : x); }
  double derivative(double x) const { return x <= 0.0 || x > 6.0 ? 0.0 : 1.0; }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_RELU6_INL_H_
