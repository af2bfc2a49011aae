#include "train/keep_alive/sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "train/keep_alive/sums.cc"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace undying::train::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;

void add_sizes(std::int64_t n, const float* HWY_RESTRICT values, float* HWY_RESTRICT sums) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), hn::Abs(hn::LoadU(d, values + i))), d, sums + i);
  for (; i < n; ++i) sums[i] += std::fabs(values[i]);
}

void scaled_difference(std::int64_t n, float scale, const float* HWY_RESTRICT a,
                       const float* HWY_RESTRICT b, float* HWY_RESTRICT difference) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto factor = hn::Set(d, scale);
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::Mul(factor, hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i))), d,
               difference + i);
  for (; i < n; ++i) difference[i] = scale * (a[i] - b[i]);
}

}  // namespace undying::train::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace undying::train {

HWY_EXPORT(add_sizes);
HWY_EXPORT(scaled_difference);

void add_sizes(std::int64_t n, const float* values, float* sums) {
  HWY_DYNAMIC_DISPATCH(add_sizes)(n, values, sums);
}

void scaled_difference(std::int64_t n, float scale, const float* a, const float* b,
                       float* difference) {
  HWY_DYNAMIC_DISPATCH(scaled_difference)(n, scale, a, b, difference);
}

}  // namespace undying::train
#endif  // HWY_ONCE
