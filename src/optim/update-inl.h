// One slice of an optimizer step as vector code; included once per target.
//
// update_slice() is the one loop: it sums the shards' gradients in their order, adds decay, asks
// the rule for delta theta, and keeps the three sums of squares. A rule is the optimizer's own
// arithmetic and nothing else.

#if defined(UNDYING_OPTIM_UPDATE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_OPTIM_UPDATE_INL_H_
#undef UNDYING_OPTIM_UPDATE_INL_H_
#else
#define UNDYING_OPTIM_UPDATE_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>

#include "optim/update.h"

HWY_BEFORE_NAMESPACE();
namespace undying::optim::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Floats per block: the float32 lanes of the norms are added to the double totals after each.
constexpr std::int64_t kBlock = 1024;

struct SgdRule {
  SgdRule(const Sgd& sgd, const UpdateArgs& args)
      : rate(static_cast<float>(args.learning_rate)),
        momentum(sgd.momentum),
        nesterov(sgd.nesterov) {}

  static constexpr int kStates = 1;
  HWY_INLINE V delta(D d, V g, V, V* state) const {
    const V v = hn::MulAdd(hn::Set(d, momentum), state[0], g);
    state[0] = v;
    const V direction = nesterov ? hn::MulAdd(hn::Set(d, momentum), v, g) : v;
    return hn::Mul(hn::Set(d, -rate), direction);
  }
  float rate, momentum;
  bool nesterov;
};

struct PlainSgdRule {
  PlainSgdRule(const Sgd&, const UpdateArgs& args) : rate(static_cast<float>(args.learning_rate)) {}

  static constexpr int kStates = 0;
  HWY_INLINE V delta(D d, V g, V, V*) const { return hn::Mul(hn::Set(d, -rate), g); }
  float rate;
};

// Adam and AdamW differ in what decay does: L2 is already in g, decoupled decay is `shrink`.
struct AdamRule {
  template <class Settings>
  AdamRule(const Settings& adam, const UpdateArgs& args, double decoupled)
      : beta1(adam.beta1),
        beta2(adam.beta2),
        epsilon(adam.epsilon),
        step_size(static_cast<float>(
            args.learning_rate /
            (1.0 - std::pow(static_cast<double>(adam.beta1), static_cast<double>(args.step))))),
        correction(
            static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(static_cast<double>(adam.beta2),
                                                              static_cast<double>(args.step))))),
        shrink(static_cast<float>(args.learning_rate * decoupled)) {}

  static constexpr int kStates = 2;
  HWY_INLINE V delta(D d, V g, V w, V* state) const {
    state[0] = hn::MulAdd(hn::Set(d, beta1), state[0], hn::Mul(hn::Set(d, 1.0f - beta1), g));
    state[1] =
        hn::MulAdd(hn::Set(d, beta2), state[1], hn::Mul(hn::Set(d, 1.0f - beta2), hn::Mul(g, g)));
    const V root = hn::MulAdd(hn::Sqrt(state[1]), hn::Set(d, correction), hn::Set(d, epsilon));
    const V move = hn::Mul(hn::Set(d, -step_size), hn::Div(state[0], root));
    return hn::NegMulAdd(hn::Set(d, shrink), w, move);
  }
  float beta1, beta2, epsilon, step_size, correction, shrink;
};

struct RmsPropRule {
  RmsPropRule(const RmsProp& settings, const UpdateArgs& args)
      : rate(static_cast<float>(args.learning_rate)),
        alpha(settings.alpha),
        epsilon(settings.epsilon),
        momentum(settings.momentum) {}

  static constexpr int kStates = 2;
  HWY_INLINE V delta(D d, V g, V, V* state) const {
    state[0] =
        hn::MulAdd(hn::Set(d, alpha), state[0], hn::Mul(hn::Set(d, 1.0f - alpha), hn::Mul(g, g)));
    const V move = hn::Div(g, hn::Add(hn::Sqrt(state[0]), hn::Set(d, epsilon)));
    state[1] = hn::MulAdd(hn::Set(d, momentum), state[1], move);
    return hn::Mul(hn::Set(d, -rate), state[1]);
  }
  float rate, alpha, epsilon, momentum;
};

struct LionRule {
  LionRule(const Lion& lion, const UpdateArgs& args, double decoupled)
      : rate(static_cast<float>(args.learning_rate)),
        beta1(lion.beta1),
        beta2(lion.beta2),
        shrink(static_cast<float>(args.learning_rate * decoupled)) {}

  static constexpr int kStates = 1;
  HWY_INLINE V delta(D d, V g, V w, V* state) const {
    const V mixed = hn::MulAdd(hn::Set(d, beta1), state[0], hn::Mul(hn::Set(d, 1.0f - beta1), g));
    state[0] = hn::MulAdd(hn::Set(d, beta2), state[0], hn::Mul(hn::Set(d, 1.0f - beta2), g));
    const V step = hn::CopySign(hn::Set(d, rate), hn::Neg(mixed));
    return hn::NegMulAdd(hn::Set(d, shrink), w,
                         hn::IfThenZeroElse(hn::Eq(mixed, hn::Zero(d)), step));
  }
  float rate, beta1, beta2, shrink;
};

struct Sums {
  V gradient, update, weight;
};

// The whole vector at i, or its first `left` lanes with zeros behind.
template <bool kWhole>
HWY_INLINE V load(D d, const float* p, std::size_t left) {
  if constexpr (kWhole) return hn::LoadU(d, p);
  return hn::MaskedLoad(hn::FirstN(d, left), d, p);
}

