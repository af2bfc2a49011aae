#if defined(UNDYING_ACTIVATIONS_FAMILY_THRESHOLDED_RELU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_THRESHOLDED_RELU_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_THRESHOLDED_RELU_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_THRESHOLDED_RELU_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct ThresholdedRelu : Definition {
  static constexpr std::array kParameters{
      ActivationParameter{"theta", 1.0f, -kLargest, kLargest, "the input must exceed it to pass"}};
  static constexpr std::array<std::string_view, 1> kAttributes{"alpha"};
  static constexpr std::array kKinks{1.0f};
  static constexpr ActivationInfo kInfo{.name = "thresholded_relu",
                                        .formula = "x > theta ? x : 0",
                                        .source = "Konda, Memisevic and Krueger 2015",
                                        .parameters = kParameters,
                                        .onnx_operator = "ThresholdedRelu",
                                        .onnx_attributes = kAttributes,
                                        .kinks = kKinks,
                                        .has_zero_gradient = true};

  explicit ThresholdedRelu(Parameters parameters) : theta(parameters[0]) {}
  float theta;

  // Below a negative theta, negative outputs pass too and the output's sign tells nothing.
  Saves saves() const { return theta >= 0.0f ? Saves::kOutput : Saves::kInput; }
  M zero_gradient(D d, V x) const { return hn::Le(x, hn::Set(d, theta)); }
  float threshold() const { return theta; }

  HWY_INLINE V forward(D d, V x) const { return hn::IfThenZeroElse(zero_gradient(d, x), x); }
  HWY_INLINE V derivative(D d, V x) const {
    return hn::IfThenZeroElse(zero_gradient(d, x), hn::Set(d, 1.0f));
  }
  HWY_INLINE V derivative_from_output(D d, V h) const {
    return where_positive(d, h, hn::Set(d, 1.0f), hn::Zero(d));
  }

  double value(double x) const { return x <= theta ? 0.0 : x; }
  double derivative(double x) const { return x <= theta ? 0.0 : 1.0; }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_THRESHOLDED_RELU_INL_H_
