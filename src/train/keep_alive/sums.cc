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

// Up to so many columns stay in registers over all rows; wider rows are read one after the other.
constexpr std::int64_t kNarrow = 64;

void add_row(std::int64_t n, const float* HWY_RESTRICT values, float* HWY_RESTRICT sums) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), hn::Abs(hn::LoadU(d, values + i))), d, sums + i);
  for (; i < n; ++i) sums[i] += std::fabs(values[i]);
}

void add_sizes(std::int64_t rows, std::int64_t width, const float* HWY_RESTRICT values,
               float* HWY_RESTRICT sums) {
  if (width > kNarrow) {
    for (std::int64_t r = 0; r < rows; ++r) add_row(width, values + r * width, sums);
    return;
  }
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t j = 0;
  for (; j + lanes <= width; j += lanes) {
    auto sum = hn::LoadU(d, sums + j);
    for (std::int64_t r = 0; r < rows; ++r)
      sum = hn::Add(sum, hn::Abs(hn::LoadU(d, values + r * width + j)));
    hn::StoreU(sum, d, sums + j);
  }
  for (; j < width; ++j)
    for (std::int64_t r = 0; r < rows; ++r) sums[j] += std::fabs(values[r * width + j]);
}

}  // namespace undying::train::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace undying::train {

HWY_EXPORT(add_sizes);

void add_sizes(std::int64_t rows, std::int64_t width, const float* values, float* sums) {
  HWY_DYNAMIC_DISPATCH(add_sizes)(rows, width, values, sums);
}

}  // namespace undying::train
#endif  // HWY_ONCE
