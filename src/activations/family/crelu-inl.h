#if defined(UNDYING_ACTIVATIONS_FAMILY_CRELU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_CRELU_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_CRELU_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_CRELU_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

// Two outputs for a unit, (rows, units) -> (rows, 2 * units): all positive halves, then all
// negative ones. Both halves are rectifiers with derivative 0 at 0, so one of them always passes a
// gradient unless the input is 0.
struct Crelu : Definition {
  static constexpr std::array kKinks{0.0f};
  static constexpr ActivationInfo kInfo{.name = "crelu",
                                        .formula = "[max(x, 0), max(-x, 0)]",
                                        .source = "Shang et al. 2016",
                                        .onnx_operator = "",
                                        .kinks = kKinks,
                                        .width = 2};

  using Definition::Definition;

  Saves saves() const { return Saves::kOutput; }

  HWY_INLINE V forward(D d, V x) const { return at_least(d, 0.0f, x); }
  HWY_INLINE V derivative(D d, V x) const {
    return where_positive(d, x, hn::Set(d, 1.0f), hn::Zero(d));
  }
  HWY_INLINE V derivative_from_output(D d, V h) const { return derivative(d, h); }

  // The negative half, and its derivative by x.
  HWY_INLINE V forward_second(D d, V x) const { return forward(d, hn::Neg(x)); }
  HWY_INLINE V second_derivative_from_output(D d, V h) const { return hn::Neg(derivative(d, h)); }

  // Of the positive half.
  double value(double x) const { return x <= 0.0 ? 0.0 : x; }
  double derivative(double x) const { return x <= 0.0 ? 0.0 : 1.0; }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_CRELU_INL_H_
