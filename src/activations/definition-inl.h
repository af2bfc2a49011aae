// What every definition of the family builds on. Included once per target.
//
// A definition is a struct, constructed from its parameters, with
//   kInfo                              what is known of it (undying/activation.h)
//   forward(d, x), derivative(d, x)  on vectors, from the input; at a kink, the derivative from the
//                                    left. A third argument, the slope, where kInfo.learned or
//                                    kInfo.random
//   derivative_from_output(d, h)     optional: the same from the output, for the parameters at
//   which
//                                    saves() is kOutput
//   value(x), derivative(x)          the same in double, in evaluation mode: what gains and scalar
//                                    evaluations use
// and, where the defaults of Definition do not fit, saves(), zero_gradient(), threshold(), gain()
// and check(). A NaN input gives a NaN output. Where the derivative is chosen by a comparison, NaN
// takes the branch of x > 0.

#if defined(UNDYING_ACTIVATIONS_DEFINITION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_DEFINITION_INL_H_
#undef UNDYING_ACTIVATIONS_DEFINITION_INL_H_
#else
#define UNDYING_ACTIVATIONS_DEFINITION_INL_H_
#endif

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <span>
#include <string_view>

#include "activations/kernels.h"
#include "activations/math-inl.h"
#include "activations/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

using Parameters = std::span<const float>;

inline constexpr float kLargest = std::numeric_limits<float>::max();

struct Definition {
  Definition() = default;
  explicit Definition(Parameters) {}

  // What backward reads. kOutput needs derivative_from_output.
  Saves saves() const { return Saves::kInput; }

  // Lanes in which f' is exactly 0 by definition, not by underflow.
  M zero_gradient(D d, V) const { return hn::MaskFromVec(hn::Zero(d)); }

  // An input above it fires.
  float threshold() const { return 0.0f; }

  // A customary gain; without one it is 1 / sqrt(E[f(Z)^2]).
  std::optional<double> gain() const { return std::nullopt; }

  // Why parameters that are each in range do not fit together; empty when they do.
  std::string_view check() const { return {}; }
};

// x > 0 ? positive : other. NaN counts as positive.
HWY_INLINE V where_positive(D d, V x, V positive, V other) {
  return hn::IfThenElse(hn::Le(x, hn::Zero(d)), other, positive);
}

// x > 0 ? x : slope * x. By the sign bit, which for zeros and NaN comes to the same, and uses other
// ports than a comparison would.
HWY_INLINE V leaky(D d, V x, V slope) {
  const V negative = hn::BitCast(d, hn::BroadcastSignBit(hn::BitCast(DI(), x)));
  return hn::Mul(x, hn::IfVecThenElse(negative, slope, hn::Set(d, 1.0f)));
}

// Kaiming initialisation for a rectifier with this slope (He et al. 2015).
inline double leaky_gain(double slope) { return std::sqrt(2.0 / (1.0 + slope * slope)); }

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_DEFINITION_INL_H_
