#ifndef UNDYING_DATA_SYNTHETIC_H_
#define UNDYING_DATA_SYNTHETIC_H_

#include <cstdint>

#include "undying/dataset.h"

namespace undying::data {

// Two interleaved spirals of three half turns in [-1, 1]^2, with a little noise: 2 classes, 2,000
// examples for training, 1,000 for testing.
Split spirals(std::uint64_t seed);

// y = |x|, x uniform in [-sqrt 3, sqrt 3] (mean 0, variance 1), as in Lu et al. 2019: 3,000 and
// 1,000 examples.
Split absolute_value(std::uint64_t seed);

}  // namespace undying::data

#endif  // UNDYING_DATA_SYNTHETIC_H_
