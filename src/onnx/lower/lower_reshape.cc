// Operations that give the same elements other dimensions. Their order stays, so where the batch
// stands is told by how many elements of an example stand behind it.

#include <algorithm>
#include <array>

#include "onnx/lower/lower.h"
#include "onnx/names.h"
#include "onnx/normalise/evaluate.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

// The same elements as an example of shape `to`; as few operators as say so.
Source reshaped(Lowering& lowering, const Shape& to) {
  const Shape& from = lowering.shape(0);
  if (to == from) return lowering.value(0);
  if (to.size() == 1) return lowering.add("flatten", {lowering.value(0)});
  return lowering.add("reshape", {lowering.value(0)}, {{"shape", to}});
}

struct Reshaped {
  Shape dims;  // of one example
  Batch batch;
};

std::int64_t product(const Lowering& lowering, const std::vector<Integer>& dims,
                     std::size_t first) {
  std::int64_t count = 0;
  Shape extents;
  for (std::size_t i = first; i < dims.size(); ++i) extents.push_back(dims[i].value);
  if (!multiply_extents(extents, kMostElements, count))
    malformed(lowering.operation(),
              "its shape " + ops::to_string(extents) + " is negative or absurdly large");
  return count;
}

// Elements of an example behind the batch.
std::int64_t inner_count(const Lowering& lowering) {
  const std::vector<Integer> dims = lowering.net().dims(lowering.operation().inputs[0]);
  const Batch& batch = lowering.batch();
  const auto axis = static_cast<std::size_t>(batch.axis);
  const std::int64_t behind = product(lowering, dims, axis + 1);
  return batch.folded() ? behind * (dims[axis].value / batch.before) : behind;
}

[[noreturn]] void refuse_mixing(const Lowering& lowering, const std::vector<Integer>& target) {
  std::string text;
  for (const Integer& extent : target) text += (text.empty() ? "" : ", ") + to_string(extent);
  refuse("gives " + describe(lowering.net(), lowering.operation().inputs[0]) + " the shape (" +
         text + "), which mixes the examples of a batch");
}

// Entries of 0 keep what is there.
std::vector<Integer> with_kept(const Lowering& lowering, std::vector<Integer> target,
                               bool zero_keeps) {
  const std::vector<Integer> from = lowering.net().dims(lowering.operation().inputs[0]);
  int open = 0;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i].value == 0 && zero_keeps) {
      if (i >= from.size())
        malformed(lowering.operation(),
                  "keeps dimension " + std::to_string(i) + ", which its input does not have");
      target[i] = from[i];
    }
    if (target[i].value == 0) refuse("gives a value without elements");
    if (target[i].value < -1 || (target[i].value == -1 && ++open > 1))
      malformed(lowering.operation(),
                "its shape has an entry " + std::to_string(target[i].value) + " too many");
  }
  return target;
}

// The entry of -1 as a number, or as a number of examples where the batch is nowhere else.
void close_open(const Lowering& lowering, std::vector<Integer>& target) {
  const auto open = std::ranges::find(target, Integer{-1, false});
  if (open == target.end()) return;
  const bool told = std::ranges::any_of(target, &Integer::batch);
  const std::int64_t batch = lowering.net().batch;
  *open = {1, false};
  const std::int64_t rest = product(lowering, target, 0);
  std::int64_t count = ops::element_count(lowering.shape(0));
  if (!told && batch != 0 && __builtin_mul_overflow(count, batch, &count))
    refuse("has more elements than can be counted");
  *open = {-1, false};
  if (rest == 0 || count % rest != 0) refuse_mixing(lowering, target);
  *open = {count / rest, !told && batch == 0};
}

// The entries that may hold the batch, which the file gives as a number: one that counts nothing
// else, or all that fit.
std::vector<std::int64_t> fitting_entries(const Lowering& lowering,
                                          const std::vector<Integer>& target, std::int64_t inner) {
  const std::int64_t batch = lowering.net().batch;
  std::vector<std::int64_t> found;
  for (std::size_t i = 0; batch != 0 && i < target.size(); ++i) {
    const std::int64_t behind = product(lowering, target, i + 1);
    if (target[i].value % batch != 0 || behind == 0 || inner % behind != 0) continue;
    const std::int64_t kept = target[i].value / batch;
    if (kept == 1 && behind == inner) return {static_cast<std::int64_t>(i)};
    if (kept % (inner / behind) == 0) found.push_back(static_cast<std::int64_t>(i));
  }
  return found;
}

std::size_t batch_entry(const Lowering& lowering, const std::vector<Integer>& target,
                        std::int64_t inner) {
  const auto found = fitting_entries(lowering, target, inner);
  if (found.empty()) refuse_mixing(lowering, target);
  const std::int64_t chosen = integer(lowering.operation(), kBatchEntry, found.front());
  return static_cast<std::size_t>(std::ranges::find(found, chosen) == found.end() ? found.front()
                                                                                  : chosen);
}

