#ifndef UNDYING_BASE_EVENLY_SPACED_H_
#define UNDYING_BASE_EVENLY_SPACED_H_

#include <algorithm>
#include <cstdint>
#include <vector>

namespace undying {

// `count` of `size` indices, evenly spaced; all of them where there are no more.
inline std::vector<std::uint32_t> evenly_spaced(std::int64_t size, std::int64_t count) {
  count = std::min(size, count);
  std::vector<std::uint32_t> indices;
  for (std::int64_t i = 0; i < count; ++i)
    indices.push_back(static_cast<std::uint32_t>(i * size / count));
  return indices;
}

}  // namespace undying

#endif  // UNDYING_BASE_EVENLY_SPACED_H_
