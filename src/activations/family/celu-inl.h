#if defined(UNDYING_ACTIVATIONS_FAMILY_CELU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_CELU_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_CELU_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_CELU_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Celu : Definition {
  static constexpr std::array kParameters{
      ActivationParameter{"alpha", 1.0f, 1e-6f, 1e6f, "the output tends to -alpha"}};
  static constexpr std::array<std::string_view, 1> kAttributes{"alpha"};
  static constexpr ActivationInfo kInfo{.name = "celu",
                                        .formula = "x > 0 ? x : alpha * (exp(x / alpha) - 1)",
                                        .source = "Barron 2017",
                                        .parameters = kParameters,
                                        .onnx_operator = "Celu",
                                        .onnx_attributes = kAttributes};

  explicit Celu(Parameters parameters) : alpha(parameters[0]), inverse(1.0f / parameters[0]) {}
  float alpha;
  float inverse;

  Saves saves() const { return Saves::kOutput; }

  HWY_INLINE V forward(D d, V x) const {
    return where_positive(
        d, x, x, hn::Mul(hn::Set(d, alpha), expm1_negative(d, hn::Mul(x, hn::Set(d, inverse)))));
  }
  HWY_INLINE V derivative(D d, V x) const {
    const V negative = exp_negative(d, at_least(d, -kFar, hn::Mul(x, hn::Set(d, inverse))));
    return where_positive(d, x, hn::Set(d, 1.0f), negative);
  }
  HWY_INLINE V derivative_from_output(D d, V h) const {
    return where_positive(d, h, hn::Set(d, 1.0f),
                          hn::MulAdd(h, hn::Set(d, inverse), hn::Set(d, 1.0f)));
  }

  double value(double x) const { return x <= 0.0 ? alpha * std::expm1(x / alpha) : x; }
  double derivative(double x) const { return x <= 0.0 ? std::exp(x / alpha) : 1.0; }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_CELU_INL_H_
