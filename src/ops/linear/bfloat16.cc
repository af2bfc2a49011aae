#include "ops/linear/bfloat16.h"

#include <bit>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/linear/bfloat16.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace undying::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Adding 0x7FFF and the lowest bit that stays rounds to nearest, ties to even. It must not carry a
// NaN into infinity.
HWY_ATTR void round_all(const float* src, std::int64_t count, std::uint16_t* dst) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<std::uint16_t, decltype(d)> narrow;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto x = hn::LoadU(d, src + i);
    const auto bits = hn::BitCast(du, x);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFF))));
    const auto nan = hn::Or(hn::ShiftRight<16>(bits), hn::Set(du, 0x40));
    const auto kept = hn::IfThenElse(hn::RebindMask(du, hn::Ne(x, x)), nan, rounded);
    hn::StoreU(hn::DemoteTo(narrow, hn::BitCast(di, kept)), narrow, dst + i);
  }
  for (; i < count; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(src[i]);
    dst[i] = static_cast<std::uint16_t>(
        std::isnan(src[i]) ? bits >> 16 | 0x40U : (bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
  }
}

}  // namespace undying::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace undying::ops {

HWY_EXPORT(round_all);

void to_bfloat16(const float* src, std::int64_t count, std::uint16_t* dst) {
  HWY_DYNAMIC_DISPATCH(round_all)(src, count, dst);
}

}  // namespace undying::ops
#endif  // HWY_ONCE
