#ifndef UNDYING_OPS_REDUCE_EXPONENTIAL_H_
#define UNDYING_OPS_REDUCE_EXPONENTIAL_H_

#include <cstdint>

namespace undying::ops {

// x = exp(x) for values <= 88; NaN stays, and what would be below the smallest normal number may be
// 0.
void exponential(std::int64_t count, float* x);

}  // namespace undying::ops

#endif  // UNDYING_OPS_REDUCE_EXPONENTIAL_H_
