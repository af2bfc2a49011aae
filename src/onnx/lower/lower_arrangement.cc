// Operations that move elements and leave them as they are.

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "onnx/lower/lower.h"
#include "onnx/names.h"
#include "onnx/normalise/evaluate.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

// A constant stands for every example: its dimension for the batch has one element, or equal ones.
void concat(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  if (!operation.settings.contains("axis")) malformed(operation, "lacks its axis");
  std::size_t first = 0;
  while (first < operation.inputs.size() &&
         (lowering.is_constant(first) || (lowering.batch_axes() > 0 && !lowering.counts(first))))
    ++first;
  std::vector<Source> sources;
  for (std::size_t i = 0; i < operation.inputs.size(); ++i) {
    const std::int64_t rank = lowering.is_constant(i)
                                  ? static_cast<std::int64_t>(lowering.constant(i)->dims.size())
                                  : lowering.rank(i);
    if (rank != lowering.rank(first))
      malformed(operation, "joins " + describe(lowering.net(), operation.inputs[first]) + " and " +
                               describe(lowering.net(), operation.inputs[i]));
    if (lowering.counts(i) && lowering.batch(i) != lowering.batch(first))
      refuse("joins " + describe(lowering.net(), operation.inputs[first]) + " and " +
             describe(lowering.net(), operation.inputs[i]) +
             ", which would mix the examples of a batch");
    sources.push_back(lowering.meeting(i, rank, lowering.batch(first)));
  }
  const std::int64_t axis =
      lowering.example_axis(integer(operation, "axis", 0), lowering.rank(first));
  lowering.output(
      sources.size() == 1 ? sources[0] : lowering.add("concat", sources, {{"axis", axis}}), false,
      lowering.batch(first));
}

// Ranges along dimensions of an example, in the engine's terms: bounds as in ONNX, but none out of
// range by more than one extent.
struct Ranges {
  std::vector<std::int64_t> starts, ends, axes, steps;

  void add(const Shape& shape, std::int64_t axis, std::int64_t start, std::int64_t end,
           std::int64_t step) {
    const std::int64_t extent = shape[axis];
    starts.push_back(std::clamp(start, -extent - 1, extent));
    ends.push_back(std::clamp(end, -extent - 1, extent));
    axes.push_back(axis);
    steps.push_back(std::clamp(step, -extent - 1, extent + 1));
  }
};

Source slice_by(Lowering& lowering, Source src, const Ranges& ranges) {
  Attributes attributes = {{"starts", ranges.starts}, {"ends", ranges.ends}, {"axes", ranges.axes}};
  if (std::ranges::any_of(ranges.steps, [](std::int64_t step) { return step != 1; }))
    attributes.set("steps", ranges.steps);
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
    // What exporters write for "to the end".
    constexpr std::int64_t kBeyond = std::numeric_limits<std::int32_t>::max();
    const bool is_batch =
        lowering.batch_axes() > 0 && checked == lowering.batch().axis && !lowering.batch().folded();
    const bool to_end =
        ends[i] >= kBeyond || (lowering.net().batch != 0 && ends[i] == lowering.net().batch);
    if (is_batch && starts[i] == 0 && to_end && steps[i] == 1) continue;
    const std::int64_t axis = lowering.example_axis(axes[i], lowering.rank(0));
    const Range range = slice_range(operation, starts[i], ends[i], steps[i], shape[axis]);
    if (range.count == 0) refuse("leaves nothing of dimension " + std::to_string(axis));
    if (range.count == shape[axis] && steps[i] == 1) continue;
    ranges.add(shape, axis, starts[i], ends[i], steps[i]);
  }
  lowering.output(ranges.axes.empty() ? lowering.value(0)
                                      : slice_by(lowering, lowering.value(0), ranges));
}

void split(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const std::int64_t axis = lowering.example_axis(integer(operation, "axis", 0), lowering.rank(0));
  const Shape& shape = lowering.shape(0);
  const std::int64_t extent = shape[axis];
  const auto parts = static_cast<std::int64_t>(operation.outputs.size());
  const auto sizes = lowering.list(1, equal_parts(operation, extent));
  if (static_cast<std::int64_t>(sizes.size()) != parts)
    malformed(operation, "has " + std::to_string(sizes.size()) + " sizes for " +
                             std::to_string(parts) + " outputs");
  std::int64_t start = 0;
  for (const std::int64_t size : sizes) {
    if (size < 1 || size > extent - start)
      refuse("its parts " + ops::to_string(sizes) + " are empty, or more than " +
             std::to_string(extent));
    Ranges ranges;
    ranges.add(shape, axis, start, start + size, 1);
    lowering.output(parts == 1 ? lowering.value(0) : slice_by(lowering, lowering.value(0), ranges));
    start += size;
  }
  if (start != extent)
    malformed(operation,
              "its parts " + ops::to_string(sizes) + " do not make up " + std::to_string(extent));
}

