// The elementary functions of the family in float32, each on the range on which the family needs
// it, with small relative error down into the tails. Coefficients are minimax fits
// (fit_coefficients.py). Included once per target.

#if defined(UNDYING_ACTIVATIONS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_MATH_INL_H_
#undef UNDYING_ACTIVATIONS_MATH_INL_H_
#else
#define UNDYING_ACTIVATIONS_MATH_INL_H_
#endif

#include "activations/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
// X86: min and max return their second operand where one is NaN.
inline constexpr bool kSecondOperandWins = true;
#else
inline constexpr bool kSecondOperandWins = false;
#endif

// The smaller and the larger of x and a bound; NaN where x is NaN.
HWY_INLINE V at_most(D d, float bound, V x) {
  const V limit = hn::Set(d, bound);
  if constexpr (kSecondOperandWins)
    return hn::Min(limit, x);
  else
    return hn::IfThenElse(hn::Gt(x, limit), limit, x);
}
HWY_INLINE V at_least(D d, float bound, V x) {
  const V limit = hn::Set(d, bound);
  if constexpr (kSecondOperandWins)
    return hn::Max(limit, x);
  else
    return hn::IfThenElse(hn::Lt(x, limit), limit, x);
}

// x = n log 2 + r with n whole and |r| <= log(2) / 2.
struct Reduced {
  V n;
  V r;
};
HWY_INLINE Reduced reduce(D d, V x) {
  const V n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504f)));
  // 15 bits: its products with n are exact.
  const V high = hn::NegMulAdd(n, hn::Set(d, 0.693145752f), x);
  return {n, hn::NegMulAdd(n, hn::Set(d, 1.42860677e-6f), high)};
}

// e^r - 1 for |r| <= log(2) / 2.
HWY_INLINE V expm1_reduced(D d, V r) {
  const V r2 = hn::Mul(r, r);
  const V low = hn::MulAdd(hn::Set(d, 0.1666654317f), r, hn::Set(d, 0.4999999814f));
  const V high = hn::MulAdd(hn::Set(d, 0.00836658116f), r, hn::Set(d, 0.04166720199f));
  const V q = hn::MulAdd(hn::MulAdd(hn::Set(d, 0.001388249551f), r2, high), r2, low);
  return hn::MulAdd(q, r2, r);
}

// 2^n for whole n in [-126, 127].
HWY_INLINE V power_of_two(D d, V n) {
  const DI di;
  return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127))));
}

// v * 2^n for n in [-170, 0], rounding once into the subnormal numbers.
HWY_INLINE V scale_down(D d, V v, V n) {
#if HWY_TARGET == HWY_AVX3
  (void)d;
  return V{_mm512_scalef_ps(v.raw, n.raw)};
#else
  const V lifted = hn::Mul(v, power_of_two(d, hn::Add(n, hn::Set(d, 64.0f))));
  return hn::Mul(lifted, hn::Set(d, 0x1p-64f));
#endif
}

// e^x for x in [-113, 0]; 0 below -104.
HWY_INLINE V exp_negative(D d, V x) {
  const Reduced part = reduce(d, x);
  return scale_down(d, hn::Add(hn::Set(d, 1.0f), expm1_reduced(d, part.r)), part.n);
}

// e^x - 1 for x <= 0. Lanes above 0 hold anything.
HWY_INLINE V expm1_negative(D d, V x) {
  const Reduced part = reduce(d, at_least(d, -30.0f, x));
  const V power = power_of_two(d, part.n);
  return hn::MulAdd(expm1_reduced(d, part.r), power, hn::Sub(power, hn::Set(d, 1.0f)));
}

// log(1 + e) for e in [0, 1]: 2 atanh(e / (2 + e)).
HWY_INLINE V log1p_unit(D d, V e) {
  const V s = hn::Div(e, hn::Add(e, hn::Set(d, 2.0f)));
  const V s2 = hn::Mul(s, s);
  V g = hn::MulAdd(hn::Set(d, 0.2801202664f), s2, hn::Set(d, 0.2800179546f));
  g = hn::MulAdd(g, s2, hn::Set(d, 0.40021528f));
  g = hn::MulAdd(g, s2, hn::Set(d, 0.6666641627f));
  return hn::MulAdd(hn::Mul(g, s2), s, hn::Add(s, s));
}

// Distances from zero, cut where every tail below has underflowed: f(inf) needs no inf * 0.
inline constexpr float kFar = 110.0f;
HWY_INLINE V distance(D d, V x, float far = kFar) { return at_most(d, far, hn::Abs(x)); }

// 1 / (1 + e^t) for t in [0, 110].
HWY_INLINE V sigmoid_tail(D d, V t) {
  const V e = exp_negative(d, hn::Neg(t));
  return hn::Div(e, hn::Add(hn::Set(d, 1.0f), e));
}

// The upper tail of the normal distribution, P(Z > t) = e^(-t^2 / 2) R(t), for t in [0, 15]. R is a
// quotient of polynomials, within 1.4e-7 for t <= 8 and 4e-5 beyond, where the probability is below
// 1e-15.
struct NormalTail {
  V probability;
  V exponential;  // e^(-t^2 / 2)
};
inline constexpr float kNormalFar = 15.0f;
HWY_INLINE NormalTail normal_tail(D d, V t) {
  // t^2 = -2 n log 2 + s with n whole, so that e^(-t^2 / 2) = 2^n e^(-s / 2). The rounding error of
  // t^2 is put back into s.
  const V square = hn::Mul(t, t);
  const V rest = hn::MulSub(t, t, square);
  const V n = hn::Round(hn::Mul(square, hn::Set(d, -0.721347520f)));
  const V high = hn::Add(hn::MulAdd(n, hn::Set(d, 2 * 0.693145752f), square), rest);
  const V s = hn::MulAdd(n, hn::Set(d, 2 * 1.42860677e-6f), high);
  V p = hn::MulAdd(hn::Set(d, -0.0002590693113f), s, hn::Set(d, 0.002618649739f));
  p = hn::MulAdd(p, s, hn::Set(d, -0.02083455031f));
  p = hn::MulAdd(p, s, hn::Set(d, 0.1249978652f));
  p = hn::MulAdd(p, s, hn::Set(d, -0.4999998527f));
  const V e = scale_down(d, hn::MulAdd(p, s, hn::Set(d, 1.0f)), n);

  V above = hn::MulAdd(hn::Set(d, 0.0148521296f), t, hn::Set(d, 0.1100137907f));
  above = hn::MulAdd(above, t, hn::Set(d, 0.3449565637f));
  above = hn::MulAdd(above, t, hn::Set(d, 0.4999999341f));
  V below = hn::MulAdd(hn::Set(d, 0.03724154445f), t, hn::Set(d, 0.2753713032f));
  below = hn::MulAdd(below, t, hn::Set(d, 0.907176169f));
  below = hn::MulAdd(below, t, hn::Set(d, 1.487790465f));
  below = hn::MulAdd(below, t, hn::Set(d, 1.0f));
  return {hn::Div(hn::Mul(e, above), below), e};
}

// relu(x) - t * tail: x times a distribution function whose lower tail is given, t = |x|. Exact at
// 0, finite at -inf.
HWY_INLINE V gated(D d, V x, V t, V tail) { return hn::NegMulAdd(t, tail, at_least(d, 0.0f, x)); }

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_MATH_INL_H_
