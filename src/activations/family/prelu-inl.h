#if defined(UNDYING_ACTIVATIONS_FAMILY_PRELU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_PRELU_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_PRELU_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_PRELU_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

// The slope is trained; the first parameter is where it starts.
struct Prelu : Definition {
  static constexpr std::array kParameters{
      ActivationParameter{"initial", 0.25f, -kLargest, kLargest, "slope at the start"},
      ActivationParameter{"per_unit", 0.0f, 0.0f, 1.0f,
                          "0: one slope for all units, 1: one for each"}};
  static constexpr std::array<std::string_view, 2> kAttributes{"", ""};
  static constexpr std::array kKinks{0.0f};
  static constexpr ActivationInfo kInfo{.name = "prelu",
                                        .formula = "x > 0 ? x : slope * x, slope learned",
                                        .source = "He et al. 2015",
                                        .parameters = kParameters,
                                        .onnx_operator = "PRelu",
                                        .onnx_attributes = kAttributes,
                                        .kinks = kKinks,
                                        .learned = true};

  explicit Prelu(Parameters parameters) : initial(parameters[0]), per_unit(parameters[1]) {}
  float initial;
  float per_unit;

  M zero_gradient(D d, V x, V slope) const {
    return hn::And(hn::Le(x, hn::Zero(d)), hn::Eq(slope, hn::Zero(d)));
  }
  std::optional<double> gain() const { return leaky_gain(initial); }
  std::string_view check() const {
    return per_unit == 0.0f || per_unit == 1.0f ? "" : "per_unit of prelu is neither 0 nor 1";
  }

  HWY_INLINE V forward(D d, V x, V slope) const { return leaky(d, x, slope); }
  HWY_INLINE V derivative(D d, V x, V slope) const {
    return where_positive(d, x, hn::Set(d, 1.0f), slope);
  }

  // Of f, by the slope.
  HWY_INLINE V slope_derivative(D d, V x) const { return where_positive(d, x, hn::Zero(d), x); }

  double value(double x) const { return x <= 0.0 ? initial * x : x; }
  double derivative(double x) const { return x <= 0.0 ? initial : 1.0; }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_PRELU_INL_H_