// Rows of a known table, by numbers that are computed or given: its features stand behind the
// dimensions of the numbers.
void look_up(Lowering& lowering) {
  const ConstantPtr& table = lowering.constant(0);
  const Operation& operation = lowering.operation();
  if (table->dims.empty() || checked_axis(operation, integer(operation, "axis", 0),
                                          static_cast<std::int64_t>(table->dims.size())) != 0)
    refuse("looks computed numbers up along another axis than the first");
  const std::int64_t rows = table->dims[0];
  const Shape behind(table->dims.begin() + 1, table->dims.end());
  const std::int64_t features = ops::element_count(behind);
  if (rows < 1 || features < 1)
    refuse("looks numbers up in " + describe(lowering.net(), operation.inputs[0]));
  Attributes attributes = {{"rows", rows}, {"features", features}};
  if (table->integer) attributes.set("trained", std::int64_t{0});
  const bool scalar = lowering.is_scalar(1);
  Shape shape = lowering.net().value(operation.inputs[1]).dims();
  const Source found = lowering.add("embedding", {lowering.value(1)}, std::move(attributes),
                                    {{.constant = to_floats(operation, table),
                                      .shape = {rows, features},
                                      .trained = !table->integer,
                                      .role = "weight"}});
  shape.insert(shape.end(), behind.begin(), behind.end());
  const bool as_is = behind.size() == 1 && !scalar;
  const bool left = shape.empty();
  lowering.output(
      as_is ? found : lowering.add("reshape", {found}, {{"shape", left ? Shape{1} : shape}}), left,
      lowering.batch(1), table->integer);
}

// Where the batch stands once a dimension has become `count` others.
Batch shifted(const Lowering& lowering, std::int64_t axis, std::int64_t count) {
  Batch batch = lowering.batch();
  if (lowering.batch_axes() > 0 &&
      checked_axis(lowering.operation(), axis, lowering.rank(0)) < batch.axis)
    batch.axis += count - 1;
  return batch;
}

// Along a dimension in which examples follow one another whole, as (N, 768) made one: the same
// indices in each of as many examples as the file was made with, which makes them a dimension of
// their own again.
bool gathers_whole_examples(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const Batch& batch = lowering.batch();
  if (lowering.batch_axes() == 0 || !batch.folded() || batch.before != 1) return false;
  if (checked_axis(operation, integer(operation, "axis", 0), lowering.rank(0)) != batch.axis)
    return false;
  const Constant& index = *lowering.constant(1);
  const std::int64_t examples = lowering.net().batch;
  const std::int64_t extent = lowering.shape(0)[batch.axis];
  const std::vector<std::int64_t> all = plain_integers(operation, index);
  if (examples == 0 || index.dims.empty() || index.dims[0] != examples || all.empty()) return false;
  const std::size_t each = all.size() / static_cast<std::size_t>(examples);
  const std::vector<std::int64_t> first(all.begin(),
                                        all.begin() + static_cast<std::ptrdiff_t>(each));
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i] != first[i % each] + static_cast<std::int64_t>(i / each) * extent ||
        first[i % each] < 0 || first[i % each] >= extent)
      return false;
  const Source taken =
      lowering.add("take", {lowering.value(0)}, {{"axis", batch.axis}, {"indices", first}});
  Shape to = lowering.shape(0);
  to.erase(to.begin() + batch.axis);
  to.insert(to.begin() + batch.axis, index.dims.begin() + 1, index.dims.end());
  const bool scalar = to.empty();
  lowering.output(lowering.add("reshape", {taken}, {{"shape", scalar ? Shape{1} : to}}), scalar,
                  {.axis = batch.axis});
  return true;
}

// x[0] of the one example that a file was made with.
bool takes_the_example(Lowering& lowering) {
  if (!lowering.is_only_example(integer(lowering.operation(), "axis", 0)) ||
      !lowering.constant(1)->dims.empty())
    return false;
  const std::int64_t index = plain_integers(lowering.operation(), *lowering.constant(1))[0];
  if (index != 0 && index != -1)
    malformed(lowering.operation(), "takes example " + std::to_string(index) + " of one");
  lowering.output_without_batch(lowering.value(0), lowering.is_scalar(0));
  return true;
}

