#ifndef UNDYING_OPS_LINEAR_LINEAR_BFLOAT16_H_
#define UNDYING_OPS_LINEAR_LINEAR_BFLOAT16_H_

#include <memory>

#include "ops/operator.h"

namespace undying::ops {

// The training kernel of a linear node with its factors rounded to bfloat16.
std::unique_ptr<Kernel> linear_bfloat16_kernel(const PlanRequest& request);

}  // namespace undying::ops

#endif  // UNDYING_OPS_LINEAR_LINEAR_BFLOAT16_H_
