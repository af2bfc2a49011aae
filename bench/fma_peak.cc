#include "fma_peak.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fma_peak.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <cstdlib>

HWY_BEFORE_NAMESPACE();
namespace undying::bench::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

double multiply_adds(std::int64_t rounds) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  // Each is 1 after any number of rounds: s = s / 2 + 1 / 2. Two units of four cycles each need
  // eight of them.
  const V half = hn::Set(d, 0.5f);
  V s0 = hn::Set(d, 1.0f), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, s8 = s0,
    s9 = s0, s10 = s0, s11 = s0;
  for (std::int64_t i = 0; i < rounds; ++i) {
    s0 = hn::MulAdd(s0, half, half);
    s1 = hn::MulAdd(s1, half, half);
    s2 = hn::MulAdd(s2, half, half);
    s3 = hn::MulAdd(s3, half, half);
    s4 = hn::MulAdd(s4, half, half);
    s5 = hn::MulAdd(s5, half, half);
    s6 = hn::MulAdd(s6, half, half);
    s7 = hn::MulAdd(s7, half, half);
    s8 = hn::MulAdd(s8, half, half);
    s9 = hn::MulAdd(s9, half, half);
    s10 = hn::MulAdd(s10, half, half);
    s11 = hn::MulAdd(s11, half, half);
  }
  const V sum = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)),
                        hn::Add(hn::Add(hn::Add(s4, s5), hn::Add(s6, s7)),
                                hn::Add(hn::Add(s8, s9), hn::Add(s10, s11))));
  const auto lanes = static_cast<float>(hn::Lanes(d));
  if (hn::GetLane(hn::SumOfLanes(d, sum)) != 12.0f * lanes)
    std::abort();  // verified before it counts
  return 2.0 * 12.0 * static_cast<double>(lanes) * static_cast<double>(rounds);
}

}  // namespace undying::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace undying::bench {

HWY_EXPORT(multiply_adds);

double multiply_adds(std::int64_t rounds) { return HWY_DYNAMIC_DISPATCH(multiply_adds)(rounds); }

}  // namespace undying::bench
#endif  // HWY_ONCE
