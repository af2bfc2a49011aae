#if defined(UNDYING_ACTIVATIONS_FAMILY_MISH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_MISH_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_MISH_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_MISH_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Mish : Definition {
  static constexpr ActivationInfo kInfo{.name = "mish",
                                        .formula = "x * tanh(log(1 + exp(x)))",
                                        .source = "Misra 2019",
                                        .onnx_operator = ""};

  using Definition::Definition;

  // With e = exp(-|x|), tanh(log(1 + exp(x))) is n / (n + 2), n = e (e + 2), for x <= 0 and 1 - 2
  // e^2 / (1 + 2 e + 2 e^2) above.
  HWY_INLINE V forward(D d, V x) const {
    const V two = hn::Set(d, 2.0f);
    const V t = distance(d, x);
    const V e = exp_negative(d, hn::Neg(t));
    const V n = hn::Mul(e, hn::Add(e, two));
    const V numerator = where_positive(d, x, hn::Mul(two, hn::Mul(e, e)), n);
    const V denominator = where_positive(
        d, x, hn::MulAdd(n, two, hn::Sub(hn::Set(d, 1.0f), hn::Add(e, e))), hn::Add(n, two));
    return gated(d, x, t, hn::Div(numerator, denominator));
  }

  HWY_INLINE V derivative(D d, V x) const {
    const V one = hn::Set(d, 1.0f);
    const V two = hn::Set(d, 2.0f);
    const V t = distance(d, x);
    const V e = exp_negative(d, hn::Neg(t));
    const V e1 = hn::Add(e, one);
    const V n = hn::Mul(e, hn::Add(e, two));
    const V above = hn::MulAdd(hn::Mul(two, e), e1, one);  // 1 + 2 e + 2 e^2
    const V inverse = hn::Div(one, where_positive(d, x, above, hn::Add(n, two)));
    const V w = hn::Mul(where_positive(d, x, hn::MulAdd(two, e, one), n), inverse);
    // sigmoid(x) * (1 - w^2) is 4 e (1 + e) / (n + 2)^2, above 0 4 e^2 (1 + e) / (1 + 2 e + 2
    // e^2)^2.
    const V slope =
        hn::Mul(hn::Mul(where_positive(d, x, hn::Mul(e, e), e), e1), hn::Mul(inverse, inverse));
    return hn::MulAdd(hn::Mul(hn::CopySign(t, x), hn::Set(d, 4.0f)), slope, w);
  }

  double value(double x) const {
    if (x == -std::numeric_limits<double>::infinity()) return 0.0;
    return x * std::tanh(x > 0.0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)));
  }
  double derivative(double x) const {
    if (std::abs(x) > 300.0) return x > 0.0 ? 1.0 : 0.0;
    const double w = std::tanh(x > 0.0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)));
    return w + x * (1.0 - w * w) / (1.0 + std::exp(-x));
  }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_MISH_INL_H_
