#ifndef UNDYING_ACTIVATIONS_RANDOM_SLOPES_H_
#define UNDYING_ACTIVATIONS_RANDOM_SLOPES_H_

#include <cstdint>

#include "activations/kernels.h"
#include "base/philox.h"

namespace undying::activations {

// The slopes of `count` units of a row, uniform in [lower, upper): lower + (upper - lower) * u, in
// float32, u from Random(seed, Stream::kRandomSlope, sequence) at index (step << 36) + (row in the
// batch << 18) + unit (modulo 2^64). So a slope does not depend on how a batch is cut into shards;
// none repeats below 2^28 steps, 2^18 rows and 2^18 units.
inline void draw_slopes(const RandomSlopes& random, std::int64_t row, std::int64_t unit,
                        std::int64_t count, float lower, float upper, float* slopes) {
  const Random draws(random.seed, Stream::kRandomSlope, random.sequence);
  const std::uint64_t first = (random.step << 36) +
                              (static_cast<std::uint64_t>(random.first_row + row) << 18) +
                              static_cast<std::uint64_t>(unit);
  std::array<std::uint32_t, 4> block{};
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint64_t index = first + static_cast<std::uint64_t>(i);
    if (i == 0 || index % 4 == 0) block = draws.block(index / 4);
    slopes[i] = lower + (upper - lower) * (static_cast<float>(block[index % 4] >> 8) * 0x1p-24f);
  }
}

}  // namespace undying::activations

#endif  // UNDYING_ACTIVATIONS_RANDOM_SLOPES_H_
