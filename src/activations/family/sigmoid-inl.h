#if defined(UNDYING_ACTIVATIONS_FAMILY_SIGMOID_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_ACTIVATIONS_FAMILY_SIGMOID_INL_H_
#undef UNDYING_ACTIVATIONS_FAMILY_SIGMOID_INL_H_
#else
#define UNDYING_ACTIVATIONS_FAMILY_SIGMOID_INL_H_
#endif

#include "activations/definition-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::activations::HWY_NAMESPACE {

struct Sigmoid : Definition {
  static constexpr ActivationInfo kInfo{.name = "sigmoid",
                                        .formula = "1 / (1 + exp(-x))",
                                        .source = "logistic function",
                                        .onnx_operator = "Sigmoid"};

  using Definition::Definition;

  Saves saves() const { return Saves::kOutput; }

  HWY_INLINE V forward(D d, V x) const {
    const V tail = sigmoid_tail(d, distance(d, x));
    return where_positive(d, x, hn::Sub(hn::Set(d, 1.0f), tail), tail);
  }
  HWY_INLINE V derivative(D d, V x) const {
    const V tail = sigmoid_tail(d, distance(d, x));
    return hn::NegMulAdd(tail, tail, tail);
  }
  HWY_INLINE V derivative_from_output(D, V h) const { return hn::NegMulAdd(h, h, h); }

  double value(double x) const { return 1.0 / (1.0 + std::exp(-x)); }
  double derivative(double x) const {
    const double tail = 1.0 / (1.0 + std::exp(std::abs(x)));
    return tail * (1.0 - tail);
  }
};

}  // namespace undying::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_ACTIVATIONS_FAMILY_SIGMOID_INL_H_
