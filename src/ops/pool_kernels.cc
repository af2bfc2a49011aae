// Pooling in channels-last layout: vectors run over the channels of a position.

#include "ops/pool_kernels.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool_kernels.cc"
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

// One window of an image: where it begins in src, and what of it lies there.
struct Place {
  const PoolArgs& a;
  const PoolSpan& y;
  const PoolSpan& x;

  HWY_INLINE std::int64_t at(std::int64_t i, std::int64_t j) const {
    return ((y.at + i * a.y->dilation) * a.x->extent + x.at + j * a.x->dilation) * a.channels;
  }
  HWY_INLINE std::int32_t element(std::int64_t i, std::int64_t j) const {
    return static_cast<std::int32_t>((y.first + i) * a.x->kernel + x.first + j);
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

struct MaxOf {
  const Place& place;
  const float* src;
  float* dst;
  float* largest;

  template <class C>
  HWY_INLINE void run(const C& c) const {
    const D d;
    const DI di;
    V best = hn::Set(d, -std::numeric_limits<float>::infinity());
    VI which = hn::Set(di, -1);
    if (!place.empty()) {
      best = c.load(src + place.at(0, 0));
      which = hn::Set(di, place.element(0, 0));
    }
    for (std::int64_t i = 0; i < place.y.count; ++i)
      for (std::int64_t j = 0; j < place.x.count; ++j) {
        const V x = c.load(src + place.at(i, j));
        const auto larger = hn::Or(hn::Gt(x, best), hn::IsNaN(x));
        best = hn::IfThenElse(larger, x, best);
        which = hn::IfThenElse(hn::RebindMask(di, larger), hn::Set(di, place.element(i, j)), which);
      }
    c.store(best, dst);
    if (largest != nullptr) c.store(hn::BitCast(d, which), largest);
  }
};

struct MaxAll {
  const float* src;
  float* dst;
  float* largest;

  HWY_INLINE void run(const Place& place, std::int64_t out, std::int64_t image) const {
    for_channels(place.a.channels, MaxOf{place, src + image, dst + out, largest == nullptr ? nullptr : largest + out});
  }
};

// What an element of the window gets of the gradient at one place.
struct MaxShare {
  std::int32_t element;
  const float* g;
  const float* largest;

  template <class C>
  HWY_INLINE V of(const C& c) const {
    const DI di;
    const auto chosen = hn::Eq(hn::BitCast(di, c.load(largest)), hn::Set(di, element));
    return hn::IfThenElseZero(hn::RebindMask(D(), chosen), c.load(g));
  }
};

struct AverageShare {
  float share;
  const float* g;

  template <class C>
  HWY_INLINE V of(const C& c) const {
    return hn::Mul(c.load(g), hn::Set(D(), share));
  }
};

// diff = share, or += where windows overlap.
template <class Share>
struct Spread {
  const Share& share;
  float* diff;
  bool add;

  template <class C>
  HWY_INLINE void run(const C& c) const {
    const V v = share.of(c);
    c.store(add ? hn::Add(c.load(diff), v) : v, diff);
  }
};

struct MaxGradientAll {
  const float* diff_dst;
  const float* largest;
  float* diff_src;

  HWY_INLINE void run(const Place& place, std::int64_t out, std::int64_t image) const {
    for (std::int64_t i = 0; i < place.y.count; ++i)
      for (std::int64_t j = 0; j < place.x.count; ++j) {
        const MaxShare share{place.element(i, j), diff_dst + out, largest + out};
        for_channels(place.a.channels, Spread<MaxShare>{share, diff_src + image + place.at(i, j), !place.a.tiles});
      }
  }
};

struct AverageGradientAll {
  const float* diff_dst;
  float* diff_src;

  HWY_INLINE void run(const Place& place, std::int64_t out, std::int64_t image) const {
    const AverageShare share{place.share(), diff_dst + out};
    for (std::int64_t i = 0; i < place.y.count; ++i)
      for (std::int64_t j = 0; j < place.x.count; ++j)
        for_channels(place.a.channels, Spread<AverageShare>{share, diff_src + image + place.at(i, j), !place.a.tiles});
  }
};

struct AverageOf {
  const Place& place;
  const float* src;
  float* dst;

  template <class C>
  HWY_INLINE void run(const C& c) const {
    V sum = hn::Zero(D());
    for (std::int64_t i = 0; i < place.y.count; ++i)
      for (std::int64_t first = 0; first < place.x.count; first += kSummed) {
        V part = hn::Zero(D());
        for (std::int64_t j = first; j < std::min(place.x.count, first + kSummed); ++j) part = hn::Add(part, c.load(src + place.at(i, j)));
        sum = hn::Add(sum, part);
      }
    c.store(hn::Mul(sum, hn::Set(D(), place.share())), dst);
  }
};

struct AverageAll {
  const float* src;
  float* dst;

  HWY_INLINE void run(const Place& place, std::int64_t out, std::int64_t image) const {
    for_channels(place.a.channels, AverageOf{place, src + image, dst + out});
  }
};

inline void clear(const PoolArgs& a, float* diff_src) {
  if (!a.tiles) std::fill_n(diff_src, a.rows * a.y->extent * a.x->extent * a.channels, 0.0f);
}

HWY_ATTR void max(const PoolArgs& a, const float* src, float* dst, float* largest) { for_places(a, MaxAll{src, dst, largest}); }

HWY_ATTR void max_gradient(const PoolArgs& a, const float* diff_dst, const float* largest, float* diff_src) {
  clear(a, diff_src);
  for_places(a, MaxGradientAll{diff_dst, largest, diff_src});
}

HWY_ATTR void average(const PoolArgs& a, const float* src, float* dst) { for_places(a, AverageAll{src, dst}); }

HWY_ATTR void average_gradient(const PoolArgs& a, const float* diff_dst, float* diff_src) {
  clear(a, diff_src);
  for_places(a, AverageGradientAll{diff_dst, diff_src});
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
