// diff_z = f' * diff_h, with the sums over the rows that the bias, the slopes and the health counters need.

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

  template <int kVectors>
  struct Columns {
    V slopes[kVectors];
    V diff_bias[kVectors];
    V abs_gradient[kVectors];
    V diff_slopes[kVectors];
  };

  template <int kVectors, bool kPartial>
  HWY_INLINE void run(const Tile& tile) const {
    const D d;
    const auto n = static_cast<std::int64_t>(hn::Lanes(d));
    Columns<kVectors> columns;
    for (int i = 0; i < kVectors; ++i) start<kPartial>(columns, i, tile.column + i * n, tile.lanes);
    const std::int64_t units = args.units;
    const F definition = f;  // a copy that no store can alias
    const float* saved = args.saved;
    const float* diff_h = args.diff_h;
    float* diff_z = args.diff_z;
    for (std::int64_t row = tile.first; row < tile.last; ++row) {
      for (int i = 0; i < kVectors; ++i) {
        const std::int64_t at = row * units + tile.column + i * n;
        const std::int64_t wide = F::kInfo.width * row * units + tile.column + i * n;
        const V gradient = load<kPartial>(d, diff_h + wide, tile.lanes);
        V diff = gradient;
        if constexpr (F::kInfo.width == 2) {
          const V second = load<kPartial>(d, diff_h + wide + units, tile.lanes);
          diff =
              hn::MulAdd(gradient, definition.derivative_from_output(d, load<kPartial>(d, saved + wide, tile.lanes)),
                         hn::Mul(second, definition.second_derivative_from_output(d, load<kPartial>(d, saved + wide + units, tile.lanes))));
        } else {
          const V state = load<kPartial>(d, saved + at, tile.lanes);
          diff = hn::Mul(gradient, derivative<F, kSaves>(definition, state, columns.slopes[i]));
          if constexpr (F::kInfo.learned)
            columns.diff_slopes[i] = hn::Add(columns.diff_slopes[i], hn::Mul(gradient, definition.slope_derivative(d, state)));
        }
        store<kPartial>(d, diff, diff_z + at, tile.lanes);
        if constexpr (kSummed) {
          columns.diff_bias[i] = hn::Add(columns.diff_bias[i], diff);
          columns.abs_gradient[i] = hn::Add(columns.abs_gradient[i], hn::Abs(diff));
        }
      }
    }
    for (int i = 0; i < kVectors; ++i) finish<kPartial>(columns, i, tile.column + i * n, tile.lanes);
  }

  template <bool kPartial, int kVectors>
  HWY_INLINE void start(Columns<kVectors>& columns, int i, std::int64_t column, std::size_t lanes) const {
    const V zero = hn::Zero(D());
    columns.diff_bias[i] = columns.abs_gradient[i] = columns.diff_slopes[i] = columns.slopes[i] = zero;
    if constexpr (F::kInfo.learned) columns.slopes[i] = fixed_slopes<kPartial>(f, args.slopes, args.slope_count, column, lanes);
  }

  template <bool kPartial, int kVectors>
  HWY_INLINE void finish(const Columns<kVectors>& columns, int i, std::int64_t column, std::size_t lanes) const {
    const D d;
    if constexpr (kSummed) {
      if (args.diff_bias != nullptr) add_to<kPartial>(d, args.diff_bias + column, columns.diff_bias[i], lanes);
      if (args.counters.abs_gradient != nullptr) add_to<kPartial>(d, args.counters.abs_gradient + column, columns.abs_gradient[i], lanes);
    }
    if constexpr (F::kInfo.learned) {
      if (args.diff_slopes == nullptr) return;
      if (args.slope_count == 1)
        *shared_slope += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, columns.diff_slopes[i])));
      else
        add_to<kPartial>(d, args.diff_slopes + column, columns.diff_slopes[i], lanes);
    }
  }
};

template <class F, Saves kSaves>
struct BackwardElement {
  F f;
  V slope;

  HWY_INLINE V operator()(V saved, V gradient) const { return hn::Mul(gradient, derivative<F, kSaves>(f, saved, slope)); }
};

template <class F, Saves kSaves>
void backward_line(const F& f, const BackwardArgs& args) {
  BackwardElement<F, kSaves> element{f, hn::Zero(D())};
  if constexpr (F::kInfo.learned) element.slope = fixed_slopes<false>(f, args.slopes, 1, 0, 0);
  const std::int64_t count = args.rows * args.units;
  const bool streams =
      args.diff_z != args.diff_h && args.diff_z != args.saved && count * static_cast<std::int64_t>(sizeof(float)) >= kStreamBytes;
  if (streams)
    map_line<true>(element, count, args.diff_z, args.saved, args.diff_h);
  else
    map_line<false>(element, count, args.diff_z, args.saved, args.diff_h);
}

// Whether rows and columns do not matter: nothing is summed by unit, and one output belongs to one input.
template <class F>
bool is_line(const BackwardArgs& args) {
  return F::kInfo.width == 1 && args.diff_bias == nullptr && args.counters.abs_gradient == nullptr && args.diff_slopes == nullptr &&
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
  if (args.diff_slopes != nullptr && args.slope_count == 1) args.diff_slopes[0] = static_cast<float>(shared_slope);
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
  return kTable[static_cast<std::size_t>(index)];
}

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
