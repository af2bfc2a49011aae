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

  template <int kVectors>
  struct Columns {
    V bias[kVectors];
    V slopes[kVectors];
    VU fired[kVectors];
    V abs_output[kVectors];
  };

  template <int kVectors, bool kPartial>
  HWY_INLINE void run(const Tile& tile) const {
    const D d;
    const auto n = static_cast<std::int64_t>(hn::Lanes(d));
    Columns<kVectors> columns;
    for (int i = 0; i < kVectors; ++i) start<kPartial>(columns, i, tile.column + i * n, tile.lanes);
    const F definition = f;  // a copy that no store can alias
    const V threshold = hn::Set(d, f.threshold());
    const std::int64_t units = args.units;
    const float* from = args.z;
    float* to = args.h;
    float* saved = args.saved;
    for (std::int64_t row = tile.first; row < tile.last; ++row) {
      for (int i = 0; i < kVectors; ++i) {
        const std::int64_t column = tile.column + i * n;
        const V z = hn::Add(load<kPartial>(d, from + row * units + column, tile.lanes), columns.bias[i]);
        V slope = columns.slopes[i];
        if constexpr (kDrawn) slope = drawn_slopes<kPartial>(definition, args.random, row, column, tile.lanes);
        if (saved != nullptr) save<kPartial>(definition, z, slope, saved + row * units + column, tile.lanes);
        const V abs = apply<kPartial>(definition, z, slope, to + F::kInfo.width * row * units + column, units, tile.lanes);
        if constexpr (kCounted) {
          columns.fired[i] = count_up(columns.fired[i], hn::Gt(z, threshold));
          columns.abs_output[i] = hn::Add(columns.abs_output[i], abs);
        }
      }
    }
    if constexpr (kCounted)
      for (int i = 0; i < kVectors; ++i) finish<kPartial>(columns, i, tile.column + i * n, tile.lanes);
  }

  template <bool kPartial, int kVectors>
  HWY_INLINE void start(Columns<kVectors>& columns, int i, std::int64_t column, std::size_t lanes) const {
    const D d;
    // -0 is the neutral element of addition: -0 + 0 would lose the sign of a zero.
    columns.bias[i] = args.bias == nullptr ? hn::Set(d, -0.0f) : load<kPartial>(d, args.bias + column, lanes);
    columns.fired[i] = hn::Zero(DU());
    columns.abs_output[i] = hn::Zero(d);
    if constexpr (kTakesSlope<F>)
      columns.slopes[i] = fixed_slopes<kPartial>(f, args.slopes, args.slope_count, column, lanes);
    else
      columns.slopes[i] = hn::Zero(d);
  }

  template <bool kPartial>
  static HWY_INLINE void save(const F& f, V z, V slope, float* to, std::size_t lanes) {
    const D d;
    if constexpr (F::kInfo.random)
      store<kPartial>(d, f.derivative(d, z, slope), to, lanes);
    else
      store<kPartial>(d, z, to, lanes);
  }

  // Stores the output and returns its absolute value.
  template <bool kPartial>
  static HWY_INLINE V apply(const F& f, V z, V slope, float* to, std::int64_t units, std::size_t lanes) {
    const D d;
    if constexpr (F::kInfo.width == 2) {
      const V first = f.forward(d, z);
      const V second = f.forward_second(d, z);
      store<kPartial>(d, first, to, lanes);
      store<kPartial>(d, second, to + units, lanes);
      return hn::Add(hn::Abs(first), hn::Abs(second));
    } else {
      V h = z;
      if constexpr (kTakesSlope<F>)
        h = f.forward(d, z, slope);
      else
        h = f.forward(d, z);
      store<kPartial>(d, h, to, lanes);
      return hn::Abs(h);
    }
  }

  template <bool kPartial, int kVectors>
  HWY_INLINE void finish(const Columns<kVectors>& columns, int i, std::int64_t column, std::size_t lanes) const {
    const Counters& counters = args.counters;
    if (counters.fired != nullptr) add_to<kPartial>(DU(), counters.fired + column, columns.fired[i], lanes);
    if (counters.abs_output != nullptr) add_to<kPartial>(D(), counters.abs_output + column, columns.abs_output[i], lanes);
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

// Whether rows and columns do not matter: nothing is added, saved or counted by unit, and one output belongs to one input.
template <class F>
bool is_line(const ForwardArgs& args) {
  return F::kInfo.width == 1 && args.bias == nullptr && (args.saved == nullptr || (!F::kInfo.random && args.saved == args.z)) &&
         args.counters.fired == nullptr && args.counters.abs_output == nullptr && (!F::kInfo.learned || args.slope_count == 1);
}

template <class F>
void forward_line(const F& f, const ForwardArgs& args) {
  ForwardElement<F> element{f, hn::Zero(D())};
  if constexpr (kTakesSlope<F>) element.slope = fixed_slopes<false>(f, args.slopes, 1, 0, 0);
  const std::int64_t count = args.rows * args.units;
  const bool streams = args.h != args.z && count * static_cast<std::int64_t>(sizeof(float)) >= kStreamBytes;
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
  return kTable[static_cast<std::size_t>(index)];
}

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
