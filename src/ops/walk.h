#ifndef UNDYING_OPS_WALK_H_
#define UNDYING_OPS_WALK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/shapes.h"

namespace undying::ops {

// Several arrays walked together over common extents. Each has a stride on every axis, 0 where it
// is broadcast. Axes over which all arrays move as over one are merged, so that the last axis is as
// long as it can be: the caller's loop.
template <std::size_t kArrays>
class Walk {
 public:
  using Offsets = std::array<std::int64_t, kArrays>;

  Walk(const Shape& extents, const std::array<Shape, kArrays>& strides) {
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
      Offsets step;
      for (std::size_t k = 0; k < kArrays; ++k) step[k] = strides[k][axis];
      if (extents[axis] > 1) append({extents[axis], step});
    }
    if (axes_.empty()) axes_.push_back({1, {}});
  }

  std::int64_t count() const { return axes_.back().extent; }  // of the last axis
  const Offsets& step() const { return axes_.back().step; }

  // Calls body(offsets of its first element) for every run of the last axis, in row-major order.
  template <class Body>
  void run(const Body& body) const {
    visit(0, {}, body);
  }

 private:
  struct Axis {
    std::int64_t extent;
    Offsets step;
  };

  void append(const Axis& axis) {
    bool merges = !axes_.empty();
    for (std::size_t k = 0; merges && k < kArrays; ++k)
      merges = axes_.back().step[k] == axis.extent * axis.step[k];
    if (!merges) return axes_.push_back(axis);
    axes_.back() = {axes_.back().extent * axis.extent, axis.step};
  }

  template <class Body>
  void visit(std::size_t axis, Offsets at, const Body& body) const {
    if (axis + 1 == axes_.size()) return body(at);
    for (std::int64_t i = 0; i < axes_[axis].extent; ++i) {
      visit(axis + 1, at, body);
      for (std::size_t k = 0; k < kArrays; ++k) at[k] += axes_[axis].step[k];
    }
  }

  std::vector<Axis> axes_;
};

// The strides of a value that is broadcast to `extents`, which it has or, of the last of them,
// fewer; both as they lie in memory.
inline Shape broadcast_strides(const Shape& value, const Shape& extents) {
  const Shape own = strides(value);
  Shape all(extents.size(), 0);
  const std::size_t missing = extents.size() - value.size();
  for (std::size_t axis = 0; axis < value.size(); ++axis)
    all[missing + axis] = value[axis] == 1 ? 0 : own[axis];
  return all;
}

}  // namespace undying::ops

#endif  // UNDYING_OPS_WALK_H_
