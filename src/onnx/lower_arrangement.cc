// Operations that move elements and leave them as they are.

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "onnx/evaluate.h"
#include "onnx/lower.h"
#include "onnx/names.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

std::int64_t extent_of(const Shape& shape, std::int64_t axis) { return shape[static_cast<std::size_t>(axis)]; }

void concat(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  if (!operation.settings.contains("axis")) malformed(operation, "lacks its axis");
  std::vector<Source> sources;
  for (std::size_t i = 0; i < operation.inputs.size(); ++i) {
    if (lowering.is_constant(i)) refuse("joins constants and values computed at run time");
    if (lowering.rank(i) != lowering.rank(0))
      malformed(operation,
                "joins " + describe(lowering.net(), operation.inputs[0]) + " and " + describe(lowering.net(), operation.inputs[i]));
    sources.push_back(lowering.value(i));
  }
  const std::int64_t axis = lowering.example_axis(integer(operation, "axis", 0), lowering.rank(0));
  lowering.output(sources.size() == 1 ? sources[0] : lowering.add("concat", sources, {{"axis", axis}}));
}

// Ranges along dimensions of an example, in the engine's terms: bounds as in ONNX, but none out of range by more than one extent.
struct Ranges {
  std::vector<std::int64_t> starts, ends, axes, steps;

  void add(const Shape& shape, std::int64_t axis, std::int64_t start, std::int64_t end, std::int64_t step) {
    const std::int64_t extent = extent_of(shape, axis);
    starts.push_back(std::clamp(start, -extent - 1, extent));
    ends.push_back(std::clamp(end, -extent - 1, extent));
    axes.push_back(axis);
    steps.push_back(std::clamp(step, -extent - 1, extent + 1));
  }
};

Source slice_by(Lowering& lowering, Source src, const Ranges& ranges) {
  Attributes attributes = {{"starts", ranges.starts}, {"ends", ranges.ends}, {"axes", ranges.axes}};
  if (std::ranges::any_of(ranges.steps, [](std::int64_t step) { return step != 1; })) attributes.set("steps", ranges.steps);
  return lowering.add("slice", {src}, std::move(attributes));
}

void slice(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const Shape& shape = lowering.shape(0);
  const auto starts = lowering.list(1);
  const auto ends = lowering.list(2);
  std::vector<std::int64_t> axes(starts.size());
  std::iota(axes.begin(), axes.end(), 0);
  axes = lowering.list(3, axes);
  const auto steps = lowering.list(4, std::vector<std::int64_t>(starts.size(), 1));
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    malformed(operation, "its starts, ends, axes and steps differ in number");
  Ranges ranges;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::int64_t checked = checked_axis(operation, axes[i], lowering.rank(0));
    constexpr std::int64_t kBeyond = std::numeric_limits<std::int32_t>::max();  // what exporters write for "to the end"
    if (checked < lowering.batch_axes() && starts[i] == 0 && ends[i] >= kBeyond && steps[i] == 1) continue;
    const std::int64_t axis = lowering.example_axis(axes[i], lowering.rank(0));
    const Range range = slice_range(operation, starts[i], ends[i], steps[i], extent_of(shape, axis));
    if (range.count == 0) refuse("leaves nothing of dimension " + std::to_string(axis));
    if (range.count == extent_of(shape, axis) && steps[i] == 1) continue;
    ranges.add(shape, axis, starts[i], ends[i], steps[i]);
  }
  lowering.output(ranges.axes.empty() ? lowering.value(0) : slice_by(lowering, lowering.value(0), ranges));
}

void split(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const std::int64_t axis = lowering.example_axis(integer(operation, "axis", 0), lowering.rank(0));
  const Shape& shape = lowering.shape(0);
  const std::int64_t extent = extent_of(shape, axis);
  const auto parts = static_cast<std::int64_t>(operation.outputs.size());
  const auto sizes = lowering.list(1, std::vector<std::int64_t>(operation.outputs.size(), extent / parts));
  if (static_cast<std::int64_t>(sizes.size()) != parts)
    malformed(operation, "has " + std::to_string(sizes.size()) + " sizes for " + std::to_string(parts) + " outputs");
  std::int64_t start = 0;
  for (const std::int64_t size : sizes) {
    if (size < 1 || size > extent - start)
      refuse("its parts " + ops::to_string(sizes) + " are empty, or more than " + std::to_string(extent));
    Ranges ranges;
    ranges.add(shape, axis, start, start + size, 1);
    lowering.output(parts == 1 ? lowering.value(0) : slice_by(lowering, lowering.value(0), ranges));
    start += size;
  }
  if (start != extent) malformed(operation, "its parts " + ops::to_string(sizes) + " do not make up " + std::to_string(extent));
}

