#if defined(UNDYING_ACTIVATIONS_FAMILY_HARDSIGMOID_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_HARDSIGMOID_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_HARDSIGMOID_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_HARDSIGMOID_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Hardsigmoid : Definition {
  static constexpr std::array kParameters{
      ActivationParameter{"alpha", 1.0f / 6.0f, 1e-6f, 1e6f, "slope of the middle"},
      ActivationParameter{"beta", 0.5f, -1e6f, 1e6f, "output at 0"}};
  static constexpr std::array<std::string_view, 2> kAttributes{"alpha", "beta"};
  static constexpr std::array kKinks{-3.0f, 3.0f};
  static constexpr ActivationInfo kInfo{
      .name = "hardsigmoid",
      .formula = "min(max(alpha * x + beta, 0), 1)",
      .source = "Courbariaux, Bengio and David 2015; ONNX HardSigmoid",
      .parameters = kParameters,
      .onnx_operator = "HardSigmoid",
      .onnx_attributes = kAttributes,
      .kinks = kKinks,
      .has_zero_gradient = true};

  explicit Hardsigmoid(Parameters parameters) : alpha(parameters[0]), beta(parameters[1]) {}
  float alpha;
  float beta;

  M zero_gradient(D d, V x) const {
    const V y = line(d, x);
    return hn::Or(hn::Le(y, hn::Zero(d)), hn::Gt(y, hn::Set(d, 1.0f)));
  }

  HWY_INLINE V forward(D d, V x) const { return at_most(d, 1.0f, at_least(d, 0.0f, line(d, x))); }
  HWY_INLINE V derivative(D d, V x) const {
    return hn::IfThenZeroElse(zero_gradient(d, x), hn::Set(d, alpha));
  }

  double value(double x) const {
    const double y = alpha * x + beta;
    return y <= 0.0 ? 0.0 : (y > 1.0 ? 1.0 : y);
  }
  double derivative(double x) const {
    const auto y = static_cast<float>(alpha * x + beta);  // the edges are those of float32
    return y <= 0.0f || y > 1.0f ? 0.0 : alpha;
  }

 private:
  HWY_INLINE V line(D d, V x) const { return hn::MulAdd(x, hn::Set(d, alpha), hn::Set(d, beta)); }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_HARDSIGMOID_INL_H_
