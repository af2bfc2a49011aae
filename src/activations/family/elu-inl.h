#if defined(UNDYING_ACTIVATIONS_FAMILY_ELU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_ELU_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_ELU_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_ELU_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Elu : Definition {
  static constexpr std::array kParameters{
      ActivationParameter{"alpha", 1.0f, 0.0f, kLargest, "the output tends to -alpha"}};
  static constexpr std::array<std::string_view, 1> kAttributes{"alpha"};
  static constexpr std::array kKinks{0.0f};
  static constexpr ActivationInfo kInfo{.name = "elu",
                                        .formula = "x > 0 ? x : alpha * (exp(x) - 1)",
                                        .source = "Clevert, Unterthiner and Hochreiter 2016",
                                        .parameters = kParameters,
                                        .onnx_operator = "Elu",
                                        .onnx_attributes = kAttributes,
                                        .kinks = kKinks};

  explicit Elu(Parameters parameters) : alpha(parameters[0]) {}
  float alpha;

  Saves saves() const { return Saves::kOutput; }
  M zero_gradient(D d, V x) const {
    return alpha == 0.0f ? hn::Le(x, hn::Zero(d)) : Definition::zero_gradient(d, x);
  }

  HWY_INLINE V forward(D d, V x) const {
    return where_positive(d, x, x, hn::Mul(hn::Set(d, alpha), expm1_negative(d, x)));
  }
  HWY_INLINE V derivative(D d, V x) const {
    const V negative = hn::Mul(hn::Set(d, alpha), exp_negative(d, at_least(d, -kFar, x)));
    return where_positive(d, x, hn::Set(d, 1.0f), negative);
  }
  HWY_INLINE V derivative_from_output(D d, V h) const {
    return where_positive(d, h, hn::Set(d, 1.0f), hn::Add(h, hn::Set(d, alpha)));
  }

  double value(double x) const { return x <= 0.0 ? alpha * std::expm1(x) : x; }
  double derivative(double x) const { return x <= 0.0 ? alpha * std::exp(x) : 1.0; }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_ELU_INL_H_
