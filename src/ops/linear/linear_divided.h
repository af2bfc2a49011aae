#ifndef UNDYING_OPS_LINEAR_LINEAR_DIVIDED_H_
#define UNDYING_OPS_LINEAR_LINEAR_DIVIDED_H_

#include <memory>

#include "ops/operator.h"

namespace undying::ops {

// A linear node in training in bfloat16 whose shards divide its units instead of the rows of the
// batch: whether it is so, a rule of shapes and shards alone, and the kernel that does it.
bool divides_linear(const PlanRequest& request);
std::unique_ptr<Kernel> divided_linear_kernel(const PlanRequest& request);

}  // namespace undying::ops

#endif  // UNDYING_OPS_LINEAR_LINEAR_DIVIDED_H_
