// Vector code of the softmax cross-entropy; included once per target.

#if defined(UNDYING_OPS_SOFTMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNDYING_OPS_SOFTMAX_INL_H_
#undef UNDYING_OPS_SOFTMAX_INL_H_
#else
#define UNDYING_OPS_SOFTMAX_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>
#include <limits>

#include "activations/vectors-inl.h"
#include "hwy/contrib/math/math-inl.h"
#include "ops/loss.h"

HWY_BEFORE_NAMESPACE();
namespace undying::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// The row from column j on; lanes past the end hold `fill`.
HWY_INLINE V load_or(D d, const float* row, std::int64_t j, std::int64_t width, V fill) {
  const auto left = static_cast<std::size_t>(width - j);
  if (left >= hn::Lanes(d)) return hn::LoadU(d, row + j);
  return hn::IfThenElse(hn::FirstN(d, left),
                        activations::HWY_NAMESPACE::load<true>(d, row + j, left), fill);
}

HWY_INLINE void store_part(D d, V v, float* row, std::int64_t j, std::int64_t width) {
  const auto left = static_cast<std::size_t>(width - j);
  if (left >= hn::Lanes(d)) return hn::StoreU(v, d, row + j);
  activations::HWY_NAMESPACE::store<true>(d, v, row + j, left);
}

struct RowSums {
  float max;
  float exp_sum;  // of exp(x - max)
  float sum;      // of x
};

inline HWY_ATTR RowSums row_sums(D d, const float* row, std::int64_t width) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const V lowest = hn::Set(d, std::numeric_limits<float>::lowest());
  V max = lowest;
  V sum = hn::Zero(d);
  for (std::int64_t j = 0; j < width; j += lanes) {
    max = hn::Max(max, load_or(d, row, j, width, lowest));
    sum = hn::Add(sum, load_or(d, row, j, width, hn::Zero(d)));
  }
  const V top = hn::MaxOfLanes(d, max);
  V exp_sum = hn::Zero(d);
  for (std::int64_t j = 0; j < width; j += lanes) {
    const V shifted = hn::Sub(
        load_or(d, row, j, width, hn::Set(d, -std::numeric_limits<float>::infinity())), top);
    exp_sum = hn::Add(exp_sum, hn::Exp(d, hn::Max(shifted, hn::Set(d, -104.0f))));
  }
  // Lanes past the end added exp(-104), which is 0 in float32.
  return {hn::GetLane(top), hn::GetLane(hn::SumOfLanes(d, exp_sum)),
          hn::GetLane(hn::SumOfLanes(d, sum))};
}

inline HWY_ATTR void row_gradient(D d, const LossArgs& args, std::int64_t row, const RowSums& sums,
                                  float smoothing, float scale) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const float* x = args.outputs + row * args.width;
  float* diff = args.diff + row * args.width;
  const V top = hn::Set(d, sums.max);
  const V inverse = hn::Set(d, scale / sums.exp_sum);
  const V spread = hn::Set(d, scale * smoothing / static_cast<float>(args.width));
  for (std::int64_t j = 0; j < args.width; j += lanes) {
    const V shifted = hn::Sub(load_or(d, x, j, args.width, top), top);
    store_part(d,
               hn::Sub(hn::Mul(hn::Exp(d, hn::Max(shifted, hn::Set(d, -104.0f))), inverse), spread),
               diff, j, args.width);
  }
  diff[args.labels[row]] -= scale * (1.0f - smoothing);
}

// The first place of the maximum, which is in the row.
inline HWY_ATTR std::int64_t place_of(D d, float max, const float* row, std::int64_t width) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t j = 0; j < width; j += lanes) {
    const V nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
    const std::intptr_t place =
        hn::FindFirstTrue(d, hn::Eq(load_or(d, row, j, width, nan), hn::Set(d, max)));
    if (place >= 0) return j + place;
  }
  return 0;
}

// The sum of logarithms of numbers from [1, 2^31], as the logarithm of their product, one for every
// few numbers.
class LogarithmSum {
 public:
  void add(double value) {
    product_ *= value;
    if (++count_ % 32 != 0) return;
    sum_ += std::log(product_);
    product_ = 1.0;
  }
  double sum() const { return sum_ + std::log(product_); }

 private:
  double sum_ = 0.0;
  double product_ = 1.0;
  int count_ = 0;
};

HWY_ATTR LossSums softmax_cross_entropy(const LossArgs& args, double label_smoothing) {
  const D d;
  LossSums total;
  LogarithmSum logarithms;
  const auto smoothing = static_cast<float>(label_smoothing);
  for (std::int64_t row = 0; row < args.rows; ++row) {
    const float* x = args.outputs + row * args.width;
    const RowSums sums = row_sums(d, x, args.width);
    const float weight = args.weights == nullptr ? 1.0f : args.weights[row];
    const double target = (1.0 - label_smoothing) * x[args.labels[row]] +
                          label_smoothing * sums.sum / static_cast<double>(args.width);
    // A NaN anywhere reaches the sum even where the maximum skipped it.
    const bool finite = std::isfinite(sums.sum);
    double loss = static_cast<double>(sums.max) - target +
                  (finite ? 0.0 : std::numeric_limits<double>::quiet_NaN());
    if (args.weights == nullptr)
      logarithms.add(static_cast<double>(sums.exp_sum));
    else
      loss = weight * (loss + std::log(static_cast<double>(sums.exp_sum)));
    total.loss += loss;
    total.correct += (finite ? place_of(d, sums.max, x, args.width) : 0) == args.labels[row];
    if (args.diff != nullptr) row_gradient(d, args, row, sums, smoothing, args.scale * weight);
  }
  total.loss += logarithms.sum();
  return total;
}

}  // namespace undying::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // UNDYING_OPS_SOFTMAX_INL_H_
