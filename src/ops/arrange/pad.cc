// pad: elements before and behind each axis, of a value (constant), mirrored without the edge
// (reflect) or repeating it (edge). A negative pad takes elements away.

#include <algorithm>

#include "ops/arrange/gather.h"
#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

using List = std::vector<std::int64_t>;

enum class Mode { kConstant, kReflect, kEdge };

Mode mode_of(const Node& node) {
  const std::string mode = node.attributes.get_or<std::string>("mode", "constant");
  if (mode == "constant") return Mode::kConstant;
  if (mode == "reflect") return Mode::kReflect;
  if (mode == "edge") return Mode::kEdge;
  reject(node, "mode is \"" + mode + "\"; expected constant, reflect or edge");
}

float fill_of(const Node& node) {
  return static_cast<float>(node.attributes.get_or<double>("value", 0.0));
}

// The element of an axis that stands at place i, which may lie outside [0, extent).
std::int64_t source(Mode mode, std::int64_t i, std::int64_t extent) {
  if (i >= 0 && i < extent) return i;
  if (mode == Mode::kConstant) return Gather::kNowhere;
  if (mode == Mode::kEdge) return std::clamp(i, std::int64_t{0}, extent - 1);
  return i < 0 ? -i : 2 * (extent - 1) - i;
}

Shape padded(const Node& node, std::span<const Value> src) {
  const Shape& shape = src[0].shape;
  const List& pads = node.attributes.get<List>("pads");
  if (pads.size() != 2 * shape.size())
    reject(node, "pads " + to_string(pads) + " has " + std::to_string(pads.size()) +
                     " entries; expected " + std::to_string(2 * shape.size()) +
                     ", begins and ends of src " + to_string(shape));
  const Mode mode = mode_of(node);
  Shape dst = shape;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const std::int64_t begin = pads[axis];
    const std::int64_t end = pads[shape.size() + axis];
    dst[axis] += begin + end;
    const std::string where = " axis " + std::to_string(axis) + " of src " + to_string(shape);
    if (dst[axis] < 1) reject(node, "nothing is left of" + where + " with pads " + to_string(pads));
    if (mode == Mode::kReflect && std::max(begin, end) >= shape[axis])
      reject(node, "pads " + to_string(pads) + " reflect more of" + where +
                       " than there is behind its edge");
  }
  return dst;
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  const Value& src = request.src[0];
  const List& pads = request.node.attributes.get<List>("pads");
  const Mode mode = mode_of(request.node);
  const Shape distances = strides(stored(src));
  std::vector<List> offsets(src.shape.size());
  for (std::size_t axis = 0; axis < offsets.size(); ++axis) {
    const std::size_t in_memory = stored_axis(src, axis);
    for (std::int64_t i = 0; i < request.dst.shape[axis]; ++i) {
      const std::int64_t from = source(mode, i - pads[axis], src.shape[axis]);
      offsets[in_memory].push_back(from == Gather::kNowhere ? from : from * distances[in_memory]);
    }
  }
  return gather_kernel(Gather(offsets), element_count(src.shape), fill_of(request.node));
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Shape& shape = args.values[0].shape;
  const List& pads = args.node.attributes.get<List>("pads");
  const Shape dst_shape = padded(args.node, args.values);
  const Mode mode = mode_of(args.node);
  std::vector<double> dst;
  for (std::int64_t n = 0; n < args.rows; ++n) {
    for (std::int64_t i = 0; i < element_count(dst_shape); ++i) {
      Shape index = index_of(i, dst_shape);
      bool inside = true;
      for (std::size_t axis = 0; axis < index.size(); ++axis) {
        index[axis] = source(mode, index[axis] - pads[axis], shape[axis]);
        inside = inside && index[axis] != Gather::kNowhere;
      }
      const std::int64_t at = n * element_count(shape) + (inside ? element_at(index, shape) : 0);
      dst.push_back(inside ? args.src[0][at] : fill_of(args.node));
    }
  }
  return dst;
}

}  // namespace

Operator pad_operator() {
  return {.name = "pad",
          .layout = LayoutRule::kAny,
          .infer = padded,
          .parameters = no_parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kPad}};
}

}  // namespace undying::ops
