// Elementwise arithmetic of two arrays, in vectors.

#include "ops/elementwise/binary_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/elementwise/binary_kernels.cc"
#include <hwy/foreach_target.h>  // must come before highway.h

#include "activations/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace undying::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace vectors = activations::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

struct Add {
  static HWY_INLINE V run(V a, V b) { return hn::Add(a, b); }
};
struct Sub {
  static HWY_INLINE V run(V a, V b) { return hn::Sub(a, b); }
};
struct Mul {
  static HWY_INLINE V run(V a, V b) { return hn::Mul(a, b); }
};
struct Div {
  static HWY_INLINE V run(V a, V b) { return hn::Div(a, b); }
};
struct Maximum {
  static HWY_INLINE V run(V a, V b) {
    return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::Ne(a, a)), a, b);
  }
};
struct Minimum {
  static HWY_INLINE V run(V a, V b) {
    return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::Ne(a, a)), a, b);
  }
};
struct Greater {
  static HWY_INLINE V run(V a, V b) { return hn::IfThenElseZero(hn::Gt(a, b), hn::Set(D(), 1.0f)); }
};
struct Less {
  static HWY_INLINE V run(V a, V b) { return hn::IfThenElseZero(hn::Lt(a, b), hn::Set(D(), 1.0f)); }
};
struct Equal {
  static HWY_INLINE V run(V a, V b) { return hn::IfThenElseZero(hn::Eq(a, b), hn::Set(D(), 1.0f)); }
};

template <bool kMoves, bool kPartial>
HWY_INLINE V operand(const float* from, std::int64_t i, std::size_t lanes) {
  if constexpr (kMoves) return vectors::load<kPartial>(D(), from + i, lanes);
  return hn::Set(D(), *from);
}

template <class Op, bool kAMoves, bool kBMoves>
HWY_INLINE void loop(const BinaryArgs& args) {
  const auto n = static_cast<std::int64_t>(hn::Lanes(D()));
  std::int64_t i = 0;
  for (; i + n <= args.count; i += n) {
    const V v =
        Op::run(operand<kAMoves, false>(args.a, i, 0), operand<kBMoves, false>(args.b, i, 0));
    hn::StoreU(v, D(), args.dst + i);
  }
  if (i == args.count) return;
  const auto left = static_cast<std::size_t>(args.count - i);
  const V v =
      Op::run(operand<kAMoves, true>(args.a, i, left), operand<kBMoves, true>(args.b, i, left));
  vectors::store<true>(D(), v, args.dst + i, left);
}

template <class Op>
HWY_ATTR void apply(const BinaryArgs& args) {
  if (args.a_moves) return args.b_moves ? loop<Op, true, true>(args) : loop<Op, true, false>(args);
  return args.b_moves ? loop<Op, false, true>(args) : loop<Op, false, false>(args);
}

const BinaryKernels& binary_table() {
  static constexpr BinaryKernels kTable = {apply<Add>,     apply<Sub>,     apply<Mul>,
                                           apply<Div>,     apply<Maximum>, apply<Minimum>,
                                           apply<Greater>, apply<Less>,    apply<Equal>};
  return kTable;
}

}  // namespace undying::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace undying::ops {

HWY_EXPORT(binary_table);

const BinaryKernels& binary_kernels() { return HWY_DYNAMIC_DISPATCH(binary_table)(); }

}  // namespace undying::ops
#endif  // HWY_ONCE
