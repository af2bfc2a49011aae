// The third operand of activations whose slope is learned (one, or one per unit) or drawn (one per
// element). Included once per target.

#if defined(UNDYING_ACTIVATIONS_SLOPES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_SLOPES_INL_H_
#undef UNDYING_ACTIVATIONS_SLOPES_INL_H_
#else
#define UNDYING_ACTIVATIONS_SLOPES_INL_H_
#endif

#include "activations/definition-inl.h"
#include "activations/random_slopes.h"
#include "activations/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

template <class F>
inline constexpr bool kTakesSlope = F::kInfo.learned || F::kInfo.random;

// The slopes of one vector of columns, fixed over the rows of a tile.
template <bool kPartial, class F>
HWY_INLINE V fixed_slopes(const F& f, const float* slopes, std::int64_t slope_count,
                          std::int64_t column, std::size_t lanes) {
  const D d;
  if constexpr (F::kInfo.random) {
    return hn::Set(d, f.mean_slope());
  } else {
    return slope_count == 1 ? hn::Set(d, slopes[0]) : load<kPartial>(d, slopes + column, lanes);
  }
}

template <bool kPartial, class F>
HWY_INLINE V drawn_slopes(const F& f, const RandomSlopes& random, std::int64_t row,
                          std::int64_t column, std::size_t lanes) {
  const D d;
  HWY_ALIGN float slopes[hn::MaxLanes(D())] = {};
  const auto count = kPartial ? lanes : hn::Lanes(d);
  draw_slopes(random, row, column, static_cast<std::int64_t>(count), f.lower, f.upper, slopes);
  return hn::Load(d, slopes);
}

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_SLOPES_INL_H_
