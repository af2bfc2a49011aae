#ifndef UNDYING_OPS_LINEAR_FOLD_H_
#define UNDYING_OPS_LINEAR_FOLD_H_

#include "ops/operator.h"

namespace undying::ops {

struct Folded {
  const float* weights = nullptr;
  const float* bias = nullptr;  // never null
};

// Evaluation, and frozen plans: batch norm behind a product becomes part of it: weights w gamma /
// sd, bias (b - mean) gamma / sd + beta. Weights change between evaluations, so this is done in
// every pass; it is 1 / (rows x positions) of the product. The gradients of what was folded follow
// from those of the folded weights and bias.
class Fold {
 public:
  // Of a node that owns a weight (outputs, ...) and, with `bias`, a bias; its parameters stand
  // first in a pass, then those of the norm.
  explicit Fold(const PlanRequest& request);

  bool folds() const { return norm_; }
  std::size_t end() const { return end_; }               // the first parameter behind
  std::int64_t workspace() const { return workspace_; }  // floats; 0 in training that is not frozen

  Folded apply(const Pass& pass, std::int64_t outputs, std::int64_t weights,
               float* workspace) const;

  // From the gradient of the folded weights, which stands where that of the weights goes, and of
  // the folded bias: those of the weights, the bias, gamma and beta.
  void unfold(const Pass& pass, std::int64_t outputs, std::int64_t weights,
              const float* diff_bias) const;

 private:
  double scale(const Pass& pass, std::int64_t output) const;  // gamma / sd
  std::span<float* const> norm_of(std::span<float* const> parameters) const {
    return parameters.subspan(bias_ ? 2 : 1);
  }

  bool bias_;
  bool norm_;
  double epsilon_ = 0.0;
  std::size_t end_ = 0;
  std::int64_t workspace_ = 0;
};

}  // namespace undying::ops

#endif  // UNDYING_OPS_LINEAR_FOLD_H_
