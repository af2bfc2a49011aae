#ifndef UNDYING_ACTIVATIONS_SCALAR_H_
#define UNDYING_ACTIVATIONS_SCALAR_H_

#include <optional>
#include <span>
#include <string_view>

#include "activations/kernels.h"

namespace undying::activations {

// One member of the family behind plain functions: what a definition says apart from its vector
// code.
struct ScalarDefinition {
  ActivationInfo info;
  double (*value)(std::span<const float> parameters, double x);
  double (*derivative)(std::span<const float> parameters, double x);
  Saves (*saves)(std::span<const float> parameters);
  std::optional<double> (*gain)(std::span<const float> parameters);
  std::string_view (*check)(std::span<const float> parameters);
  float (*threshold)(std::span<const float> parameters);
};

// One per activation, in the order of activation_family().
std::span<const ScalarDefinition> scalar_definitions();

// A unit fires with a pre-activation above it.
double firing_threshold(const Activation& activation);

}  // namespace undying::activations

#endif  // UNDYING_ACTIVATIONS_SCALAR_H_
