#ifndef UNDYING_OPS_DOUBLES_H_
#define UNDYING_OPS_DOUBLES_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace undying::ops {

// Sums that grow with the data are kept in double; a kernel asks for them as floats of its
// workspace, which comes first in its scratch.
inline constexpr std::int64_t kFloatsOfDouble = 2;
inline double* doubles(float* workspace) { return reinterpret_cast<double*>(workspace); }

// The sum of term(i) over [0, count), in eight lanes so that it takes vectors: one fixed order
// whatever the machine.
template <class Term>
double lane_sum(std::int64_t count, const Term& term) {
  constexpr std::int64_t kLanes = 8;
  std::array<double, kLanes> lanes{};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += term(i + l);
  for (; i < count; ++i) lanes[0] += term(i);
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
         ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

}  // namespace undying::ops

#endif  // UNDYING_OPS_DOUBLES_H_
