#include "ops/shapes.h"

#include <algorithm>

namespace undying::ops {
namespace {

std::size_t axis_below(const Node& node, std::int64_t axis, std::size_t rank,
                       const std::string& of) {
  const auto end = static_cast<std::int64_t>(rank);
  if (axis < -end || axis >= end)
    reject(node, "axis " + std::to_string(axis) + " is not one of " + of + "; expected " +
                     std::to_string(-end) + " to " + std::to_string(end - 1));
  return static_cast<std::size_t>(axis < 0 ? axis + end : axis);
}

}  // namespace

Shape stored(const Value& value) {
  Shape extents = value.shape;
  if (value.layout == Layout::kChannelsLast)
    std::rotate(extents.begin(), extents.begin() + 1, extents.end());
  return extents;
}

std::size_t stored_axis(const Value& value, std::size_t axis) {
  if (value.layout == Layout::kPlain) return axis;
  return (axis + value.shape.size() - 1) % value.shape.size();
}

Shape strides(const Shape& extents) {
  Shape all(extents.size(), 1);
  for (std::size_t i = extents.size(); i-- > 1;) all[i - 1] = all[i] * extents[i];
  return all;
}

std::int64_t extent_product(const Shape& extents, std::size_t first, std::size_t last) {
  std::int64_t product = 1;
  for (std::size_t i = first; i < last; ++i) product *= extents[i];
  return product;
}

Shape index_of(std::int64_t i, const Shape& extents) {
  Shape index(extents.size());
  for (std::size_t axis = extents.size(); axis-- > 0; i /= extents[axis])
    index[axis] = i % extents[axis];
  return index;
}

std::int64_t element_at(const Shape& index, const Shape& extents) {
  std::int64_t at = 0;
  for (std::size_t axis = 0; axis < extents.size(); ++axis) at = at * extents[axis] + index[axis];
  return at;
}

std::size_t axis_in(const Node& node, std::int64_t axis, const Shape& shape) {
  return axis_below(node, axis, shape.size(), to_string(shape));
}

std::vector<std::size_t> axes_in(const Node& node, const std::vector<std::int64_t>& axes,
                                 const Shape& shape) {
  return axes_in(node, axes, shape.size(), to_string(shape));
}

std::vector<std::size_t> axes_in(const Node& node, const std::vector<std::int64_t>& axes,
                                 std::size_t rank, const std::string& of) {
  std::vector<std::size_t> all;
  for (const std::int64_t axis : axes) {
    const std::size_t found = axis_below(node, axis, rank, of);
    if (std::ranges::find(all, found) != all.end())
      reject(node, "axes " + to_string(axes) + " name axis " + std::to_string(found) + " twice");
    all.push_back(found);
  }
  return all;
}

Shape at_least_one(Shape shape) {
  if (shape.empty()) shape.push_back(1);
  return shape;
}

}  // namespace undying::ops
