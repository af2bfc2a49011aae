#ifndef UNDYING_OPS_NORMALISE_BATCH_NORM_KERNELS_H_
#define UNDYING_OPS_NORMALISE_BATCH_NORM_KERNELS_H_

#include <cstdint>

namespace undying::ops {

// Some rows of a (rows, channels) matrix, dense and row-major. For the gradient, x^ = (v -
// subtract) * factor a channel, where v is src or, with from_output, src taken back through a leaky
// rectifier: v = src > 0 ? src : src * inverse_slope.
struct BatchNormRows {
  std::int64_t rows = 0;
  std::int64_t channels = 0;
  const float* src = nullptr;
  bool from_output = false;
  float inverse_slope = 1.0f;
  const float* subtract = nullptr;
  const float* factor = nullptr;
};

struct BatchNormKernels {
  // Of each column the sum, and the sum of squared distances from its mean.
  void (*moments)(const BatchNormRows&, float* sum, float* squares);
  // dst = (src - mean) * factor + shift.
  void (*normalise)(const BatchNormRows&, const float* mean, const float* factor,
                    const float* shift, float* dst);
  // sum += gradient, product += gradient * x^.
  void (*gradient_sums)(const BatchNormRows&, const float* gradient, float* sum, float* product);
  // dst = scale * (gradient - mean - x^ * slope).
  void (*gradient)(const BatchNormRows&, const float* gradient, const float* mean,
                   const float* slope, const float* scale, float* dst);
};
const BatchNormKernels& batch_norm_kernels();  // for the machine at hand

}  // namespace undying::ops

#endif  // UNDYING_OPS_NORMALISE_BATCH_NORM_KERNELS_H_
