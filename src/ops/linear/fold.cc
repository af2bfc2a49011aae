#include "ops/linear/fold.h"

#include <algorithm>
#include <cmath>

#include "base/buffer.h"

namespace undying::ops {

Fold::Fold(const PlanRequest& request)
    : bias_(request.node.attributes.get_or<std::int64_t>("bias", 1) != 0),
      norm_(request.norm != nullptr) {
  if (norm_) epsilon_ = request.norm->attributes.get_or<double>("epsilon", 1e-5);
  end_ = (bias_ ? 2U : 1U) + (norm_ ? 4U : 0U);
  if (request.training && !norm_) return;
  const std::vector<ParameterSpec> specs =
      operator_named(request.node).parameters(request.node, request.src);
  const auto outputs = static_cast<std::size_t>(specs[0].shape[0]);
  workspace_ = static_cast<std::int64_t>(
      padded(outputs) +
      (norm_ ? padded(static_cast<std::size_t>(element_count(specs[0].shape))) : 0));
}

Folded Fold::apply(const Pass& pass, std::int64_t outputs, std::int64_t weights,
                   float* workspace) const {
  const float* own = bias_ ? pass.parameters[1] : nullptr;
  if (!norm_ && own != nullptr) return {pass.parameters[0], own};
  float* bias = workspace;
  if (!norm_) {
    std::fill_n(bias, outputs, 0.0f);
    return {pass.parameters[0], bias};
  }
  const std::span<float* const> norm = norm_of(pass.parameters);
  float* folded = workspace + padded(static_cast<std::size_t>(outputs));
  const std::int64_t fan_in = weights / outputs;
  for (std::int64_t j = 0; j < outputs; ++j) {
    const double factor = scale(pass, j);
    bias[j] =
        static_cast<float>(((own == nullptr ? 0.0 : own[j]) - norm[2][j]) * factor + norm[1][j]);
    for (std::int64_t i = j * fan_in; i < (j + 1) * fan_in; ++i)
      folded[i] = static_cast<float>(pass.parameters[0][i] * factor);
  }
  return {folded, bias};
}

double Fold::scale(const Pass& pass, std::int64_t output) const {
  const std::span<float* const> norm = norm_of(pass.parameters);
  return norm[0][output] / std::sqrt(static_cast<double>(norm[3][output]) + epsilon_);
}

// With W' = s W, b' = s (b - mean) + beta, s = gamma / sd: dW = s dW', db = s db', dbeta = db',
// dgamma = (W . dW' + (b - mean) db') / sd.
void Fold::unfold(const Pass& pass, std::int64_t outputs, std::int64_t weights,
                  const float* diff_bias) const {
  const std::span<float* const> norm = norm_of(pass.parameters);
  const std::span<float* const> diff_norm = norm_of(pass.diff_parameters);
  const std::int64_t fan_in = weights / outputs;
  for (std::int64_t j = 0; j < outputs; ++j) {
    const float* own = pass.parameters[0] + j * fan_in;
    float* diff = pass.diff_parameters[0] + j * fan_in;
    const double factor = scale(pass, j);
    double sum =
        ((bias_ ? pass.parameters[1][j] : 0.0) - norm[2][j]) * static_cast<double>(diff_bias[j]);
    for (std::int64_t i = 0; i < fan_in; ++i) {
      sum += static_cast<double>(own[i]) * static_cast<double>(diff[i]);
      diff[i] = static_cast<float>(diff[i] * factor);
    }
    if (bias_) pass.diff_parameters[1][j] = static_cast<float>(diff_bias[j] * factor);
    diff_norm[0][j] =
        static_cast<float>(sum / std::sqrt(static_cast<double>(norm[3][j]) + epsilon_));
    diff_norm[1][j] = diff_bias[j];
  }
}

}  // namespace undying::ops
