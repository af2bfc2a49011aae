#include "ops/linear/fold.h"

#include <algorithm>
#include <cmath>

#include "base/buffer.h"

namespace undying::ops {

Fold::Fold(const PlanRequest& request)
    : bias_(request.node.attributes.get_or<std::int64_t>("bias", 1) != 0), norm_(request.norm != nullptr) {
  if (norm_) epsilon_ = request.norm->attributes.get_or<double>("epsilon", 1e-5);
  end_ = (bias_ ? 2U : 1U) + (norm_ ? 4U : 0U);
  if (request.training) return;
  const std::vector<ParameterSpec> specs = operator_named(request.node).parameters(request.node, request.src);
  const auto outputs = static_cast<std::size_t>(specs[0].shape[0]);
  workspace_ = static_cast<std::int64_t>(padded(outputs) + (norm_ ? padded(static_cast<std::size_t>(element_count(specs[0].shape))) : 0));
}

Folded Fold::apply(const Pass& pass, std::int64_t outputs, std::int64_t weights, float* workspace) const {
  const float* own = bias_ ? pass.parameters[1] : nullptr;
  if (!norm_ && own != nullptr) return {pass.parameters[0], own};
  float* bias = workspace;
  if (!norm_) {
    std::fill_n(bias, outputs, 0.0f);
    return {pass.parameters[0], bias};
  }
  const std::span<float* const> norm = pass.parameters.subspan(bias_ ? 2 : 1);
  float* folded = workspace + padded(static_cast<std::size_t>(outputs));
  const std::int64_t fan_in = weights / outputs;
  for (std::int64_t j = 0; j < outputs; ++j) {
    const double scale = norm[0][j] / std::sqrt(static_cast<double>(norm[3][j]) + epsilon_);
    bias[j] = static_cast<float>(((own == nullptr ? 0.0 : own[j]) - norm[2][j]) * scale + norm[1][j]);
    for (std::int64_t i = j * fan_in; i < (j + 1) * fan_in; ++i) folded[i] = static_cast<float>(pass.parameters[0][i] * scale);
  }
  return {folded, bias};
}

}  // namespace undying::ops
