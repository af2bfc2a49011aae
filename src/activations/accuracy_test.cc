// Error of every activation against long double formulas, on every vector target.

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "activations/test_support.h"

namespace undying::activations {
namespace {

// 300 values for each exponent and sign, and a million drawn where networks live.
std::vector<float> sweep() {
  std::mt19937 random(1);
  std::vector<float> all;
  for (std::uint32_t exponent = 0; exponent < 255; ++exponent)
    for (int i = 0; i < 300; ++i) {
      const std::uint32_t bits = (exponent << 23) | (i == 0   ? 0
                                                     : i == 1 ? 0x7FFFFFu
                                                              : random() & 0x7FFFFFu);
      all.push_back(std::bit_cast<float>(bits));
      all.push_back(std::bit_cast<float>(bits | 0x80000000u));
    }
  std::uniform_real_distribution<float> near(-8.0f, 8.0f), far(-110.0f, 110.0f);
  for (int i = 0; i < 100000; ++i) {
    all.push_back(near(random));
    all.push_back(far(random));
  }
  return all;
}

// In units in the last place of the exact value, or of `floor` where the value is smaller.
double ulps(float found, Real exact, Real floor) {
  if (found == exact) return 0.0;
  const Real size = std::max(std::abs(exact), floor);
  if (size > static_cast<Real>(std::numeric_limits<float>::max()))
    return std::isinf(found) ? 0.0 : 1.0;
  return static_cast<double>(std::abs(static_cast<Real>(found) - exact) /
                             std::ldexp(1.0L, std::ilogb(size) - 23));
}

struct Errors {
  double value = 0.0;       // ulp
  double derivative = 0.0;  // of 1: absolute error in units of 2^-23
  float value_at = 0.0f;
  float derivative_at = 0.0f;
};

// What is promised of the value; below `floor` only smallness is.
struct Promise {
  double with_fma = 4.0;  // ulp
  double without_fma = 4.0;
  Real floor = 1e-30L;
};

// In a tail exp(-y), a rounding of y of half an ulp costs y / 2 ulp of the value: where y is a
// product, tails far from 0 show it.
Promise promise(std::string_view name) {
  if (name == "gelu") return {8.0, 24.0, 1e-14L};
  if (name == "gelu_tanh") return {120.0, 150.0};
  if (name == "softplus") return {80.0, 80.0};
  if (name == "hardsigmoid") return {2.0, 2.0, 1.0L};  // alpha * x + beta cancels
  return {};
}

Errors measure(const Activation& activation, const std::vector<float>& inputs, Real floor) {
  Errors errors;
  const std::vector<float> values = forward_of(activation, inputs);
  const std::vector<float> derivatives = derivative_of(activation, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const double value = ulps(values[i], oracle_value(activation, inputs[i]), floor);
    const double derivative = ulps(derivatives[i], oracle_derivative(activation, inputs[i]), 1.0L);
    if (!(value <= errors.value)) errors.value = value, errors.value_at = inputs[i];
    if (!(derivative <= errors.derivative))
      errors.derivative = derivative, errors.derivative_at = inputs[i];
  }
  return errors;
}

TEST(ActivationAccuracy, ErrorIsBoundedOnEveryTarget) {
  const std::vector<float> inputs = sweep();
  for_each_target([&](const std::string& target) {
    for (const Activation& activation : tested_activations()) {
      const Promise promised = promise(activation.info().name);
      const Errors errors = measure(activation, inputs, promised.floor);
      const bool fma = target == "AVX2" || target == "AVX3";
      const std::string name = activation.specification();
      EXPECT_LE(errors.value, fma ? promised.with_fma : promised.without_fma)
          << name << " on " << target << " at " << errors.value_at;
      EXPECT_LE(errors.derivative, 4.0)
          << name << " on " << target << " at " << errors.derivative_at;
    }
  });
}

}  // namespace
}  // namespace undying::activations
