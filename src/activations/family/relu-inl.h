#if defined(UNDYING_ACTIVATIONS_FAMILY_RELU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_RELU_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_RELU_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_RELU_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Relu : Definition {
  static constexpr std::array kKinks{0.0f};
  static constexpr ActivationInfo kInfo{.name = "relu",
                                        .formula = "x > 0 ? x : 0",
                                        .source = "Nair and Hinton 2010",
                                        .onnx_operator = "Relu",
                                        .kinks = kKinks,
                                        .has_zero_gradient = true};

  using Definition::Definition;

  Saves saves() const { return Saves::kOutput; }
  M zero_gradient(D d, V x) const { return hn::Le(x, hn::Zero(d)); }

  HWY_INLINE V forward(D d, V x) const { return at_least(d, 0.0f, x); }
  HWY_INLINE V derivative(D d, V x) const {
    return where_positive(d, x, hn::Set(d, 1.0f), hn::Zero(d));
  }
  HWY_INLINE V derivative_from_output(D d, V h) const { return derivative(d, h); }

  double value(double x) const { return x <= 0.0 ? 0.0 : x; }
  double derivative(double x) const { return x <= 0.0 ? 0.0 : 1.0; }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_RELU_INL_H_
