#if defined(UNDYING_ACTIVATIONS_FAMILY_RRELU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_RRELU_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_RRELU_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_RRELU_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

// In training a slope per element is drawn from U(lower, upper); evaluation uses the mean.
struct Rrelu : Definition {
  static constexpr std::array kParameters{
      ActivationParameter{"lower", 1.0f / 8.0f, -kLargest, kLargest, "least slope"},
      ActivationParameter{"upper", 1.0f / 3.0f, -kLargest, kLargest, "largest slope"}};
  static constexpr std::array<std::string_view, 2> kAttributes{"", ""};
  static constexpr std::array kKinks{0.0f};
  static constexpr ActivationInfo kInfo{
      .name = "rrelu",
      .formula = "x > 0 ? x : slope * x, slope ~ U(lower, upper), its mean in evaluation",
      .source = "Xu et al. 2015",
      .parameters = kParameters,
      .onnx_operator = "",
      .onnx_attributes = kAttributes,
      .kinks = kKinks,
      .random = true};

  explicit Rrelu(Parameters parameters) : lower(parameters[0]), upper(parameters[1]) {}
  float lower;
  float upper;

  float mean_slope() const { return 0.5f * lower + 0.5f * upper; }

  Saves saves() const { return Saves::kDerivative; }
  M zero_gradient(D d, V x, V slope) const {
    return hn::And(hn::Le(x, hn::Zero(d)), hn::Eq(slope, hn::Zero(d)));
  }
  std::optional<double> gain() const { return leaky_gain(mean_slope()); }
  std::string_view check() const { return lower <= upper ? "" : "lower of rrelu is above upper"; }

  HWY_INLINE V forward(D d, V x, V slope) const { return leaky(d, x, slope); }
  HWY_INLINE V derivative(D d, V x, V slope) const {
    return where_positive(d, x, hn::Set(d, 1.0f), slope);
  }

  double value(double x) const { return x <= 0.0 ? mean_slope() * x : x; }
  double derivative(double x) const { return x <= 0.0 ? mean_slope() : 1.0; }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_RRELU_INL_H_
