#ifndef UNDYING_OPS_LINEAR_BFLOAT16_H_
#define UNDYING_OPS_LINEAR_BFLOAT16_H_

#include <cstdint>

namespace undying::ops {

// Room for `count` bfloat16 values, in floats.
constexpr std::int64_t bfloat16_floats(std::int64_t count) { return (count + 1) / 2; }

// The upper halves of float32 values, rounded to nearest, ties to even; NaN stays NaN.
void to_bfloat16(const float* src, std::int64_t count, std::uint16_t* dst);

}  // namespace undying::ops

#endif  // UNDYING_OPS_LINEAR_BFLOAT16_H_
