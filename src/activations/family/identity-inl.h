#if defined(UNDYING_ACTIVATIONS_FAMILY_IDENTITY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_IDENTITY_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_IDENTITY_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_IDENTITY_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Identity : Definition {
  static constexpr ActivationInfo kInfo{
      .name = "identity", .formula = "x", .source = "linear baseline", .onnx_operator = "Identity"};

  using Definition::Definition;

  Saves saves() const { return Saves::kOutput; }
  std::optional<double> gain() const { return 1.0; }

  HWY_INLINE V forward(D, V x) const { return x; }
  HWY_INLINE V derivative(D d, V) const { return hn::Set(d, 1.0f); }
  HWY_INLINE V derivative_from_output(D d, V) const { return hn::Set(d, 1.0f); }

  double value(double x) const { return x; }
  double derivative(double) const { return 1.0; }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_IDENTITY_INL_H_
