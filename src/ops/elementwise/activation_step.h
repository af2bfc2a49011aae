#ifndef UNDYING_OPS_ELEMENTWISE_ACTIVATION_STEP_H_
#define UNDYING_OPS_ELEMENTWISE_ACTIVATION_STEP_H_

#include "ops/operator.h"

namespace undying::ops {

// What an activation works on in one example: `units` at each of `positions` places.
struct Extent {
  std::int64_t units = 0;
  std::int64_t positions = 1;
};
Extent extent_of(const Value& value);

// Some rows of the (rows x positions, units) matrix that an activation works on.
struct Rows {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

// The kernels of one activation node, bound to the number of its units. Serves the activation
// operator and those that fuse one.
class ActivationStep {
 public:
  // `node`: the activation node, or null for the identity. `first_parameter`: where its slopes
  // stand among the pass's parameters.
  ActivationStep(const Node* node, Extent extent, std::size_t first_parameter);

  activations::Saves saves() const { return saves_; }
  int width() const { return activation_.info().width; }

  // Whether the work may be cut into rows: the gradient of a learned slope is a sum over all of
  // them.
  bool divisible() const { return slope_count_ == 0; }

  // h = f(z + bias) into pass.dst; z is (rows, positions, units). All pointers are to the first row
  // of the shard, whatever `rows`.
  void forward(const Pass& pass, const float* z, const float* bias) const {
    forward(pass, z, bias, all(pass));
  }
  void forward(const Pass& pass, const float* z, const float* bias, Rows rows) const;

  // diff_z, its column sums over these rows (where diff_bias is given) and the gradient of the
  // slopes. `saved` as saves() says.
  void backward(const Pass& pass, const float* saved, float* diff_z, float* diff_bias) const {
    backward(pass, saved, diff_z, diff_bias, all(pass));
  }
  void backward(const Pass& pass, const float* saved, float* diff_z, float* diff_bias,
                Rows rows) const;

 private:
  Rows all(const Pass& pass) const { return {0, pass.rows * extent_.positions}; }

  // The activation at the step at hand: its slope may still be on its way.
  Activation activation_at(std::uint64_t step) const;

  Activation activation_;
  const activations::Kernels* kernels_;
  activations::Saves saves_;
  Extent extent_;
  std::size_t first_parameter_;
  std::int64_t slope_count_ = 0;
  std::uint32_t sequence_ = 0;  // tells the random slopes of a network's nodes apart
  std::uint64_t anneal_ = 0;    // steps until the slope is reached
};

// The steps of training over which a node's slope grows from 0; 0: it has its slope from the start.
// Then the output never tells the input.
std::int64_t anneal_steps(const Node& node);

// The slopes an activation node owns: none, or one tensor.
std::vector<ParameterSpec> slope_parameters(const Node& node, std::int64_t units);

}  // namespace undying::ops

#endif  // UNDYING_OPS_ELEMENTWISE_ACTIVATION_STEP_H_