template <bool kWhole>
HWY_INLINE void store(D d, V v, float* p, std::size_t left) {
  if constexpr (kWhole) return hn::StoreU(v, d, p);
  hn::BlendedStore(v, hn::FirstN(d, left), d, p);
}

template <bool kWhole>
HWY_INLINE V summed_gradient(D d, const UpdateArgs& args, V w, std::int64_t i, std::size_t left) {
  V g = load<kWhole>(d, args.gradients[0] + i, left);
  for (std::size_t shard = 1; shard < args.gradients.size(); ++shard)
    g = hn::Add(g, load<kWhole>(d, args.gradients[shard] + i, left));
  if (args.pull.towards == nullptr) return g;
  const V away = hn::Sub(w, load<kWhole>(d, args.pull.towards + i, left));
  return hn::Add(g, hn::Mul(hn::Set(d, args.pull.strength), away));
}

template <bool kWhole, class Rule>
HWY_INLINE void update_vector(D d, const Rule& rule, const UpdateArgs& args, float scale,
                              float decay, std::int64_t i, std::size_t left, Sums& sums) {
  const V w = load<kWhole>(d, args.weights + i, left);
  V g = summed_gradient<kWhole>(d, args, w, i, left);
  sums.gradient = hn::MulAdd(g, g, sums.gradient);
  g = hn::MulAdd(hn::Set(d, decay), w, hn::Mul(hn::Set(d, scale), g));
  static_assert(Rule::kStates <= kMostStates);
  V state[kMostStates] = {g, g};
  for (int s = 0; s < Rule::kStates; ++s) state[s] = load<kWhole>(d, args.state[s] + i, left);
  const V delta = rule.delta(d, g, w, state);
  for (int s = 0; s < Rule::kStates; ++s) store<kWhole>(d, state[s], args.state[s] + i, left);
  store<kWhole>(d, hn::Add(w, delta), args.weights + i, left);
  sums.update = hn::MulAdd(delta, delta, sums.update);
  sums.weight = hn::MulAdd(w, w, sums.weight);
}

template <class Rule>
HWY_ATTR SliceNorms update_slice(const Rule& rule, const UpdateArgs& args, float decay) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto scale = static_cast<float>(args.gradient_scale);
  SliceNorms norms;
  for (std::int64_t begin = 0; begin < args.n; begin += kBlock) {
    const std::int64_t end = begin + kBlock < args.n ? begin + kBlock : args.n;
    Sums sums{hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    std::int64_t i = begin;
    for (; i + lanes <= end; i += lanes)
      update_vector<true>(d, rule, args, scale, decay, i, 0, sums);
    if (i < end)
      update_vector<false>(d, rule, args, scale, decay, i, static_cast<std::size_t>(end - i), sums);
    norms.gradient += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sums.gradient)));
    norms.update += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sums.update)));
    norms.weight += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sums.weight)));
  }
  return norms;
}

// ---- What each optimizer applies. `decay` is L2, added to the gradient; decoupled decay is the
// rule's own.

HWY_ATTR inline SliceNorms apply(const Sgd& sgd, const UpdateArgs& args, float decay) {
  if (sgd.momentum == 0.0f) return update_slice(PlainSgdRule(sgd, args), args, decay);
  return update_slice(SgdRule(sgd, args), args, decay);
}

HWY_ATTR inline SliceNorms apply(const Adam& adam, const UpdateArgs& args, float decay) {
  return update_slice(AdamRule(adam, args, 0.0), args, decay);
}

HWY_ATTR inline SliceNorms apply(const AdamW& adamw, const UpdateArgs& args, float decay) {
  return update_slice(AdamRule(adamw, args, static_cast<double>(decay)), args, 0.0f);
}

HWY_ATTR inline SliceNorms apply(const RmsProp& settings, const UpdateArgs& args, float decay) {
  return update_slice(RmsPropRule(settings, args), args, decay);
}

HWY_ATTR inline SliceNorms apply(const Lion& lion, const UpdateArgs& args, float decay) {
  return update_slice(LionRule(lion, args, static_cast<double>(decay)), args, 0.0f);
}

HWY_ATTR SliceNorms update_any(const Optimizer& optimizer, const UpdateArgs& args) {
  return std::visit(
      [&](const auto& settings)
          HWY_ATTR { return apply(settings, args, args.decay ? settings.weight_decay : 0.0f); },
      optimizer);
}

template <bool kWhole>
HWY_INLINE V square(D d, const UpdateArgs& args, std::int64_t i, std::size_t left, V sum) {
  const bool pulled = args.pull.towards != nullptr;
  const V w = pulled ? load<kWhole>(d, args.weights + i, left) : hn::Zero(d);
  const V g = summed_gradient<kWhole>(d, args, w, i, left);
  return hn::MulAdd(g, g, sum);
}

HWY_ATTR double square_sum(const UpdateArgs& args) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  double total = 0.0;
  for (std::int64_t begin = 0; begin < args.n; begin += kBlock) {
    const std::int64_t end = begin + kBlock < args.n ? begin + kBlock : args.n;
    V sum = hn::Zero(d);
    std::int64_t i = begin;
    for (; i + lanes <= end; i += lanes) sum = square<true>(d, args, i, 0, sum);
    if (i < end) sum = square<false>(d, args, i, static_cast<std::size_t>(end - i), sum);
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum)));
  }
  return total;
}

}  // namespace undying::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_OPTIM_UPDATE_INL_H_
