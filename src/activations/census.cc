// The evaluation forward pass that counts everything, for whole data sets. Sums of a tile are
// float32, their totals double.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "activations/census.cc"
#include <hwy/foreach_target.h>  // keep before the other vector headers

#include "activations/family-inl.h"
#include "activations/slopes-inl.h"
#include "activations/targets.h"
#include "activations/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {
namespace {

// Adds a vector of what one tile has of a sum to its total, which is wider.
template <class Tag, class Sum>
HWY_INLINE void widen_lanes(Tag d, Sum* total, hn::Vec<Tag> v, std::size_t lanes) {
  HWY_ALIGN hn::TFromD<Tag> each[hn::MaxLanes(Tag())];
  hn::Store(v, d, each);
  for (std::size_t i = 0; i < lanes; ++i) total[i] += static_cast<Sum>(each[i]);
}

template <bool kPartial, class Tag, class Sum>
HWY_INLINE void widen_to(Tag d, Sum* total, hn::Vec<Tag> v, std::size_t lanes) {
  if constexpr (kPartial) return widen_lanes(d, total, v, lanes);
#if HWY_TARGET == HWY_SCALAR  // has no halves
  widen_lanes(d, total, v, 1);
#else
  const hn::ScalableTag<Sum> wide;
  const hn::Half<Tag> half;
  Sum* second = total + hn::Lanes(wide);
  hn::StoreU(hn::Add(hn::LoadU(wide, total), hn::PromoteTo(wide, hn::LowerHalf(half, v))), wide,
             total);
  hn::StoreU(hn::Add(hn::LoadU(wide, second), hn::PromoteTo(wide, hn::UpperHalf(half, v))), wide,
             second);
#endif
}

template <class F>
struct CensusTiles {
  F f;
  ForwardArgs args;
  CensusCounters counters;

  // Sums are float32 within a tile only.
  struct Column {
    V bias, slope;
    VU fired, gradient_zero, saturated;
    V abs_sum, sum, square_sum, max;
  };

  template <bool kPartial>
  HWY_INLINE Column start(const Tile& tile) const {
    const D d;
    const V zero = hn::Zero(d);
    const VU none = hn::Zero(DU());
    Column column{bias_of<kPartial>(args.bias, tile),
                  zero,
                  none,
                  none,
                  none,
                  zero,
                  zero,
                  zero,
                  hn::Set(d, -std::numeric_limits<float>::infinity())};
    if constexpr (kTakesSlope<F>)
      column.slope =
          fixed_slopes<kPartial>(f, args.slopes, args.slope_count, tile.column, tile.lanes);
    return column;
  }

  template <int kRows, bool kPartial>
  HWY_INLINE void run(const Tile& tile, Column& column) const {
    const D d;
    V z[kRows];
    for (int i = 0; i < kRows; ++i)
      z[i] =
          hn::Add(load<kPartial>(d, args.z + (tile.row + i) * args.units + tile.column, tile.lanes),
                  column.bias);
    for (int i = 0; i < kRows; ++i)
      gather(column, z[i],
             apply<kPartial>(z[i], column.slope,
                             args.h + F::kInfo.width * (tile.row + i) * args.units + tile.column,
                             tile.lanes));
    add_sums<kPartial>(tile, column);
  }

  // Stores the output and returns what is summed of it: CReLU's two halves as |z|.
  template <bool kPartial>
  HWY_INLINE V apply(V z, V slopes, float* to, std::size_t lanes) const {
    const D d;
    V h = z;
    if constexpr (kTakesSlope<F>)
      h = f.forward(d, z, slopes);
    else
      h = f.forward(d, z);
    store<kPartial>(d, h, to, lanes);
    if constexpr (F::kInfo.width == 2) {
      const V second = f.forward_second(d, z);
      store<kPartial>(d, second, to + args.units, lanes);
      h = hn::Add(h, second);
    }
    return h;
  }

  HWY_INLINE void gather(Column& column, V z, V h) const {
    const D d;
    V slope = z;
    if constexpr (kTakesSlope<F>)
      slope = f.derivative(d, z, column.slope);
    else
      slope = f.derivative(d, z);
    column.fired = count_up(column.fired, hn::Gt(z, hn::Set(d, f.threshold())));
    column.gradient_zero = count_up(column.gradient_zero, zero_gradient(z, column.slope));
    column.saturated = count_up(column.saturated, hn::Lt(hn::Abs(slope), hn::Set(d, counters.eps)));
    column.abs_sum = hn::Add(column.abs_sum, hn::Abs(h));
    column.sum = hn::Add(column.sum, h);
    column.square_sum = hn::MulAdd(h, h, column.square_sum);
    column.max = hn::IfThenElse(hn::Gt(z, column.max), z, column.max);
  }

  HWY_INLINE M zero_gradient(V z, V slope) const {
    const D d;
    if constexpr (kTakesSlope<F>)
      return f.zero_gradient(d, z, slope);
    else
      return f.zero_gradient(d, z);
  }

  // The float32 sums of a tile go into the totals and start again.
  template <bool kPartial>
  HWY_INLINE void add_sums(const Tile& tile, Column& column) const {
    const D d;
    if (counters.abs_sum != nullptr)
      widen_to<kPartial>(d, counters.abs_sum + tile.column, column.abs_sum, tile.lanes);
    if (counters.sum != nullptr)
      widen_to<kPartial>(d, counters.sum + tile.column, column.sum, tile.lanes);
    if (counters.square_sum != nullptr)
      widen_to<kPartial>(d, counters.square_sum + tile.column, column.square_sum, tile.lanes);
    column.abs_sum = column.sum = column.square_sum = hn::Zero(d);
  }

  template <bool kPartial>
  HWY_INLINE void finish(const Tile& tile, const Column& column) const {
    const D d;
    const DI di;
    const auto at = tile.column;
    if (counters.fired != nullptr)
      widen_to<kPartial>(di, counters.fired + at, hn::BitCast(di, column.fired), tile.lanes);
    if (counters.gradient_zero != nullptr)
      widen_to<kPartial>(di, counters.gradient_zero + at, hn::BitCast(di, column.gradient_zero),
                         tile.lanes);
    if (counters.saturated != nullptr)
      widen_to<kPartial>(di, counters.saturated + at, hn::BitCast(di, column.saturated),
                         tile.lanes);
    if (counters.max == nullptr) return;
    float* max = counters.max + at;
    store<kPartial>(d, hn::Max(load<kPartial>(d, max, tile.lanes), column.max), max, tile.lanes);
  }
};

template <class F>
void census(const Activation& activation, const ForwardArgs& args, const CensusCounters& counters) {
  const F f(activation.parameters());
  walk(args.rows, args.units, CensusTiles<F>{f, args, counters});
}

template <class... Members>
constexpr auto census_table(List<Members...>) {
  return std::array<CensusFunction, sizeof...(Members)>{&census<Members>...};
}

}  // namespace

CensusFunction census_of(int index) {
  static constexpr auto kTable = census_table(Family{});
  return kTable[index];
}

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
