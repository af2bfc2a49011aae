#if defined(UNDYING_ACTIVATIONS_FAMILY_LEAKY_RELU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_LEAKY_RELU_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_LEAKY_RELU_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_LEAKY_RELU_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

// Any finite slope, below 0 and above 1 included: never max(x, slope * x).
struct LeakyRelu : Definition {
  static constexpr std::array kParameters{
      ActivationParameter{"slope", 0.01f, -kLargest, kLargest, "gradient where x <= 0"}};
  static constexpr std::array<std::string_view, 1> kAttributes{"alpha"};
  static constexpr std::array kKinks{0.0f};
  static constexpr ActivationInfo kInfo{.name = "leaky_relu",
                                        .formula = "x > 0 ? x : slope * x",
                                        .source = "Maas, Hannun and Ng 2013",
                                        .parameters = kParameters,
                                        .onnx_operator = "LeakyRelu",
                                        .onnx_attributes = kAttributes,
                                        .kinks = kKinks};

  explicit LeakyRelu(Parameters parameters) : slope(parameters[0]) {}
  float slope;

  // A negative slope folds both sides onto the same outputs.
  Saves saves() const { return slope >= 0.0f ? Saves::kOutput : Saves::kInput; }
  M zero_gradient(D d, V x) const {
    return slope == 0.0f ? hn::Le(x, hn::Zero(d)) : Definition::zero_gradient(d, x);
  }
  std::optional<double> gain() const { return leaky_gain(slope); }

  HWY_INLINE V forward(D d, V x) const { return leaky(d, x, hn::Set(d, slope)); }
  HWY_INLINE V derivative(D d, V x) const {
    return where_positive(d, x, hn::Set(d, 1.0f), hn::Set(d, slope));
  }
  HWY_INLINE V derivative_from_output(D d, V h) const { return derivative(d, h); }

  double value(double x) const { return x <= 0.0 ? slope * x : x; }
  double derivative(double x) const { return x <= 0.0 ? slope : 1.0; }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_LEAKY_RELU_INL_H_
