// Pooling in channels-last layout: vectors run over the channels of a position.

#include "ops/convolution/pool_kernels.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/convolution/pool_kernels.cc"
#include <hwy/foreach_target.h>  // must come before highway.h

#include "activations/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace vectors = activations::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;
using V = hn::Vec<D>;
using VI = hn::Vec<DI>;

// Elements of a window whose sum is kept apart before it is added to the others.
constexpr std::int64_t kSummed = 64;

// One window of an image, and what of it lies there.
struct Place {
  const PoolArgs& a;
  const PoolSpan& y;
  const PoolSpan& x;

  // In src, in floats: the first element, and how far others are from it.
  HWY_INLINE std::int64_t at() const { return (y.at * a.x->extent + x.at) * a.channels; }
  HWY_INLINE std::int64_t row_step() const { return a.y->dilation * a.x->extent * a.channels; }
  HWY_INLINE std::int64_t column_step() const { return a.x->dilation * a.channels; }

  // Which element of the window the first in row i is.
  HWY_INLINE std::int32_t element(std::int64_t i) const {
    return static_cast<std::int32_t>((y.first + i) * a.x->kernel + x.first);
  }

  HWY_INLINE bool empty() const { return y.count == 0 || x.count == 0; }
  HWY_INLINE float share() const {
    const std::int64_t count = a.counts_padding ? y.padded * x.padded : y.count * x.count;
    return count == 0 ? 0.0f : 1.0f / static_cast<float>(count);
  }
};

// Calls body(place, offset of its output, offset of its image) for all windows of all images.
template <class Body>
HWY_INLINE void for_places(const PoolArgs& a, const Body& body) {
  const std::int64_t image = a.y->extent * a.x->extent * a.channels;
  std::int64_t out = 0;
  for (std::int64_t row = 0; row < a.rows; ++row)
    for (const PoolSpan& y : a.y->places)
      for (const PoolSpan& x : a.x->places) {
        body.run(Place{a, y, x}, out, row * image);
        out += a.channels;
      }
}

// One vector of channels.
template <bool kPartial>
struct Channels {
  std::int64_t at;
  std::size_t lanes;

  HWY_INLINE V load(const float* p) const { return vectors::load<kPartial>(D(), p + at, lanes); }
  HWY_INLINE void store(V v, float* p) const { vectors::store<kPartial>(D(), v, p + at, lanes); }
};

template <class Body>
HWY_INLINE void for_channels(std::int64_t channels, const Body& body) {
  const auto n = static_cast<std::int64_t>(hn::Lanes(D()));
  std::int64_t at = 0;
  for (; at + n <= channels; at += n) body.run(Channels<false>{at, static_cast<std::size_t>(n)});
  if (at < channels) body.run(Channels<true>{at, static_cast<std::size_t>(channels - at)});
}

// The elements of a window. kY, kX: the extents of its kernel where all windows are whole, else 0;
// most networks pool 2 x 2, and loops of known length take half the time.
template <int kY, int kX>
struct Elements {
  HWY_INLINE explicit Elements(const Place& place)
      : rows(kY > 0 ? kY : place.y.count),
        columns(kX > 0 ? kX : place.x.count),
        row_step(place.row_step()),
        column_step(place.column_step()),
        first(kY > 0 ? 0 : place.element(0)),
        kernel(kX > 0 ? kX : static_cast<std::int32_t>(place.a.x->kernel)) {}

  HWY_INLINE std::int64_t at(std::int64_t i, std::int64_t j) const {
    return i * row_step + j * column_step;
  }
  // Which element of the kernel it is.
  HWY_INLINE VI which(std::int64_t i, std::int64_t j) const {
    return hn::Set(DI(),
                   first + static_cast<std::int32_t>(i) * kernel + static_cast<std::int32_t>(j));
  }

  std::int64_t rows, columns, row_step, column_step;
  std::int32_t first, kernel;
};

template <int kY, int kX>
struct MaxOf {
  Elements<kY, kX> elements;
  bool empty;
  const float* src;
  float* dst;
  float* largest;

  template <class C>
  HWY_INLINE void run(const C& c) const {
    const D d;
    const DI di;
    V best = hn::Set(d, -std::numeric_limits<float>::infinity());
    VI which = empty ? hn::Set(di, -1) : elements.which(0, 0);
    for (std::int64_t i = 0; i < elements.rows; ++i)
      for (std::int64_t j = 0; j < elements.columns; ++j) {
        const V x = c.load(src + elements.at(i, j));
        const auto larger = hn::Or(hn::Gt(x, best), hn::IsNaN(x));
        best = hn::IfThenElse(larger, x, best);
        which = hn::IfThenElse(hn::RebindMask(di, larger), elements.which(i, j), which);
      }
    c.store(best, dst);
    if (largest != nullptr) c.store(hn::BitCast(d, which), largest);
  }
};

template <int kY, int kX>
struct MaxAll {
  const float* src;
  float* dst;
  float* largest;

  HWY_INLINE void run(const Place& place, std::int64_t out, std::int64_t image) const {
    for_channels(place.a.channels,
                 MaxOf<kY, kX>{Elements<kY, kX>(place), place.empty(), src + image + place.at(),
                               dst + out, largest == nullptr ? nullptr : largest + out});
  }
};

// What lies in the window gets its share of the gradient: stored, or added where windows overlap.
template <bool kAdd, class C>
HWY_INLINE void give(const C& c, V share, float* diff) {
  c.store(kAdd ? hn::Add(c.load(diff), share) : share, diff);
}

