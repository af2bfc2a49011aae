#ifndef UNDYING_OPS_CONVOLUTION_POOL_KERNELS_H_
#define UNDYING_OPS_CONVOLUTION_POOL_KERNELS_H_

#include <cstdint>
#include <vector>

namespace undying::ops {

// What a window covers of one axis of src at one place.
struct PoolSpan {
  // Of the window's elements, the first that lies in src; 0 where none does.
  std::int64_t first = 0;
  std::int64_t count = 0;   // of those that lie in src
  std::int64_t at = 0;      // where the first of them lies
  std::int64_t padded = 0;  // of the window's elements, those that lie in src or its padding
};

// An axis: what the window covers at each place it takes.
struct PoolAxis {
  std::int64_t extent = 1;  // of src
  std::int64_t kernel = 1;
  std::int64_t dilation = 1;
  std::vector<PoolSpan> places;
};

// (rows, y, x, channels) in src and dst.
struct PoolArgs {
  std::int64_t rows = 0;
  std::int64_t channels = 0;
  const PoolAxis* y = nullptr;
  const PoolAxis* x = nullptr;
  // Every element of src lies in one window: its gradient is written, not added up.
  bool tiles = false;
  bool counts_padding = false;  // in an average
};

struct PoolKernels {
  // `largest` (as dst): bits of the int32 that says which element of its window dst is, y * kernel
  // of x + x; -1: of none. May be null. The first of equal elements; a NaN is larger than all.
  void (*max)(const PoolArgs&, const float* src, float* dst, float* largest);
  void (*max_gradient)(const PoolArgs&, const float* diff_dst, const float* largest,
                       float* diff_src);
  void (*average)(const PoolArgs&, const float* src, float* dst);
  void (*average_gradient)(const PoolArgs&, const float* diff_dst, float* diff_src);
};
const PoolKernels& pool_kernels();  // for the machine at hand

}  // namespace undying::ops

#endif  // UNDYING_OPS_CONVOLUTION_POOL_KERNELS_H_