// Of known indices only: one index takes a dimension away, evenly spaced ones make a slice.
void gather(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const Shape& shape = lowering.shape(0);
  const std::int64_t axis = lowering.example_axis(integer(operation, "axis", 0), lowering.rank(0));
  std::vector<std::int64_t> indices = lowering.list(1);
  if (indices.empty() || lowering.constant(1)->dims.size() > 1)
    refuse("gathers by an index of shape " + ops::to_string(lowering.constant(1)->dims));
  for (std::int64_t& index : indices) index = checked_axis(operation, index, extent_of(shape, axis));
  const std::int64_t step = indices.size() == 1 ? 1 : indices[1] - indices[0];
  for (std::size_t i = 1; i < indices.size(); ++i)
    if (step == 0 || indices[i] - indices[i - 1] != step) refuse("gathers by indices that are not evenly spaced");
  Ranges ranges;
  const std::int64_t behind = indices.back() + (step > 0 ? 1 : -1);
  ranges.add(shape, axis, indices.front(), behind < 0 ? -extent_of(shape, axis) - 1 : behind, step);
  const Source taken = slice_by(lowering, lowering.value(0), ranges);
  const bool keeps = !lowering.constant(1)->dims.empty();
  if (keeps) return lowering.output(taken, false);
  const bool scalar = shape.size() == 1;
  lowering.output(lowering.add("squeeze", {taken}, {{"axes", std::vector<std::int64_t>{axis}}}), scalar);
}

void pad(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const std::string mode = text(operation, "mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge") refuse("pads by mode " + printable(mode));
  const auto all = lowering.list(1);
  const std::int64_t rank = lowering.rank(0);
  if (static_cast<std::int64_t>(all.size()) != 2 * rank)
    malformed(operation, "has " + std::to_string(all.size()) + " pads for " + std::to_string(rank) + " dimensions");
  std::vector<std::int64_t> pads;
  for (std::int64_t i = 0; i < 2 * rank; ++i) {
    const std::int64_t each = all[static_cast<std::size_t>(i)];
    if (each < -kMostElements || each > kMostElements) malformed(operation, "has an absurd pad " + std::to_string(each));
    if (i % rank >= lowering.batch_axes()) pads.push_back(each);
    if (i % rank < lowering.batch_axes() && each != 0) refuse("pads the examples of a batch");
  }
  if (std::ranges::all_of(pads, [](std::int64_t each) { return each == 0; })) return lowering.output(lowering.value(0));
  Attributes attributes = {{"pads", pads}};
  if (mode != "constant") attributes.set("mode", mode);
  if (mode == "constant" && lowering.has(2)) {
    const ConstantPtr& value = lowering.constant(2);
    if (value->integer || value->count() != 1) malformed(operation, "its value is not one float");
    if (value->floats[0] != 0.0f) attributes.set("value", as_written(value->floats[0]));
  }
  lowering.output(lowering.add("pad", {lowering.value(0)}, std::move(attributes)));
}

void transpose(Lowering& lowering) {
  const std::int64_t rank = lowering.rank(0);
  std::vector<std::int64_t> reversed(static_cast<std::size_t>(rank));
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  const auto all = integers(lowering.operation(), "perm", reversed);
  if (static_cast<std::int64_t>(all.size()) != rank)
    malformed(lowering.operation(), "its perm " + ops::to_string(all) + " does not fit " + std::to_string(rank) + " dimensions");
  std::vector<std::int64_t> perm;
  if (lowering.batch_axes() > 0 && all[0] != 0) refuse("moves the batch dimension away from the front");
  for (std::size_t i = static_cast<std::size_t>(lowering.batch_axes()); i < all.size(); ++i)
    perm.push_back(lowering.example_axis(all[i], rank));
  if (std::ranges::is_sorted(perm)) return lowering.output(lowering.value(0));
  lowering.output(lowering.add("transpose", {lowering.value(0)}, {{"perm", perm}}));
}

