// diff_z = f' * diff_h, with the sums over the rows that the bias, the slopes and the health
// counters need.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "activations/backward.cc"
#include <hwy/foreach_target.h>  // keep before the other vector headers

#include "activations/family-inl.h"
#include "activations/line-inl.h"
#include "activations/slopes-inl.h"
#include "activations/targets.h"
#include "activations/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {
namespace {

template <class F, Saves kSaves>
HWY_INLINE V derivative(const F& f, V saved, V slope) {
  const D d;
  if constexpr (kSaves == Saves::kDerivative)
    return saved;
  else if constexpr (kSaves == Saves::kOutput)
    return f.derivative_from_output(d, saved);
  else if constexpr (kTakesSlope<F>)
    return f.derivative(d, saved, slope);
  else
    return f.derivative(d, saved);
}

template <class F, Saves kSaves, bool kSummed>
struct BackwardTiles {
  F f;
  BackwardArgs args;
  double* shared_slope;  // where the gradient of a single slope is summed

  struct Column {
    V slope;
    V sum_before, sum;
    V abs_before, abs_sum;
    V slope_before, slope_sum;
  };

  bool slope_per_unit() const {
    return F::kInfo.learned && args.diff_slopes != nullptr && args.slope_count > 1;
  }

  template <bool kPartial>
  HWY_INLINE Column start(const Tile& tile) const {
    const D d;
    const V zero = hn::Zero(d);
    Column column{zero, zero, zero, zero, zero, zero, zero};
    if constexpr (F::kInfo.learned) {
      column.slope =
          fixed_slopes<kPartial>(f, args.slopes, args.slope_count, tile.column, tile.lanes);
      if (slope_per_unit()) column.slope_before = sums_of<kPartial>(d, args.diff_slopes, tile);
    }
    if constexpr (kSummed) {
      column.sum_before = sums_of<kPartial>(d, args.diff_bias, tile);
      column.abs_before = sums_of<kPartial>(d, args.counters.abs_gradient, tile);
    }
    return column;
  }

  template <int kRows, bool kPartial>
  HWY_INLINE void run(const Tile& tile, Column& column) const {
    const D d;
    V saved[kRows], gradient[kRows], diff[kRows], abs[kRows];
    for (int i = 0; i < kRows; ++i) {
      const std::int64_t at = F::kInfo.width * (tile.row + i) * args.units + tile.column;
      saved[i] = load<kPartial>(d, args.saved + at, tile.lanes);
      gradient[i] = load<kPartial>(d, args.diff_h + at, tile.lanes);
    }
    for (int i = 0; i < kRows; ++i) {
      diff[i] = hn::Mul(gradient[i], derivative<F, kSaves>(f, saved[i], column.slope));
      if constexpr (F::kInfo.width == 2)
        diff[i] = hn::Add(diff[i], second<kPartial>(tile.row + i, tile.column, tile.lanes));
      if constexpr (F::kInfo.learned)
        column.slope_sum =
            hn::MulAdd(gradient[i], f.slope_derivative(d, saved[i]), column.slope_sum);
      store<kPartial>(d, diff[i], args.diff_z + (tile.row + i) * args.units + tile.column,
                      tile.lanes);
      if constexpr (kSummed) abs[i] = hn::Abs(diff[i]);
    }
    if constexpr (kSummed) {
      column.sum = hn::Add(column.sum, sum_of(diff));
      column.abs_sum = hn::Add(column.abs_sum, sum_of(abs));
    }
  }

  // What comes back through the second of two outputs.
  template <bool kPartial>
  HWY_INLINE V second(std::int64_t row, std::int64_t column, std::size_t lanes) const {
    const D d;
    const std::int64_t at = (2 * row + 1) * args.units + column;
    const V slope = f.second_derivative_from_output(d, load<kPartial>(d, args.saved + at, lanes));
    return hn::Mul(load<kPartial>(d, args.diff_h + at, lanes), slope);
  }

