#include "ops/normalise/batch_norm_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/normalise/batch_norm_kernels.cc"
#include <hwy/foreach_target.h>  // must come before highway.h

#include "ops/normalise/batch_norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::ops::HWY_NAMESPACE {

const BatchNormKernels& batch_norm_table() {
  static constexpr BatchNormKernels kTable = {moments, normalise, gradient_sums, gradient};
  return kTable;
}

}  // namespace undying::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace undying::ops {

HWY_EXPORT(batch_norm_table);

const BatchNormKernels& batch_norm_kernels() { return HWY_DYNAMIC_DISPATCH(batch_norm_table)(); }

}  // namespace undying::ops
#endif  // HWY_ONCE
