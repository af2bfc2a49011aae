#ifndef UNDYING_OPS_PARTS_H_
#define UNDYING_OPS_PARTS_H_

// What kernels share whose shards divide the units of a layer among them instead of the rows of a
// batch (Kernel::divides).

#include <algorithm>
#include <cstdint>

namespace undying::ops {

// Columns of a matrix (count, columns) in equal parts, each (count, columns / parts), one after the
// other.
struct Parts {
  std::int64_t columns;
  int parts;

  std::int64_t width() const { return columns / parts; }

  // One part of a whole matrix.
  template <class T>
  void take(const T* whole, std::int64_t count, int part, T* to) const {
    for (std::int64_t i = 0; i < count; ++i)
      std::copy_n(whole + i * columns + part * width(), width(), to + i * width());
  }

  // Rows [first, first + count) of a whole matrix, from parts of `all` rows each.
  void join(const float* from, std::int64_t all, std::int64_t first, std::int64_t count,
            float* whole) const {
    for (std::int64_t i = 0; i < count; ++i)
      for (int part = 0; part < parts; ++part)
        std::copy_n(from + (part * all + first + i) * width(), width(),
                    whole + i * columns + part * width());
  }
};

// Whether it is worth it: shards that take rows all read, lay out and sum up the same weights, and
// where these are more than twice a shard's values that costs more than handing values around. The
// factor is measured; what goes in are shapes and shards alone, so that bits repeat.
constexpr bool worth_dividing(std::int64_t weights, std::int64_t values_of_a_shard) {
  return weights > 2 * values_of_a_shard;
}

}  // namespace undying::ops

#endif  // UNDYING_OPS_PARTS_H_