  template <bool kPartial>
  HWY_INLINE void finish(const Tile& tile, const Column& column) const {
    const D d;
    if constexpr (kSummed) {
      keep_sums<kPartial>(d, hn::Add(column.sum_before, column.sum), args.diff_bias, tile);
      keep_sums<kPartial>(d, hn::Add(column.abs_before, column.abs_sum), args.counters.abs_gradient,
                          tile);
    }
    if constexpr (F::kInfo.learned) {
      if (slope_per_unit())
        keep_sums<kPartial>(d, hn::Add(column.slope_before, column.slope_sum), args.diff_slopes,
                            tile);
      else
        *shared_slope += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, column.slope_sum)));
    }
  }
};

template <class F, Saves kSaves>
struct BackwardElement {
  F f;
  V slope;

  HWY_INLINE V operator()(V saved, V gradient) const {
    return hn::Mul(gradient, derivative<F, kSaves>(f, saved, slope));
  }
};

template <class F, Saves kSaves>
void backward_line(const F& f, const BackwardArgs& args) {
  BackwardElement<F, kSaves> element{f, hn::Zero(D())};
  if constexpr (F::kInfo.learned) element.slope = fixed_slopes<false>(f, args.slopes, 1, 0, 0);
  const std::int64_t count = args.rows * args.units;
  const bool streams = args.diff_z != args.diff_h && args.diff_z != args.saved &&
                       count * static_cast<std::int64_t>(sizeof(float)) >= kStreamBytes;
  if (streams)
    map_line<true>(element, count, args.diff_z, args.saved, args.diff_h);
  else
    map_line<false>(element, count, args.diff_z, args.saved, args.diff_h);
}

// Whether rows and columns do not matter: nothing is summed by unit, and one output belongs to one
// input.
template <class F>
bool is_line(const BackwardArgs& args) {
  return F::kInfo.width == 1 && args.diff_bias == nullptr &&
         args.counters.abs_gradient == nullptr && args.diff_slopes == nullptr &&
         (!F::kInfo.learned || args.slope_count == 1);
}

template <class F, Saves kSaves>
void backward_as(const F& f, const BackwardArgs& args) {
  if constexpr (F::kInfo.width == 1)
    if (is_line<F>(args)) return backward_line<F, kSaves>(f, args);
  if (args.diff_bias != nullptr) std::fill_n(args.diff_bias, args.units, 0.0f);
  if (args.diff_slopes != nullptr) std::fill_n(args.diff_slopes, args.slope_count, 0.0f);
  double shared_slope = 0.0;
  const bool summed = args.diff_bias != nullptr || args.counters.abs_gradient != nullptr;
  if (summed)
    walk(args.rows, args.units, BackwardTiles<F, kSaves, true>{f, args, &shared_slope});
  else
    walk(args.rows, args.units, BackwardTiles<F, kSaves, false>{f, args, &shared_slope});
  if (args.diff_slopes != nullptr && args.slope_count == 1)
    args.diff_slopes[0] = static_cast<float>(shared_slope);
}

template <class F>
concept HasDerivativeFromOutput = requires(const F& f, D d, V v) {
  f.derivative_from_output(d, v);
};

template <class F>
void backward(const Activation& activation, const BackwardArgs& args) {
  const F f(activation.parameters());
  if constexpr (F::kInfo.random) {
    return backward_as<F, Saves::kDerivative>(f, args);
  } else {
    if constexpr (HasDerivativeFromOutput<F>)
      if (f.saves() == Saves::kOutput) return backward_as<F, Saves::kOutput>(f, args);
    backward_as<F, Saves::kInput>(f, args);
  }
}

template <class... Members>
constexpr auto backward_table(List<Members...>) {
  return std::array<BackwardFunction, sizeof...(Members)>{&backward<Members>...};
}

}  // namespace

BackwardFunction backward_of(int index) {
  static constexpr auto kTable = backward_table(Family{});
  return kTable[index];
}

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
