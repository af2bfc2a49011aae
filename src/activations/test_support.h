#ifndef UNDYING_ACTIVATIONS_TEST_SUPPORT_H_
#define UNDYING_ACTIVATIONS_TEST_SUPPORT_H_

// For this folder's tests: the family by formulas that share nothing with the definitions.

#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "activations/reference.h"
#include "base/test_support.h"
#include "undying/activation.h"

namespace undying::activations {

using Real = long double;

inline Real infinity() { return std::numeric_limits<Real>::infinity(); }
inline Real logistic(Real x) { return 1 / (1 + std::exp(-x)); }
inline Real normal_distribution(Real x) { return std::erfc(-x / std::numbers::sqrt2_v<Real>) / 2; }
inline Real normal_density(Real x) {
  return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi_v<Real>);
}
inline Real gelu_cubic(Real x) {
  return std::sqrt(2 / std::numbers::pi_v<Real>) * (x + static_cast<Real>(0.044715) * x * x * x);
}
inline Real log_one_plus_exp(Real x) { return x > 50 ? x + std::exp(-x) : std::log1p(std::exp(x)); }

using Oracle = Real (*)(Real x, Real a, Real b);

struct Oracles {
  Oracle value;
  Oracle derivative;
};

inline const std::map<std::string_view, Oracles> kOracles{
    {"identity",
     {[](Real x, Real, Real) { return x; }, [](Real, Real, Real) -> Real { return 1; }}},
    {"relu",
     {[](Real x, Real, Real) { return x > 0 ? x : 0; },
      [](Real x, Real, Real) -> Real { return x > 0; }}},
    {"leaky_relu",
     {[](Real x, Real a, Real) { return x > 0 ? x : a * x; },
      [](Real x, Real a, Real) { return x > 0 ? 1 : a; }}},
    {"prelu",
     {[](Real x, Real a, Real) { return x > 0 ? x : a * x; },
      [](Real x, Real a, Real) { return x > 0 ? 1 : a; }}},
    {"rrelu",
     {[](Real x, Real a, Real b) { return x > 0 ? x : (a + b) / 2 * x; },
      [](Real x, Real a, Real b) { return x > 0 ? 1 : (a + b) / 2; }}},
    {"elu",
     {[](Real x, Real a, Real) { return x > 0 ? x : a * std::expm1(x); },
      [](Real x, Real a, Real) { return x > 0 ? 1 : a * std::exp(x); }}},
    {"selu",
     {[](Real x, Real, Real) {
        return 1.050700987355480493419L * (x > 0 ? x : 1.673263242354377284817L * std::expm1(x));
      },
      [](Real x, Real, Real) {
        return 1.050700987355480493419L * (x > 0 ? 1 : 1.673263242354377284817L * std::exp(x));
      }}},
    {"celu",
     {[](Real x, Real a, Real) { return x > 0 ? x : a * std::expm1(x / a); },
      [](Real x, Real a, Real) { return x > 0 ? 1 : std::exp(x / a); }}},
    {"gelu",
     {[](Real x, Real, Real) { return x * normal_distribution(x); },
      [](Real x, Real, Real) { return normal_distribution(x) + x * normal_density(x); }}},
    {"gelu_tanh",
     {[](Real x, Real, Real) { return x * logistic(2 * gelu_cubic(x)); },
      [](Real x, Real, Real) {
        const Real s = logistic(2 * gelu_cubic(x));
        const Real inner = 2 * std::sqrt(2 / std::numbers::pi_v<Real>) *
                           (1 + 3 * static_cast<Real>(0.044715) * x * x);
        return s + x * s * logistic(-2 * gelu_cubic(x)) * inner;
      }}},
    {"silu",
     {[](Real x, Real, Real) { return x * logistic(x); },
      [](Real x, Real, Real) { return logistic(x) + x * logistic(x) * logistic(-x); }}},
    {"mish",
     {[](Real x, Real, Real) { return x * std::tanh(log_one_plus_exp(x)); },
      [](Real x, Real, Real) {
        const Real w = std::tanh(log_one_plus_exp(x));
        return w + x * logistic(x) * (1 - w) * (1 + w);
      }}},
    {"softplus",
     {[](Real x, Real b, Real) { return log_one_plus_exp(b * x) / b; },
      [](Real x, Real b, Real) { return logistic(b * x); }}},
    {"relu6",
     {[](Real x, Real, Real) -> Real { return x > 6 ? 6 : (x > 0 ? x : 0); },
      [](Real x, Real, Real) -> Real { return x > 0 && x <= 6; }}},
    {"thresholded_relu",
     {[](Real x, Real a, Real) { return x > a ? x : 0; },
      [](Real x, Real a, Real) -> Real { return x > a; }}},
    {"crelu",
     {[](Real x, Real, Real) { return x > 0 ? x : 0; },
      [](Real x, Real, Real) -> Real { return x > 0; }}},
    {"hardswish",
     {[](Real x, Real, Real) { return x <= -3 ? 0 : (x > 3 ? x : x * (x + 3) / 6); },
      [](Real x, Real, Real) { return x <= -3 ? 0 : (x > 3 ? 1 : (2 * x + 3) / 6); }}},
    {"hardsigmoid",
     {[](Real x, Real a, Real b) {
        const Real y = a * x + b;
        return y <= 0 ? 0 : (y > 1 ? 1 : y);
      },
      [](Real x, Real a, Real b) {
        const Real y = a * x + b;
        return y <= 0 || static_cast<float>(y) > 1 ? 0 : a;
      }}},
    {"sigmoid",
     {[](Real x, Real, Real) { return logistic(x); },
      [](Real x, Real, Real) { return logistic(x) * logistic(-x); }}},
    {"tanh",
     {[](Real x, Real, Real) { return std::tanh(x); },
      [](Real x, Real, Real) {
        return 4 / (std::exp(x) + std::exp(-x)) / (std::exp(x) + std::exp(-x));
      }}},
};

