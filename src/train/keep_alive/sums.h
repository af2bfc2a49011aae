#ifndef UNDYING_TRAIN_KEEP_ALIVE_SUMS_H_
#define UNDYING_TRAIN_KEEP_ALIVE_SUMS_H_

#include <cstdint>

namespace undying::train {

// What remedies do once a weight and step, as vector code. Of a matrix of rows without gaps, to
// each column's sum: sums[j] += |values[0, j]| + |values[1, j]| ..., in that order.
void add_sizes(std::int64_t rows, std::int64_t width, const float* values, float* sums);

}  // namespace undying::train

#endif  // UNDYING_TRAIN_KEEP_ALIVE_SUMS_H_
