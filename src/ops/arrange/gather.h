#ifndef UNDYING_OPS_ARRANGE_GATHER_H_
#define UNDYING_OPS_ARRANGE_GATHER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "ops/operator.h"

namespace undying::ops {

// Which element of src each element of dst is: dst[i, j, ...] = src[offsets[0][i] + offsets[1][j] +
// ...]. Where one of these is kNowhere, there is none. Axes are those of dst as it lies in memory.
class Gather {
 public:
  static constexpr std::int64_t kNowhere = -1;

  explicit Gather(const std::vector<std::vector<std::int64_t>>& offsets);

  std::int64_t size() const { return sizes_.front(); }  // of dst

  // Of one example. An element that comes from nowhere is `fill`.
  void copy(const float* src, float* dst, float fill) const { copy(0, src, dst, fill); }
  // Adds the gradient of dst to that of src.
  void add(const float* diff_dst, float* diff_src) const { add(0, diff_dst, diff_src); }

 private:
  // A part of the last axis whose elements are `step` apart in src.
  struct Run {
    std::int64_t at = 0;  // in dst
    std::int64_t count = 0;
    std::int64_t from = 0;  // kNowhere: none of them is in src
    std::int64_t step = 0;
  };

  void copy(std::size_t axis, const float* src, float* dst, float fill) const;
  void add(std::size_t axis, const float* diff_dst, float* diff_src) const;
  static std::vector<Run> cut(const std::vector<std::int64_t>& offsets);

  std::vector<std::vector<std::int64_t>> outer_;  // offsets of all axes but the last
  std::vector<Run> runs_;                         // of the last
  std::vector<std::int64_t> sizes_;               // elements of dst from each axis on
};

// The offsets of an axis of which all elements are taken.
std::vector<std::int64_t> whole_axis(std::int64_t extent, std::int64_t stride);

// A kernel of one input. src_size: floats of its examples.
std::unique_ptr<Kernel> gather_kernel(Gather gather, std::int64_t src_size, float fill = 0.0f);

}  // namespace undying::ops

#endif  // UNDYING_OPS_ARRANGE_GATHER_H_
