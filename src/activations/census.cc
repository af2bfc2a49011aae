// The evaluation forward pass that counts everything, for whole data sets. Sums of eight rows are float32, their totals double.

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

inline constexpr std::int64_t kCensusRows = 8;

// What one vector of columns gathers over the rows of a tile.
struct Gathered {
  VU fired, gradient_zero, saturated;
  V abs_sum, sum, square_sum, max;
};

HWY_INLINE Gathered nothing() {
  const VU none = hn::Zero(DU());
  const V zero = hn::Zero(D());
  return {none, none, none, zero, zero, zero, hn::Set(D(), -std::numeric_limits<float>::infinity())};
}

template <class Tag, class Sum>
HWY_INLINE void add_lanes(Tag d, Sum* to, hn::Vec<Tag> v, std::size_t lanes) {
  HWY_ALIGN hn::TFromD<Tag> each[hn::MaxLanes(Tag())];
  hn::Store(v, d, each);
  if (to == nullptr) return;
  for (std::size_t i = 0; i < lanes; ++i) to[i] += static_cast<Sum>(each[i]);
}

HWY_INLINE void raise(float* to, V v, std::size_t lanes) {
  HWY_ALIGN float each[hn::MaxLanes(D())];
  hn::Store(v, D(), each);
  if (to == nullptr) return;
  for (std::size_t i = 0; i < lanes; ++i) to[i] = std::max(to[i], each[i]);
}

template <class F>
struct CensusTiles {
  const F& f;
  const ForwardArgs& args;
  const CensusCounters& counters;

  template <int kVectors, bool kPartial>
  HWY_INLINE void run(const Tile& tile) const {
    const auto n = static_cast<std::int64_t>(hn::Lanes(D()));
    for (int i = 0; i < kVectors; ++i)
      for (std::int64_t row = tile.first; row < tile.last; row += kCensusRows)
        column<kPartial>(row, std::min(row + kCensusRows, tile.last), tile.column + i * n, tile.lanes);
  }

  template <bool kPartial>
  HWY_INLINE void column(std::int64_t first, std::int64_t last, std::int64_t unit, std::size_t lanes) const {
    const D d;
    const V bias = args.bias == nullptr ? hn::Set(d, -0.0f) : load<kPartial>(d, args.bias + unit, lanes);
    V slopes = bias;
    if constexpr (kTakesSlope<F>) slopes = fixed_slopes<kPartial>(f, args.slopes, args.slope_count, unit, lanes);
    Gathered gathered = nothing();
    for (std::int64_t row = first; row < last; ++row) {
      const V z = hn::Add(load<kPartial>(d, args.z + row * args.units + unit, lanes), bias);
      gather(gathered, z, apply<kPartial>(z, slopes, args.h + F::kInfo.width * row * args.units + unit, lanes), slopes);
    }
    add<kPartial>(gathered, unit, kPartial ? lanes : hn::Lanes(d));
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

  HWY_INLINE void gather(Gathered& gathered, V z, V h, V slopes) const {
    const D d;
    V slope = z;
    if constexpr (kTakesSlope<F>)
      slope = f.derivative(d, z, slopes);
    else
      slope = f.derivative(d, z);
    gathered.fired = count_up(gathered.fired, hn::Gt(z, hn::Set(d, f.threshold())));
    gathered.gradient_zero = count_up(gathered.gradient_zero, zero_gradient(z, slopes));
    gathered.saturated = count_up(gathered.saturated, hn::Lt(hn::Abs(slope), hn::Set(d, counters.eps)));
    gathered.abs_sum = hn::Add(gathered.abs_sum, hn::Abs(h));
    gathered.sum = hn::Add(gathered.sum, h);
    gathered.square_sum = hn::MulAdd(h, h, gathered.square_sum);
    gathered.max = hn::IfThenElse(hn::Gt(z, gathered.max), z, gathered.max);
  }

  HWY_INLINE M zero_gradient(V z, V slopes) const {
    const D d;
    if constexpr (kTakesSlope<F>)
      return f.zero_gradient(d, z, slopes);
    else
      return f.zero_gradient(d, z);
  }

  template <bool kPartial>
  HWY_INLINE void add(const Gathered& gathered, std::int64_t unit, std::size_t lanes) const {
    const auto at = [unit](auto* counts) HWY_ATTR { return counts == nullptr ? nullptr : counts + unit; };
    add_lanes(DU(), at(counters.fired), gathered.fired, lanes);
    add_lanes(DU(), at(counters.gradient_zero), gathered.gradient_zero, lanes);
    add_lanes(DU(), at(counters.saturated), gathered.saturated, lanes);
    add_lanes(D(), at(counters.abs_sum), gathered.abs_sum, lanes);
    add_lanes(D(), at(counters.sum), gathered.sum, lanes);
    add_lanes(D(), at(counters.square_sum), gathered.square_sum, lanes);
    raise(at(counters.max), gathered.max, lanes);
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
  return kTable[static_cast<std::size_t>(index)];
}

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
