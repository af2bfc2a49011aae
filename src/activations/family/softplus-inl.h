#if defined(UNDYING_ACTIVATIONS_FAMILY_SOFTPLUS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_SOFTPLUS_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_SOFTPLUS_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_SOFTPLUS_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Softplus : Definition {
  static constexpr std::array kParameters{
      ActivationParameter{"beta", 1.0f, 1e-6f, 1e6f, "sharpness"}};
  static constexpr std::array<std::string_view, 1> kAttributes{""};
  static constexpr ActivationInfo kInfo{.name = "softplus",
                                        .formula = "log(1 + exp(beta * x)) / beta",
                                        .source = "Dugas et al. 2001",
                                        .parameters = kParameters,
                                        .onnx_operator = "Softplus",
                                        .onnx_attributes = kAttributes};

  explicit Softplus(Parameters parameters) : beta(parameters[0]), inverse(1.0f / parameters[0]) {}
  float beta;
  float inverse;

  Saves saves() const { return Saves::kOutput; }

  HWY_INLINE V forward(D d, V x) const {
    const V e = exp_negative(d, hn::Neg(distance(d, hn::Mul(x, hn::Set(d, beta)))));
    return hn::MulAdd(log1p_unit(d, e), hn::Set(d, inverse), where_positive(d, x, x, hn::Zero(d)));
  }
  HWY_INLINE V derivative(D d, V x) const {
    const V tail = sigmoid_tail(d, distance(d, hn::Mul(x, hn::Set(d, beta))));
    return where_positive(d, x, hn::Sub(hn::Set(d, 1.0f), tail), tail);
  }
  HWY_INLINE V derivative_from_output(D d, V h) const {
    return hn::Neg(expm1_negative(d, hn::Mul(h, hn::Set(d, -beta))));
  }

  double value(double x) const {
    const double y = beta * x;
    return (y > 0.0 ? y + std::log1p(std::exp(-y)) : std::log1p(std::exp(y))) / beta;
  }
  double derivative(double x) const { return 1.0 / (1.0 + std::exp(-beta * x)); }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_SOFTPLUS_INL_H_