Reshaped reshaped_example(const Lowering& lowering, std::vector<Integer> target) {
  const std::vector<Integer> asked = target;
  close_open(lowering, target);
  const std::int64_t inner = inner_count(lowering);
  const auto told = std::ranges::find_if(target, &Integer::batch);
  const std::size_t at = told != target.end() ? static_cast<std::size_t>(told - target.begin())
                                              : batch_entry(lowering, target, inner);
  if (told == target.end()) target[at].value /= lowering.net().batch;
  target[at].batch = true;
  const std::int64_t behind = product(lowering, target, at + 1);
  const std::int64_t kept = target[at].value;
  const bool fits = std::ranges::count_if(target, &Integer::batch) == 1 && behind > 0 &&
                    inner % behind == 0 && kept > 0 && kept % (inner / behind) == 0 &&
                    product(lowering, target, 0) == ops::element_count(lowering.shape(0));
  if (!fits) refuse_mixing(lowering, asked);
  Reshaped result{.dims = {}, .batch = {.axis = static_cast<std::int64_t>(at)}};
  for (const Integer& extent : target) result.dims.push_back(extent.value);
  if (kept == 1) result.dims.erase(result.dims.begin() + static_cast<std::ptrdiff_t>(at));
  if (kept > 1) result.batch.before = kept / (inner / behind);
  return result;
}

void output_reshaped(Lowering& lowering, const Reshaped& to) {
  const bool scalar = to.dims.empty();
  lowering.output(reshaped(lowering, scalar ? Shape{1} : to.dims), scalar, to.batch);
}

// A value without batch dimension of this shape: the one example that it is may have one again.
void output_whole(Lowering& lowering, Source source, Shape dims) {
  const bool dropped =
      lowering.net().value(lowering.operation().inputs[0]).examples == Examples::kDropped;
  if (!dropped || dims.empty() || dims[0] != 1) return lowering.output(source, dims.empty());
  dims.erase(dims.begin());
  const bool scalar = dims.empty();
  lowering.output_with_batch(
      lowering.add("reshape", {source}, {{"shape", scalar ? Shape{1} : dims}}), scalar);
}

// Of a value without batch dimension.
Shape whole_shape(const Lowering& lowering, const std::vector<Integer>& target, bool zero_keeps) {
  const Shape& from = lowering.shape(0);
  Shape dims;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const bool kept = target[i].value == 0 && zero_keeps;
    if (kept && static_cast<std::int64_t>(i) >= lowering.rank(0))
      malformed(lowering.operation(),
                "keeps dimension " + std::to_string(i) + ", which its input does not have");
    dims.push_back(kept ? from[i] : target[i].value);
  }
  Shape closed = dims;
  std::int64_t count = 0;
  if (const auto open = std::ranges::find(closed, -1); open != closed.end()) *open = 1;
  if (!multiply_extents(closed, kMostElements, count))
    malformed(lowering.operation(),
              "its shape " + ops::to_string(dims) + " is negative or absurdly large");
  return dims;
}

void reshape(Lowering& lowering) {
  const ConstantPtr& target = lowering.constant(1);
  if (!target->integer || target->dims.size() != 1)
    malformed(lowering.operation(), "its shape is not a list of integers");
  if (target->integers.empty()) refuse("makes a scalar");
  const bool zero_keeps = integer(lowering.operation(), "allowzero", 0) == 0;
  if (lowering.batch_axes() == 0) {
    const Shape dims = whole_shape(lowering, target->integers, zero_keeps);
    return output_whole(lowering, lowering.add("reshape", {lowering.value(0)}, {{"shape", dims}}),
                        dims);
  }
  output_reshaped(lowering,
                  reshaped_example(lowering, with_kept(lowering, target->integers, zero_keeps)));
}

// A matrix: the dimensions before `axis` as rows.
void flatten(Lowering& lowering) {
  const std::int64_t rank = lowering.rank(0);
  std::int64_t axis = integer(lowering.operation(), "axis", 1);
  if (axis != rank) axis = checked_axis(lowering.operation(), axis, rank);
  const std::vector<Integer> dims = lowering.net().dims(lowering.operation().inputs[0]);
  std::vector<Integer> target(2, {1, false});
  for (std::size_t i = 0; i < dims.size(); ++i) {
    Integer& side = target[static_cast<std::int64_t>(i) < axis ? 0 : 1];
    side = {side.value * dims[i].value, side.batch || dims[i].batch};
  }
  if (lowering.batch_axes() == 0)
    return lowering.output(lowering.add("reshape", {lowering.value(0)},
                                        {{"shape", Shape{target[0].value, target[1].value}}}),
                           false);
  if (target[1].batch)
    refuse("flattens the examples of a batch together (axis " + std::to_string(axis) + ")");
  output_reshaped(lowering, reshaped_example(lowering, target));
}