// Of known indices: one index takes a dimension away, evenly spaced ones make a slice.
void gather(Lowering& lowering) {
  if (lowering.is_constant(0)) return look_up(lowering);
  if (gathers_whole_examples(lowering) || takes_the_example(lowering)) return;
  const Operation& operation = lowering.operation();
  const Shape& shape = lowering.shape(0);
  const std::int64_t onnx_axis = integer(operation, "axis", 0);
  const std::int64_t axis = lowering.example_axis(onnx_axis, lowering.rank(0));
  std::vector<std::int64_t> indices = lowering.list(1);
  const Shape index_dims = lowering.constant(1)->dims;
  if (indices.empty()) refuse("gathers by an index of shape " + ops::to_string(index_dims));
  for (std::int64_t& index : indices) index = checked_axis(operation, index, shape[axis]);
  const std::int64_t step = indices.size() == 1 ? 1 : indices[1] - indices[0];
  bool even = step != 0;
  for (std::size_t i = 1; i < indices.size(); ++i)
    even = even && indices[i] - indices[i - 1] == step;
  Source taken;
  if (even) {
    Ranges ranges;
    const std::int64_t behind = indices.back() + (step > 0 ? 1 : -1);
    ranges.add(shape, axis, indices.front(), behind < 0 ? -shape[axis] - 1 : behind, step);
    taken = slice_by(lowering, lowering.value(0), ranges);
  } else {
    taken = lowering.add("take", {lowering.value(0)}, {{"axis", axis}, {"indices", indices}});
  }
  const Batch batch = shifted(lowering, onnx_axis, static_cast<std::int64_t>(index_dims.size()));
  if (index_dims.size() == 1) return lowering.output(taken, false, batch);
  if (index_dims.size() > 1) {
    Shape to = shape;
    to.erase(to.begin() + axis);
    to.insert(to.begin() + axis, index_dims.begin(), index_dims.end());
    return lowering.output(lowering.add("reshape", {taken}, {{"shape", to}}), false, batch);
  }
  const bool scalar = shape.size() == 1;
  lowering.output(lowering.add("squeeze", {taken}, {{"axes", std::vector<std::int64_t>{axis}}}),
                  scalar, batch);
}

// The pads of some axes as those of all.
std::vector<std::int64_t> spread_pads(const Lowering& lowering, std::int64_t rank) {
  const auto some = lowering.list(1);
  const auto axes = lowering.list(3);
  if (some.size() != 2 * axes.size())
    malformed(lowering.operation(), "has " + std::to_string(some.size()) + " pads for " +
                                        std::to_string(axes.size()) + " axes");
  std::vector<std::int64_t> all(static_cast<std::size_t>(2 * rank), 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t axis = checked_axis(lowering.operation(), axes[i], rank);
    all[axis] = some[i];
    all[axis + rank] = some[i + axes.size()];
  }
  return all;
}

void pad(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const std::string mode = text(operation, "mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge")
    refuse("pads by mode " + printable(mode));
  const std::int64_t rank = lowering.rank(0);
  const auto all = lowering.has(3) ? spread_pads(lowering, rank) : lowering.list(1);
  if (static_cast<std::int64_t>(all.size()) != 2 * rank)
    malformed(operation, "has " + std::to_string(all.size()) + " pads for " + std::to_string(rank) +
                             " dimensions");
  std::vector<std::int64_t> pads;
  for (std::int64_t i = 0; i < 2 * rank; ++i) {
    const std::int64_t each = all[i];
    if (each < -kMostElements || each > kMostElements)
      malformed(operation, "has an absurd pad " + std::to_string(each));
    const bool is_batch = lowering.batch_axes() > 0 && i % rank == lowering.batch().axis;
    if (!is_batch || lowering.batch().folded()) pads.push_back(each);
    if (is_batch && each != 0) refuse("pads the examples of a batch");
  }
  if (std::ranges::all_of(pads, [](std::int64_t each) { return each == 0; }))
    return lowering.output(lowering.value(0));
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
    malformed(lowering.operation(), "its perm " + ops::to_string(all) + " does not fit " +
                                        std::to_string(rank) + " dimensions");
  std::vector<std::int64_t> perm;
  Batch batch = lowering.batch();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::int64_t axis = checked_axis(lowering.operation(), all[i], rank);
    const bool is_batch = lowering.batch_axes() > 0 && axis == lowering.batch().axis;
    if (is_batch) batch.axis = static_cast<std::int64_t>(i);
    if (is_batch && !batch.folded()) continue;
    perm.push_back(is_batch ? axis : lowering.example_axis(axis, rank));
  }
  std::vector<std::int64_t> sorted = perm;
  std::ranges::sort(sorted);
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<std::int64_t>(i))
      malformed(lowering.operation(), "its perm " + ops::to_string(all) + " names an axis twice");
  const bool scalar = lowering.is_scalar(0);
  lowering.output(perm == sorted ? lowering.value(0)
                                 : lowering.add("transpose", {lowering.value(0)}, {{"perm", perm}}),
                  scalar, batch);
}

constexpr std::array kArrangementRules = {
    Rule{"Concat", 1, -1, "axis", concat},
    Rule{"Slice", 3, 5, "", slice},
    Rule{"Split", 1, 2, "axis num_outputs", split},
    Rule{"Gather", 2, 2, "axis", gather},
    Rule{"Pad", 2, 4, "mode", pad},
    Rule{"Transpose", 1, 1, "perm", transpose},
};

}  // namespace

std::span<const Rule> arrangement_rules() { return kArrangementRules; }

}  // namespace undying::onnx
