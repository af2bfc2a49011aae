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

// The slowly-changing regression of Dohare et al. 2024 (Nature 632, "Loss of plasticity in deep
// continual learning"): 20 input bits and a constant one; 15 slow bits, one of which flips every
// 10,000 examples, the other 5 drawn anew each time. The target is the sum of 100 linear threshold
// units with random weights of +-1 and output weights of +-1; a unit fires when its input reaches
// 0.7 (m + 1) - S, S its number of negative weights. An ordered stream of 100,000 examples: train
// it with batch 1 or small, without shuffling. The test part is drawn like the last stretch of it.
Split slowly_changing(std::uint64_t seed);

}  // namespace undying::data

#endif  // UNDYING_DATA_SYNTHETIC_H_