template <int kY, int kX, bool kAdd>
struct MaxGradientOf {
  Elements<kY, kX> elements;
  const float* diff_dst;
  const float* largest;
  float* diff_src;

  template <class C>
  HWY_INLINE void run(const C& c) const {
    const V g = c.load(diff_dst);
    const VI which = hn::BitCast(DI(), c.load(largest));
    for (std::int64_t i = 0; i < elements.rows; ++i)
      for (std::int64_t j = 0; j < elements.columns; ++j) {
        const auto chosen = hn::RebindMask(D(), hn::Eq(which, elements.which(i, j)));
        give<kAdd>(c, hn::IfThenElseZero(chosen, g), diff_src + elements.at(i, j));
      }
  }
};

template <int kY, int kX, bool kAdd>
struct MaxGradientAll {
  const float* diff_dst;
  const float* largest;
  float* diff_src;

  HWY_INLINE void run(const Place& place, std::int64_t out, std::int64_t image) const {
    for_channels(place.a.channels,
                 MaxGradientOf<kY, kX, kAdd>{Elements<kY, kX>(place), diff_dst + out, largest + out,
                                             diff_src + image + place.at()});
  }
};

template <bool kAdd>
struct AverageGradientOf {
  const Place& place;
  const float* diff_dst;
  float* diff_src;

  template <class C>
  HWY_INLINE void run(const C& c) const {
    const V share = hn::Mul(c.load(diff_dst), hn::Set(D(), place.share()));
    for (std::int64_t i = 0; i < place.y.count; ++i) {
      float* to = diff_src + i * place.row_step();
      for (std::int64_t j = 0; j < place.x.count; ++j, to += place.column_step())
        give<kAdd>(c, share, to);
    }
  }
};

template <bool kAdd>
struct AverageGradientAll {
  const float* diff_dst;
  float* diff_src;

  HWY_INLINE void run(const Place& place, std::int64_t out, std::int64_t image) const {
    for_channels(place.a.channels,
                 AverageGradientOf<kAdd>{place, diff_dst + out, diff_src + image + place.at()});
  }
};

struct AverageOf {
  const Place& place;
  const float* src;
  float* dst;

  template <class C>
  HWY_INLINE void run(const C& c) const {
    V sum = hn::Zero(D());
    for (std::int64_t i = 0; i < place.y.count; ++i) {
      const float* from = src + i * place.row_step();
      for (std::int64_t first = 0; first < place.x.count; first += kSummed) {
        V part = hn::Zero(D());
        for (std::int64_t j = first; j < std::min(place.x.count, first + kSummed);
             ++j, from += place.column_step())
          part = hn::Add(part, c.load(from));
        sum = hn::Add(sum, part);
      }
    }
    c.store(hn::Mul(sum, hn::Set(D(), place.share())), dst);
  }
};

struct AverageAll {
  const float* src;
  float* dst;

  HWY_INLINE void run(const Place& place, std::int64_t out, std::int64_t image) const {
    for_channels(place.a.channels, AverageOf{place, src + image + place.at(), dst + out});
  }
};

// Whether all windows are whole ones of 2 x 2.
inline bool two_by_two(const PoolArgs& a) {
  const auto two = [](const PoolSpan& span) { return span.count == 2; };
  return a.y->kernel == 2 && a.x->kernel == 2 && std::ranges::all_of(a.y->places, two) &&
         std::ranges::all_of(a.x->places, two);
}

HWY_ATTR void max(const PoolArgs& a, const float* src, float* dst, float* largest) {
  if (two_by_two(a)) return for_places(a, MaxAll<2, 2>{src, dst, largest});
  for_places(a, MaxAll<0, 0>{src, dst, largest});
}

HWY_ATTR void average(const PoolArgs& a, const float* src, float* dst) {
  for_places(a, AverageAll{src, dst});
}

// Whether every element of src is in one window, so that nothing is added up; else the gradient
// starts at 0.
inline bool covers_once(const PoolArgs& a, float* diff_src) {
  if (!a.tiles) std::fill_n(diff_src, a.rows * a.y->extent * a.x->extent * a.channels, 0.0f);
  return a.tiles;
}

HWY_ATTR void max_gradient(const PoolArgs& a, const float* diff_dst, const float* largest,
                           float* diff_src) {
  if (!covers_once(a, diff_src))
    return for_places(a, MaxGradientAll<0, 0, true>{diff_dst, largest, diff_src});
  if (two_by_two(a)) return for_places(a, MaxGradientAll<2, 2, false>{diff_dst, largest, diff_src});
  for_places(a, MaxGradientAll<0, 0, false>{diff_dst, largest, diff_src});
}

HWY_ATTR void average_gradient(const PoolArgs& a, const float* diff_dst, float* diff_src) {
  if (covers_once(a, diff_src)) return for_places(a, AverageGradientAll<false>{diff_dst, diff_src});
  for_places(a, AverageGradientAll<true>{diff_dst, diff_src});
}

const PoolKernels& pool_table() {
  static constexpr PoolKernels kTable = {max, max_gradient, average, average_gradient};
  return kTable;
}

}  // namespace undying::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace undying::ops {

HWY_EXPORT(pool_table);

const PoolKernels& pool_kernels() { return HWY_DYNAMIC_DISPATCH(pool_table)(); }

}  // namespace undying::ops
#endif  // HWY_ONCE
