// reshape, squeeze, unsqueeze: the same values under another shape. They are views: nothing runs.

#include <algorithm>

#include "ops/arrange/view.h"
#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

const std::vector<std::int64_t>& list_of(const Node& node, const std::string& name) {
  return node.attributes.get<std::vector<std::int64_t>>(name);
}

Shape infer_reshape(const Node& node, std::span<const Value> src) {
  const std::int64_t count = element_count(src[0].shape);
  Shape dst = list_of(node, "shape");
  const std::string given = to_string(dst);
  if (dst.empty()) reject(node, "its shape is empty; expected at least one dimension");
  for (const std::int64_t extent : dst)
    if (extent < 1 && extent != -1)
      reject(node, "shape " + given + " has an extent below 1 that is not -1");
  const auto open = std::ranges::find(dst, -1);
  if (open != dst.end()) {
    if (std::find(open + 1, dst.end(), -1) != dst.end())
      reject(node, "shape " + given + " leaves two extents open; expected one -1");
    *open = 1;
    *open = count / element_count(dst);
  }
  if (element_count(dst) != count)
    reject(node, "src " + to_string(src[0].shape) + " of " + std::to_string(count) +
                     " elements does not fit shape " + given);
  return dst;
}

Shape infer_squeeze(const Node& node, std::span<const Value> src) {
  const Shape& shape = src[0].shape;
  std::vector<bool> gone(shape.size(), false);
  if (node.attributes.has("axes")) {
    for (const std::size_t axis : axes_in(node, list_of(node, "axes"), shape)) {
      if (shape[axis] != 1)
        reject(node, "src " + to_string(shape) + " has extent " + std::to_string(shape[axis]) +
                         " at axis " + std::to_string(axis) + "; expected 1");
      gone[axis] = true;
    }
  } else {
    for (std::size_t axis = 0; axis < shape.size(); ++axis) gone[axis] = shape[axis] == 1;
  }
  Shape dst;
  for (std::size_t axis = 0; axis < shape.size(); ++axis)
    if (!gone[axis]) dst.push_back(shape[axis]);
  return at_least_one(dst);
}

// Axes are those of the result.
Shape infer_unsqueeze(const Node& node, std::span<const Value> src) {
  const std::vector<std::int64_t>& axes = list_of(node, "axes");
  Shape dst(src[0].shape.size() + axes.size(), 0);
  const std::string result = "a result of " + std::to_string(dst.size()) + " dimensions";
  for (const std::size_t axis : axes_in(node, axes, dst.size(), result)) dst[axis] = 1;
  auto next = src[0].shape.begin();
  for (std::int64_t& extent : dst)
    if (extent == 0) extent = *next++;
  return dst;
}

void set_shape(Node& node, std::span<const Shape>, const Shape& dst) {
  node.attributes.set("shape", dst);
}

// What had extent 1 before: a unit that is left alone is not squeezed.
void set_axes(Node& node, std::span<const Shape> src, const Shape&) {
  if (node.attributes.has("axes")) return;
  std::vector<std::int64_t> axes;
  for (std::size_t axis = 0; axis < src[0].size(); ++axis)
    if (src[0][axis] == 1) axes.push_back(static_cast<std::int64_t>(axis));
  node.attributes.set("axes", axes);
}

}  // namespace

Operator reshape_operator() {
  Operator row = view_operator("reshape", infer_reshape);
  row.traits.keeps_units = false;
  row.traits.reshape = set_shape;
  return row;
}

Operator squeeze_operator() {
  Operator row = view_operator("squeeze", infer_squeeze);
  row.traits.reshape = set_axes;
  return row;
}

Operator unsqueeze_operator() { return view_operator("unsqueeze", infer_unsqueeze); }

}  // namespace undying::ops
