#include "ops/reduce/exponential.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/reduce/exponential.cc"
#include <hwy/foreach_target.h>  // must come before highway.h

#include "activations/vectors-inl.h"
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace vectors = activations::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Highway's function takes NaN and -infinity to neither of what they ought to give.
HWY_INLINE V exp_of(V x) {
  const D d;
  const V finite = hn::Exp(d, hn::Max(x, hn::Set(d, -104.0f)));
  return hn::IfThenElse(hn::IsNaN(x), x, finite);
}

HWY_ATTR void exp_all(std::int64_t count, float* x) {
  const D d;
  const auto n = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + n <= count; i += n) hn::StoreU(exp_of(hn::LoadU(d, x + i)), d, x + i);
  if (i == count) return;
  const auto left = static_cast<std::size_t>(count - i);
  vectors::store<true>(d, exp_of(vectors::load<true>(d, x + i, left)), x + i, left);
}

}  // namespace undying::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace undying::ops {

HWY_EXPORT(exp_all);

void exponential(std::int64_t count, float* x) { HWY_DYNAMIC_DISPATCH(exp_all)(count, x); }

}  // namespace undying::ops
#endif  // HWY_ONCE
