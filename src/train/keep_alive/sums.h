#ifndef UNDYING_TRAIN_KEEP_ALIVE_SUMS_H_
#define UNDYING_TRAIN_KEEP_ALIVE_SUMS_H_

#include <cstdint>

namespace undying::train {

// What remedies do once a weight and step, as vector code. sums[i] += |values[i]|.
void add_sizes(std::int64_t n, const float* values, float* sums);

// difference[i] = scale * (a[i] - b[i]).
void scaled_difference(std::int64_t n, float scale, const float* a, const float* b,
                       float* difference);

}  // namespace undying::train

#endif  // UNDYING_TRAIN_KEEP_ALIVE_SUMS_H_
