#ifndef UNDYING_OPS_ACTIVATION_STEP_H_
#define UNDYING_OPS_ACTIVATION_STEP_H_

#include "ops/operator.h"

namespace undying::ops {

// The kernels of one activation node, bound to the number of its units. Serves the activation operator and those that fuse one.
class ActivationStep {
 public:
  // `node`: the activation node, or null for the identity. `first_parameter`: where its slopes stand among the pass's parameters.
  ActivationStep(const Node* node, std::int64_t units, std::size_t first_parameter);

  activations::Saves saves() const { return saves_; }
  int width() const { return activation_.info().width; }

  // h = f(z + bias) into pass.dst; z is (rows, units).
  void forward(const Pass& pass, const float* z, const float* bias) const;

  // diff_z, its column sums (where diff_bias is given) and the gradient of the slopes. `saved` as saves() says.
  void backward(const Pass& pass, const float* saved, float* diff_z, float* diff_bias) const;

 private:
  Activation activation_;
  const activations::Kernels* kernels_;
  activations::Saves saves_;
  std::int64_t units_;
  std::size_t first_parameter_;
  std::int64_t slope_count_ = 0;
  std::uint32_t sequence_ = 0;  // tells the random slopes of a network's nodes apart
};

// The slopes an activation node owns: none, or one tensor.
std::vector<ParameterSpec> slope_parameters(const Node& node, std::int64_t units);

}  // namespace undying::ops

#endif  // UNDYING_OPS_ACTIVATION_STEP_H_