// The same elements as an example of shape `to`; as few operators as say so.
Source reshaped(Lowering& lowering, const Shape& to) {
  const Shape& from = lowering.shape(0);
  if (to == from) return lowering.value(0);
  if (to.size() == 1) return lowering.add("flatten", {lowering.value(0)});
  return lowering.add("reshape", {lowering.value(0)}, {{"shape", to}});
}

// The extents of a Reshape for one example: the first entry must leave the batch as it is.
Shape without_batch(const Lowering& lowering, std::vector<Integer> target, bool zero_keeps) {
  const Shape& from = lowering.shape(0);
  const std::int64_t count = ops::element_count(from);
  Shape dims;
  bool open = false;
  for (std::size_t i = 1; i < target.size(); ++i) {
    Integer each = target[i];
    if (each.batch) refuse("moves the batch dimension away from the front");
    if (each.value == 0 && zero_keeps) {
      if (static_cast<std::int64_t>(i) >= lowering.rank(0))
        malformed(lowering.operation(), "keeps dimension " + std::to_string(i) + ", which its input does not have");
      each.value = from[i - 1];
    }
    if (each.value == 0) refuse("gives a value without elements");
    if (each.value < -1 || (each.value == -1 && open))
      malformed(lowering.operation(), "its shape has an entry " + std::to_string(each.value) + " too many");
    open = open || each.value == -1;
    dims.push_back(each.value);
  }
  const Integer first = target[0];
  std::int64_t rest = 0;
  Shape closed = dims;
  std::ranges::replace(closed, -1, 1);
  if (!multiply_extents(closed, kMostElements, rest))
    malformed(lowering.operation(), "its shape " + ops::to_string(dims) + " is absurdly large");
  const bool fits = open ? count % rest == 0 : count == rest;
  const bool keeps = first == Integer{1, true} || (first.value == 0 && zero_keeps) || (first.value == -1 && !open) ||
                     (!first.batch && lowering.net().batch != 0 && first.value == lowering.net().batch);
  if (!keeps || !fits)
    refuse("gives " + describe(lowering.net(), lowering.operation().inputs[0]) + " a shape (" + to_string(first) + ", ...) " +
           ops::to_string(dims) + ", which mixes the examples of a batch");
  std::ranges::replace(dims, -1, count / rest);
  return dims;
}

// Of a value without batch dimension.
Shape whole_shape(const Lowering& lowering, const std::vector<Integer>& target, bool zero_keeps) {
  const Shape& from = lowering.shape(0);
  Shape dims;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const bool kept = target[i].value == 0 && zero_keeps;
    if (kept && static_cast<std::int64_t>(i) >= lowering.rank(0))
      malformed(lowering.operation(), "keeps dimension " + std::to_string(i) + ", which its input does not have");
    dims.push_back(kept ? from[i] : target[i].value);
  }
  Shape closed = dims;
  std::int64_t count = 0;
  if (const auto open = std::ranges::find(closed, -1); open != closed.end()) *open = 1;
  if (!multiply_extents(closed, kMostElements, count))
    malformed(lowering.operation(), "its shape " + ops::to_string(dims) + " is negative or absurdly large");
  return dims;
}

void reshape(Lowering& lowering) {
  const ConstantPtr& target = lowering.constant(1);
  if (!target->integer || target->dims.size() != 1) malformed(lowering.operation(), "its shape is not a list of integers");
  if (target->integers.empty()) refuse("makes a scalar");
  const bool zero_keeps = integer(lowering.operation(), "allowzero", 0) == 0;
  if (lowering.batch_axes() == 0) {
    const Shape dims = whole_shape(lowering, target->integers, zero_keeps);
    return lowering.output(lowering.add("reshape", {lowering.value(0)}, {{"shape", dims}}), false);
  }
  const Shape dims = without_batch(lowering, target->integers, zero_keeps);
  if (dims.empty()) refuse("leaves nothing but the batch dimension");
  lowering.output(reshaped(lowering, dims), false);
}

