#include "optim/update.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "optim/update.cc"
#include <hwy/foreach_target.h>  // must come before highway.h

#include "optim/update-inl.h"

#if HWY_ONCE
namespace undying::optim {

HWY_EXPORT(update_any);
HWY_EXPORT(square_sum);

SliceNorms update(const Optimizer& optimizer, const UpdateArgs& args) {
  return HWY_DYNAMIC_DISPATCH(update_any)(optimizer, args);
}

double gradient_square_sum(const UpdateArgs& args) {
  return HWY_DYNAMIC_DISPATCH(square_sum)(args);
}

}  // namespace undying::optim
#endif  // HWY_ONCE
