#ifndef UNDYING_ENGINE_PASSES_MEMORY_H_
#define UNDYING_ENGINE_PASSES_MEMORY_H_

#include <cstdint>
#include <span>
#include <vector>

namespace undying::engine {

// A buffer that is written at time `first`, read for the last time at time `last`, and takes `size`
// floats.
struct Lifetime {
  std::int64_t size = 0;
  int first = 0;
  int last = 0;
};

struct Placement {
  std::vector<std::int64_t> offsets;  // in floats, multiples of a cache line
  std::int64_t total = 0;
};

// Places every buffer in one arena so that buffers alive at the same time do not overlap: in order
// of birth, each at the lowest offset where it fits.
Placement place(std::span<const Lifetime> lifetimes);

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_PASSES_MEMORY_H_