// A matrix: the dimensions before `axis` as rows. An example must be a row.
void flatten(Lowering& lowering) {
  const Shape& shape = lowering.shape(0);
  const std::int64_t rank = lowering.rank(0);
  std::int64_t axis = integer(lowering.operation(), "axis", 1);
  if (axis != rank) axis = checked_axis(lowering.operation(), axis, rank);
  const auto split = shape.begin() + std::max<std::int64_t>(axis - lowering.batch_axes(), 0);
  const std::int64_t rows = ops::element_count({shape.begin(), split});
  if (lowering.batch_axes() == 0)
    return lowering.output(lowering.add("reshape", {lowering.value(0)}, {{"shape", Shape{rows, ops::element_count({split, shape.end()})}}}),
                           false);
  if (axis == 0 || rows != 1) refuse("flattens the examples of a batch together (axis " + std::to_string(axis) + ")");
  lowering.output(reshaped(lowering, {ops::element_count(shape)}), false);
}

void squeeze(Lowering& lowering) {
  const Shape& shape = lowering.shape(0);
  if (lowering.has(1)) {
    const auto axes = lowering.example_axes(lowering.list(1), lowering.rank(0));
    const bool scalar = axes.size() == static_cast<std::size_t>(lowering.rank(0) - lowering.batch_axes());
    return lowering.output(lowering.add("squeeze", {lowering.value(0)}, {{"axes", axes}}), scalar);
  }
  if (lowering.batch_axes() > 0 && lowering.net().batch == 1) refuse("drops every dimension of extent 1, the batch among them");
  const std::ptrdiff_t gone = std::ranges::count(shape, 1);
  if (gone == 0 || lowering.is_scalar(0)) return lowering.output(lowering.value(0), lowering.is_scalar(0));
  lowering.output(lowering.add("squeeze", {lowering.value(0)}), gone == std::ssize(shape));
}

void unsqueeze(Lowering& lowering) {
  auto axes = lowering.list(1);
  axes = lowering.example_axes(axes, lowering.rank(0) + static_cast<std::int64_t>(axes.size()));
  const bool scalar = lowering.is_scalar(0) && axes.empty();
  if (lowering.is_scalar(0) && !scalar) axes.pop_back();  // a scalar is (1) here: one of them is there already
  lowering.output(axes.empty() ? lowering.value(0) : lowering.add("unsqueeze", {lowering.value(0)}, {{"axes", axes}}), scalar);
}

// Only where it changes nothing.
void expand(Lowering& lowering) {
  const ConstantPtr& target = lowering.constant(1);
  const std::size_t rank = static_cast<std::size_t>(lowering.rank(0));
  const Shape shape = lowering.net().value(lowering.operation().inputs[0]).dims();
  if (!target->integer || target->integers.size() > rank) refuse("repeats a value computed at run time");
  for (std::size_t i = 0; i < target->integers.size(); ++i) {
    const Integer wanted = target->integers[target->integers.size() - 1 - i];
    const bool of_batch = i == shape.size();
    const bool same = of_batch ? wanted.batch || wanted.value == 1 || wanted.value == lowering.net().batch
                               : !wanted.batch && (wanted.value == 1 || wanted.value == shape[shape.size() - 1 - i]);
    if (!same) refuse("repeats a value computed at run time");
  }
  lowering.output(lowering.value(0), lowering.is_scalar(0));
}

constexpr std::array kRules = {
    Rule{"Concat", 1, -1, "axis", concat},       Rule{"Slice", 3, 5, "", slice},         Rule{"Split", 1, 2, "axis", split},
    Rule{"Gather", 2, 2, "axis", gather},        Rule{"Pad", 2, 3, "mode", pad},         Rule{"Transpose", 1, 1, "perm", transpose},
    Rule{"Reshape", 2, 2, "allowzero", reshape}, Rule{"Flatten", 1, 1, "axis", flatten}, Rule{"Squeeze", 1, 2, "", squeeze},
    Rule{"Unsqueeze", 2, 2, "", unsqueeze},      Rule{"Expand", 2, 2, "", expand},
};

}  // namespace

std::span<const Rule> arrangement_rules() { return kRules; }

}  // namespace undying::onnx