inline Real parameter(const Activation& activation, std::size_t i) {
  return i < activation.parameters().size() ? static_cast<Real>(activation.parameters()[i]) : 0;
}

// f and f' by an independent formula; for a member that has none here, by its own definition in
// double.
inline Real oracle_value(const Activation& activation, Real x) {
  const auto found = kOracles.find(activation.info().name);
  if (found == kOracles.end()) return reference_value(activation, static_cast<double>(x));
  return found->second.value(x, parameter(activation, 0), parameter(activation, 1));
}

inline Real oracle_derivative(const Activation& activation, Real x) {
  const auto found = kOracles.find(activation.info().name);
  if (found == kOracles.end()) return reference_derivative(activation, static_cast<double>(x));
  return found->second.derivative(x, parameter(activation, 0), parameter(activation, 1));
}

// Every member at its defaults, and members whose parameters change what they are.
inline std::vector<Activation> tested_activations() {
  std::vector<Activation> all;
  for (const ActivationInfo& info : activation_family()) all.emplace_back(info.name);
  for (const char* text : {"leaky_relu:0", "leaky_relu:-0.5", "leaky_relu:1.5", "prelu:-0.25",
                           "rrelu:0.1,0.9", "elu:0", "elu:0.3", "celu:2.5", "softplus:3",
                           "thresholded_relu:0", "thresholded_relu:-1", "hardsigmoid:0.2,0.5"})
    all.emplace_back(text);
  return all;
}

// The kernels applied to a column of inputs, evaluation mode, learned slopes at their initial
// value.
inline std::vector<float> forward_of(const Activation& activation, const std::vector<float>& z) {
  std::vector<float> h(z.size() * static_cast<std::size_t>(activation.info().width));
  const float slope = activation.parameters().empty() ? 0.0f : activation.parameters()[0];
  ForwardArgs args{
      .rows = 1, .units = static_cast<std::int64_t>(z.size()), .z = z.data(), .h = h.data()};
  args.slopes = &slope;
  args.slope_count = 1;
  args.training = false;
  kernels(activation).forward(activation, args);
  return h;
}

// f'(z) as the backward kernel has it, from what the forward kernel saved.
inline std::vector<float> derivative_of(const Activation& activation, const std::vector<float>& z) {
  const std::size_t width = static_cast<std::size_t>(activation.info().width);
  std::vector<float> h(z.size() * width), saved(z.size()), diff_h(z.size() * width),
      diff_z(z.size());
  for (std::size_t i = 0; i < z.size(); ++i) diff_h[i] = 1.0f;
  const float slope = activation.parameters().empty() ? 0.0f : activation.parameters()[0];
  const auto units = static_cast<std::int64_t>(z.size());
  ForwardArgs forward{.rows = 1,
                      .units = units,
                      .z = z.data(),
                      .h = h.data(),
                      .saved = saved.data(),
                      .slopes = &slope,
                      .slope_count = 1};
  forward.training = false;
  kernels(activation).forward(activation, forward);
  const float* state = saves(activation) == Saves::kOutput ? h.data() : saved.data();
  kernels(activation)
      .backward(activation, {.rows = 1,
                             .units = units,
                             .saved = state,
                             .diff_h = diff_h.data(),
                             .diff_z = diff_z.data(),
                             .slopes = &slope,
                             .slope_count = 1});
  return diff_z;
}

}  // namespace undying::activations

#endif  // UNDYING_ACTIVATIONS_TEST_SUPPORT_H_