void squeeze(Lowering& lowering) {
  const Shape& shape = lowering.shape(0);
  Batch batch = lowering.batch();
  if (lowering.has(1)) {
    auto listed = lowering.list(1);
    const bool drops = std::erase_if(listed, [&](std::int64_t axis) {
                         return lowering.is_only_example(axis);
                       }) > 0;
    const auto axes = lowering.example_axes(listed, lowering.rank(0));
    if (drops) {
      const bool left = axes.size() < shape.size() && !lowering.is_scalar(0);
      const bool same = axes.empty() || lowering.is_scalar(0);
      return lowering.output_without_batch(
          same ? lowering.value(0) : lowering.add("squeeze", {lowering.value(0)}, {{"axes", axes}}),
          !left);
    }
    for (const std::int64_t axis : listed)
      if (checked_axis(lowering.operation(), axis, lowering.rank(0)) < lowering.batch().axis)
        --batch.axis;
    const bool scalar =
        axes.size() == static_cast<std::size_t>(lowering.rank(0) - lowering.batch_axes());
    const bool same = scalar && axes.size() == 1;  // (1) stands for a value without a dimension
    return lowering.output(
        same ? lowering.value(0) : lowering.add("squeeze", {lowering.value(0)}, {{"axes", axes}}),
        scalar, batch);
  }
  const bool drops = lowering.batch_axes() > 0 && lowering.net().batch == 1 && !batch.folded();
  if (!drops && batch != Batch{})
    refuse("drops every dimension of extent 1 of " +
           describe(lowering.net(), lowering.operation().inputs[0]));
  const std::ptrdiff_t gone = std::ranges::count(shape, 1);
  const bool scalar = lowering.is_scalar(0) || gone == std::ssize(shape);
  const Source left = gone == 0 || lowering.is_scalar(0)
                          ? lowering.value(0)
                          : lowering.add("squeeze", {lowering.value(0)});
  drops ? lowering.output_without_batch(left, scalar) : lowering.output(left, scalar);
}

void unsqueeze(Lowering& lowering) {
  const auto listed = lowering.list(1);
  const std::int64_t rank = lowering.rank(0) + static_cast<std::int64_t>(listed.size());
  std::vector<char> added(static_cast<std::size_t>(rank), 0);
  for (const std::int64_t axis : listed) {
    char& each = added[checked_axis(lowering.operation(), axis, rank)];
    if (each != 0) malformed(lowering.operation(), "names an axis twice");
    each = 1;
  }
  Batch batch = lowering.batch();
  std::vector<std::int64_t> axes;
  std::int64_t from = 0;     // dimensions of the input so far
  std::int64_t example = 0;  // and of an example of the output
  for (std::int64_t i = 0; i < rank; ++i) {
    const bool is_new = added[i] != 0;
    const bool is_batch = !is_new && lowering.batch_axes() > 0 && from == lowering.batch().axis;
    if (is_batch) batch.axis = i;
    if (is_new) axes.push_back(example);
    if (!is_new) ++from;
    if (!is_batch || batch.folded()) ++example;
  }
  if (lowering.net().value(lowering.operation().inputs[0]).examples == Examples::kDropped &&
      added[0] != 0) {
    axes.erase(axes.begin());  // the examples are the first dimension again
    for (std::int64_t& axis : axes) --axis;
    const bool left = lowering.is_scalar(0) && axes.empty();
    if (lowering.is_scalar(0) && !left) axes.pop_back();
    return lowering.output_with_batch(
        axes.empty() ? lowering.value(0)
                     : lowering.add("unsqueeze", {lowering.value(0)}, {{"axes", axes}}),
        left);
  }
  const bool scalar = lowering.is_scalar(0) && axes.empty();
  if (lowering.is_scalar(0) && !scalar)
    axes.pop_back();  // a scalar is (1) here: one of them is there already
  lowering.output(axes.empty() ? lowering.value(0)
                               : lowering.add("unsqueeze", {lowering.value(0)}, {{"axes", axes}}),
                  scalar, batch);
}

}  // namespace

std::vector<std::int64_t> batch_entries(const Net& net, const Operation& operation) {
  const int shape = input(operation, 1);
  if (operation.op != "Reshape" || net.batch_axes == 0 || shape < 0 ||
      net.value(shape).constant == nullptr)
    return {};
  const Lowering lowering(net, operation);
  const ConstantPtr& target = lowering.constant(1);
  if (!target->integer || target->dims.size() != 1 || target->integers.empty() ||
      std::ranges::any_of(target->integers, &Integer::batch))
    return {};
  auto closed = with_kept(lowering, target->integers, integer(operation, "allowzero", 0) == 0);
  close_open(lowering, closed);
  if (std::ranges::any_of(closed, &Integer::batch)) return {};
  return fitting_entries(lowering, closed, inner_count(lowering));
}

namespace {

constexpr std::array kReshapeRules = {
    Rule{"Reshape", 2, 2, "allowzero", reshape},
    Rule{"Flatten", 1, 1, "axis", flatten},
    Rule{"Squeeze", 1, 2, "", squeeze},
    Rule{"Unsqueeze", 2, 2, "", unsqueeze},
};

}  // namespace

std::span<const Rule> reshape_rules() { return kReshapeRules; }

}  // namespace undying::onnx
