// h = f(z + bias), with the health counters in the same pass.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "activations/forward.cc"
#include <hwy/foreach_target.h>  // keep before the other vector headers

#include "activations/family-inl.h"
#include "activations/line-inl.h"
#include "activations/slopes-inl.h"
#include "activations/targets.h"
#include "activations/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {
namespace {

template <class F, bool kCounted, bool kDrawn>
struct ForwardTiles {
  F f;
  ForwardArgs args;

  struct Column {
    V bias, slope;
    VU fired_before, fired;
    V abs_before, abs_output;
  };

  template <bool kPartial>
  HWY_INLINE Column start(const Tile& tile) const {
    const D d;
    const DU du;
    Column column{bias_of<kPartial>(args.bias, tile),
                  hn::Zero(d),
                  hn::Zero(du),
                  hn::Zero(du),
                  hn::Zero(d),
                  hn::Zero(d)};
    if constexpr (kTakesSlope<F> && !kDrawn)
      column.slope =
          fixed_slopes<kPartial>(f, args.slopes, args.slope_count, tile.column, tile.lanes);
    if constexpr (kCounted) {
      column.fired_before = sums_of<kPartial>(du, args.counters.fired, tile);
      column.abs_before = sums_of<kPartial>(d, args.counters.abs_output, tile);
    }
    return column;
  }

  template <int kRows, bool kPartial>
  HWY_INLINE void run(const Tile& tile, Column& column) const {
    const D d;
    V z[kRows], abs[kRows];
    for (int i = 0; i < kRows; ++i)
      z[i] =
          hn::Add(load<kPartial>(d, args.z + (tile.row + i) * args.units + tile.column, tile.lanes),
                  column.bias);
    for (int i = 0; i < kRows; ++i) {
      if constexpr (kDrawn)
        column.slope =
            drawn_slopes<kPartial>(f, args.random, tile.row + i, tile.column, tile.lanes);
      if (args.saved != nullptr)
        save<kPartial>(z[i], column.slope, (tile.row + i) * args.units + tile.column, tile.lanes);
      abs[i] =
          apply<kPartial>(z[i], column.slope,
                          F::kInfo.width * (tile.row + i) * args.units + tile.column, tile.lanes);
      if constexpr (kCounted)
        column.fired = count_up(column.fired, hn::Gt(z[i], hn::Set(d, f.threshold())));
    }
    if constexpr (kCounted) column.abs_output = hn::Add(column.abs_output, sum_of(abs));
  }

  template <bool kPartial>
  HWY_INLINE void finish(const Tile& tile, const Column& column) const {
    if constexpr (!kCounted) return;
    keep_sums<kPartial>(DU(), hn::Add(column.fired_before, column.fired), args.counters.fired,
                        tile);
    keep_sums<kPartial>(D(), hn::Add(column.abs_before, column.abs_output),
                        args.counters.abs_output, tile);
  }

  template <bool kPartial>
  HWY_INLINE void save(V z, V slope, std::int64_t at, std::size_t lanes) const {
    const D d;
    if constexpr (F::kInfo.random)
      store<kPartial>(d, f.derivative(d, z, slope), args.saved + at, lanes);
    else
      store<kPartial>(d, z, args.saved + at, lanes);
  }

  // Stores the output and returns its absolute value.
  template <bool kPartial>
  HWY_INLINE V apply(V z, V slope, std::int64_t at, std::size_t lanes) const {
    const D d;
    if constexpr (F::kInfo.width == 2) {
      const V first = f.forward(d, z);
      const V second = f.forward_second(d, z);
      store<kPartial>(d, first, args.h + at, lanes);
      store<kPartial>(d, second, args.h + at + args.units, lanes);
      return hn::Add(hn::Abs(first), hn::Abs(second));
    } else {
      V h = z;
      if constexpr (kTakesSlope<F>)
        h = f.forward(d, z, slope);
      else
        h = f.forward(d, z);
      store<kPartial>(d, h, args.h + at, lanes);
      return hn::Abs(h);
    }
  }
};

template <class F>
struct ForwardElement {
  F f;
  V slope;

  HWY_INLINE V operator()(V z) const {
    if constexpr (kTakesSlope<F>)
      return f.forward(D(), z, slope);
    else
      return f.forward(D(), z);
  }
};

// Whether rows and columns do not matter: nothing is added, saved or counted by unit, and one
// output belongs to one input.
template <class F>
bool is_line(const ForwardArgs& args) {
  return F::kInfo.width == 1 && args.bias == nullptr &&
         (args.saved == nullptr || (!F::kInfo.random && args.saved == args.z)) &&
         args.counters.fired == nullptr && args.counters.abs_output == nullptr &&
         (!F::kInfo.learned || args.slope_count == 1);
}

template <class F>
void forward_line(const F& f, const ForwardArgs& args) {
  ForwardElement<F> element{f, hn::Zero(D())};
  if constexpr (kTakesSlope<F>) element.slope = fixed_slopes<false>(f, args.slopes, 1, 0, 0);
  const std::int64_t count = args.rows * args.units;
  const bool streams =
      args.h != args.z && count * static_cast<std::int64_t>(sizeof(float)) >= kStreamBytes;
  if (streams)
    map_line<true>(element, count, args.h, args.z);
  else
    map_line<false>(element, count, args.h, args.z);
}

template <class F, bool kDrawn>
void forward_tiles(const F& f, const ForwardArgs& args) {
  const bool counted = args.counters.fired != nullptr || args.counters.abs_output != nullptr;
  if (counted)
    walk(args.rows, args.units, ForwardTiles<F, true, kDrawn>{f, args});
  else
    walk(args.rows, args.units, ForwardTiles<F, false, kDrawn>{f, args});
}

template <class F>
void forward(const Activation& activation, const ForwardArgs& args) {
  const F f(activation.parameters());
  if constexpr (F::kInfo.random)
    if (args.training) return forward_tiles<F, true>(f, args);
  if constexpr (F::kInfo.width == 1)
    if (is_line<F>(args)) return forward_line(f, args);
  forward_tiles<F, false>(f, args);
}

template <class... Members>
constexpr auto forward_table(List<Members...>) {
  return std::array<ForwardFunction, sizeof...(Members)>{&forward<Members>...};
}

}  // namespace

ForwardFunction forward_of(int index) {
  static constexpr auto kTable = forward_table(Family{});
  return kTable[index];
}

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
