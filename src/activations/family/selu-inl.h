#if defined(UNDYING_ACTIVATIONS_FAMILY_SELU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_SELU_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_SELU_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_SELU_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Selu : Definition {
  static constexpr float kAlpha = 1.67326324f;
  static constexpr float kScale = 1.05070099f;
  static constexpr std::array kKinks{0.0f};
  static constexpr ActivationInfo kInfo{.name = "selu",
                                        .formula = "1.0507 * (x > 0 ? x : 1.67326 * (exp(x) - 1))",
                                        .source = "Klambauer et al. 2017",
                                        .onnx_operator = "Selu",
                                        .kinks = kKinks};

  using Definition::Definition;

  Saves saves() const { return Saves::kOutput; }
  std::optional<double> gain() const {
    return 1.0;
  }  // its fixed point assumes LeCun's variance 1 / fan_in

  HWY_INLINE V forward(D d, V x) const {
    const V negative = hn::Mul(hn::Set(d, kScale * kAlpha), expm1_negative(d, x));
    return where_positive(d, x, hn::Mul(hn::Set(d, kScale), x), negative);
  }
  HWY_INLINE V derivative(D d, V x) const {
    const V negative = hn::Mul(hn::Set(d, kScale * kAlpha), exp_negative(d, at_least(d, -kFar, x)));
    return where_positive(d, x, hn::Set(d, kScale), negative);
  }
  HWY_INLINE V derivative_from_output(D d, V h) const {
    return where_positive(d, h, hn::Set(d, kScale), hn::Add(h, hn::Set(d, kScale * kAlpha)));
  }

  double value(double x) const {
    return x <= 0.0 ? 1.0507009873554805 * 1.6732632423543772 * std::expm1(x)
                    : 1.0507009873554805 * x;
  }
  double derivative(double x) const {
    return x <= 0.0 ? 1.0507009873554805 * 1.6732632423543772 * std::exp(x) : 1.0507009873554805;
  }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_SELU_INL_H_
