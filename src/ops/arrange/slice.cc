// slice: from `starts` up to but without `ends` on some axes, every `steps`-th element; negative
// steps run backwards. Negative bounds count from the end, and bounds beyond an end are taken to
// it, as ONNX has it.

#include <algorithm>
#include <cstdlib>

#include "ops/arrange/gather.h"
#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

using List = std::vector<std::int64_t>;

// What is taken of one axis.
struct Part {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t step = 1;
};

// A negative step may end before the first element, at -1, which only an end far below -extent
// says.
Part part_of(std::int64_t extent, std::int64_t start, std::int64_t end, std::int64_t step) {
  step = std::clamp(step, -extent, extent);
  const bool forward = step > 0;
  const std::int64_t first = std::clamp(start < 0 ? start + extent : start, std::int64_t{0},
                                        forward ? extent : extent - 1);
  const std::int64_t last = std::clamp(end < 0 ? end + extent : end, std::int64_t{forward ? 0 : -1},
                                       forward ? extent : extent - 1);
  const std::int64_t distance = forward ? last - first : first - last;
  return {first, distance <= 0 ? 0 : (distance - 1) / std::abs(step) + 1, step};
}

List list_or(const Node& node, const std::string& name, List otherwise) {
  return node.attributes.get_or<List>(name, std::move(otherwise));
}

void check_length(const Node& node, const std::string& name, const List& list,
                  std::size_t expected) {
  if (list.size() != expected)
    reject(node, name + " " + to_string(list) + " has " + std::to_string(list.size()) +
                     " entries; expected " + std::to_string(expected) + ", as many as starts");
}

// One part for each axis of the shape.
std::vector<Part> parts_of(const Node& node, const Shape& shape) {
  const List& starts = node.attributes.get<List>("starts");
  const List& ends = node.attributes.get<List>("ends");
  List first_axes;
  for (std::size_t i = 0; i < starts.size(); ++i)
    first_axes.push_back(static_cast<std::int64_t>(i));
  const List axes = list_or(node, "axes", first_axes);
  const List steps = list_or(node, "steps", List(starts.size(), 1));
  check_length(node, "ends", ends, starts.size());
  check_length(node, "axes", axes, starts.size());
  check_length(node, "steps", steps, starts.size());
  std::vector<Part> parts;
  for (const std::int64_t extent : shape) parts.push_back({.count = extent});
  const std::vector<std::size_t> which = axes_in(node, axes, shape);
  for (std::size_t i = 0; i < which.size(); ++i) {
    if (steps[i] == 0) reject(node, "a step is 0");
    parts[which[i]] = part_of(shape[which[i]], starts[i], ends[i], steps[i]);
    if (parts[which[i]].count == 0)
      reject(node, "nothing is left of axis " + std::to_string(which[i]) + " of src " +
                       to_string(shape) + " from " + std::to_string(starts[i]) + " to " +
                       std::to_string(ends[i]) + " in steps of " + std::to_string(steps[i]));
  }
  return parts;
}

Shape infer(const Node& node, std::span<const Value> src) {
  Shape dst;
  for (const Part& part : parts_of(node, src[0].shape)) dst.push_back(part.count);
  return dst;
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  const Value& src = request.src[0];
  const std::vector<Part> parts = parts_of(request.node, src.shape);
  const Shape distances = strides(stored(src));
  std::vector<List> offsets(parts.size());
  for (std::size_t axis = 0; axis < parts.size(); ++axis) {
    const std::size_t in_memory = stored_axis(src, axis);
    for (std::int64_t i = 0; i < parts[axis].count; ++i)
      offsets[in_memory].push_back((parts[axis].first + i * parts[axis].step) *
                                   distances[in_memory]);
  }
  return gather_kernel(Gather(offsets), element_count(src.shape));
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Shape& shape = args.values[0].shape;
  const std::vector<Part> parts = parts_of(args.node, shape);
  Shape taken;
  for (const Part& part : parts) taken.push_back(part.count);
  std::vector<double> dst;
  for (std::int64_t n = 0; n < args.rows; ++n) {
    for (std::int64_t i = 0; i < element_count(taken); ++i) {
      Shape index = index_of(i, taken);
      for (std::size_t axis = 0; axis < index.size(); ++axis)
        index[axis] = parts[axis].first + index[axis] * parts[axis].step;
      dst.push_back(args.src[0][n * element_count(shape) + element_at(index, shape)]);
    }
  }
  return dst;
}

// ---- take: some elements along one axis, in any order and as often as they are named.

struct Taken {
  std::size_t axis;
  List indices;
};

Taken taken_of(const Node& node, const Shape& shape) {
  Taken taken{axis_in(node, node.attributes.get<std::int64_t>("axis"), shape),
              node.attributes.get<List>("indices")};
  if (taken.indices.empty()) reject(node, "takes nothing; expected at least one index");
  for (const std::int64_t index : taken.indices)
    if (index < 0 || index >= shape[taken.axis])
      reject(node, "index " + std::to_string(index) + " is not one of " +
                       std::to_string(shape[taken.axis]) + " elements");
  return taken;
}

Shape infer_take(const Node& node, std::span<const Value> src) {
  const Taken taken = taken_of(node, src[0].shape);
  Shape dst = src[0].shape;
  dst[taken.axis] = static_cast<std::int64_t>(taken.indices.size());
  return dst;
}

std::unique_ptr<Kernel> plan_take(const PlanRequest& request) {
  const Value& src = request.src[0];
  const Taken taken = taken_of(request.node, src.shape);
  const Shape extents = stored(src);
  const Shape distances = strides(extents);
  std::vector<List> offsets;
  for (std::size_t axis = 0; axis < extents.size(); ++axis)
    offsets.push_back(whole_axis(extents[axis], distances[axis]));
  const std::size_t in_memory = stored_axis(src, taken.axis);
  offsets[in_memory].clear();
  for (const std::int64_t index : taken.indices)
    offsets[in_memory].push_back(index * distances[in_memory]);
  return gather_kernel(Gather(offsets), element_count(src.shape));
}

std::vector<double> reference_take(const Operator::ReferenceArgs& args) {
  const Shape& shape = args.values[0].shape;
  const Taken taken = taken_of(args.node, shape);
  const Shape to = infer_take(args.node, args.values);
  std::vector<double> dst;
  for (std::int64_t i = 0; i < args.rows * element_count(to); ++i) {
    Shape index = index_of(i % element_count(to), to);
    index[taken.axis] = taken.indices[index[taken.axis]];
    dst.push_back(
        args.src[0][i / element_count(to) * element_count(shape) + element_at(index, shape)]);
  }
  return dst;
}

}  // namespace

Operator slice_operator() {
  return {.name = "slice",
          .layout = LayoutRule::kAny,
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kSlice, .within_inputs = true}};
}

Operator take_operator() {
  return {.name = "take",
          .layout = LayoutRule::kAny,
          .infer = infer_take,
          .parameters = no_parameters,
          .plan = plan_take,
          .reference = reference_take,
          .traits = {.kind = Kind::kTake, .within_inputs = true}};
}

}  // namespace undying::ops
