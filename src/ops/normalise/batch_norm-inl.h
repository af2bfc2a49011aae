// Vector code of batch norm over a (rows, channels) matrix: moments of columns, normalisation, and
// the two passes of its gradient. Included once per target.

#if defined(UNDYING_OPS_BATCH_NORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_OPS_BATCH_NORM_INL_H_
#undef UNDYING_OPS_BATCH_NORM_INL_H_
#else
#define UNDYING_OPS_BATCH_NORM_INL_H_
#endif

#include "activations/vectors-inl.h"
#include "ops/normalise/batch_norm_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace undying::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace vectors = activations::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// One vector of columns; `lanes` counts those there are.
template <bool kPartial>
struct Columns {
  std::int64_t at;
  std::size_t lanes;

  HWY_INLINE V load(const float* p) const { return vectors::load<kPartial>(D(), p + at, lanes); }
  HWY_INLINE void store(V v, float* p) const { vectors::store<kPartial>(D(), v, p + at, lanes); }
};

// Calls Body::run(columns) for every vector of columns.
template <class Body>
HWY_INLINE void for_columns(std::int64_t channels, const Body& body) {
  const auto n = static_cast<std::int64_t>(hn::Lanes(D()));
  std::int64_t at = 0;
  for (; at + n <= channels; at += n) body.run(Columns<false>{at, static_cast<std::size_t>(n)});
  if (at < channels) body.run(Columns<true>{at, static_cast<std::size_t>(channels - at)});
}

// Sums of the columns, and of their squared distances from the mean of these rows, which are few
// enough to stay in a cache.
struct Moments {
  const BatchNormRows& a;
  float* sum;
  float* squares;

  template <class C>
  HWY_INLINE void run(const C& c) const {
    const D d;
    V s0 = hn::Zero(d), s1 = hn::Zero(d);
    std::int64_t row = 0;
    for (; row + 2 <= a.rows; row += 2) {
      s0 = hn::Add(s0, c.load(a.src + row * a.channels));
      s1 = hn::Add(s1, c.load(a.src + (row + 1) * a.channels));
    }
    for (; row < a.rows; ++row) s0 = hn::Add(s0, c.load(a.src + row * a.channels));
    const V total = hn::Add(s0, s1);
    const V mean = hn::Mul(total, hn::Set(d, 1.0f / static_cast<float>(a.rows)));
    V q0 = hn::Zero(d), q1 = hn::Zero(d);
    for (row = 0; row + 2 <= a.rows; row += 2) {
      const V x0 = hn::Sub(c.load(a.src + row * a.channels), mean);
      const V x1 = hn::Sub(c.load(a.src + (row + 1) * a.channels), mean);
      q0 = hn::MulAdd(x0, x0, q0);
      q1 = hn::MulAdd(x1, x1, q1);
    }
    for (; row < a.rows; ++row) {
      const V x = hn::Sub(c.load(a.src + row * a.channels), mean);
      q0 = hn::MulAdd(x, x, q0);
    }
    c.store(total, sum);
    c.store(hn::Add(q0, q1), squares);
  }
};

// dst = (src - mean) * factor + shift.
struct Normalise {
  const BatchNormRows& a;
  const float* mean;
  const float* factor;
  const float* shift;
  float* dst;

  template <class C>
  HWY_INLINE void run(const C& c) const {
    const V m = c.load(mean);
    const V f = c.load(factor);
    const V s = c.load(shift);
    for (std::int64_t i = 0; i < a.rows * a.channels; i += a.channels)
      c.store(hn::MulAdd(hn::Sub(c.load(a.src + i), m), f, s), dst + i);
  }
};

// The normalised input x^ of some columns: from the input, or from what the leaky rectifier of the
// given slope made of the output.
template <class C>
struct Normalised {
  HWY_INLINE Normalised(const BatchNormRows& args, const C& columns) : a(args), c(columns) {
    subtract = c.load(a.subtract);
    factor = c.load(a.factor);
    inverse_slope = hn::Set(D(), a.inverse_slope);
  }
  HWY_INLINE V at(std::int64_t i) const {
    V x = c.load(a.src + i);
    if (a.from_output) x = hn::IfThenElse(hn::Gt(x, hn::Zero(D())), x, hn::Mul(x, inverse_slope));
    return hn::Mul(hn::Sub(x, subtract), factor);
  }

  const BatchNormRows& a;
  const C& c;
  V subtract, factor, inverse_slope;
};

// sum += g, product += g * x^.
struct GradientSums {
  const BatchNormRows& a;
  const float* gradient;
  float* sum;
  float* product;

  template <class C>
  HWY_INLINE void run(const C& c) const {
    const Normalised<C> normal(a, c);
    V s = c.load(sum);
    V p = c.load(product);
    for (std::int64_t i = 0; i < a.rows * a.channels; i += a.channels) {
      const V g = c.load(gradient + i);
      s = hn::Add(s, g);
      p = hn::MulAdd(g, normal.at(i), p);
    }
    c.store(s, sum);
    c.store(p, product);
  }
};

// dst = scale * (g - mean - x^ * slope).
struct Gradient {
  const BatchNormRows& a;
  const float* gradient;
  const float* mean;
  const float* slope;
  const float* scale;
  float* dst;

  template <class C>
  HWY_INLINE void run(const C& c) const {
    const Normalised<C> normal(a, c);
    const V m = c.load(mean);
    const V k = c.load(slope);
    const V f = c.load(scale);
    for (std::int64_t i = 0; i < a.rows * a.channels; i += a.channels)
      c.store(hn::Mul(f, hn::NegMulAdd(normal.at(i), k, hn::Sub(c.load(gradient + i), m))),
              dst + i);
  }
};

HWY_ATTR inline void moments(const BatchNormRows& a, float* sum, float* squares) {
  for_columns(a.channels, Moments{a, sum, squares});
}

HWY_ATTR inline void normalise(const BatchNormRows& a, const float* mean, const float* factor,
                               const float* shift, float* dst) {
  for_columns(a.channels, Normalise{a, mean, factor, shift, dst});
}

HWY_ATTR inline void gradient_sums(const BatchNormRows& a, const float* gradient, float* sum,
                                   float* product) {
  for_columns(a.channels, GradientSums{a, gradient, sum, product});
}

HWY_ATTR inline void gradient(const BatchNormRows& a, const float* diff, const float* mean,
                              const float* slope, const float* scale, float* dst) {
  for_columns(a.channels, Gradient{a, diff, mean, slope, scale, dst});
}

}  // namespace undying::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_OPS_BATCH_NORM_INL_H_
