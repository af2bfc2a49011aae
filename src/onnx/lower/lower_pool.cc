// Pooling, and reductions over dimensions.

#include "onnx/lower/window.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "onnx/names.h"
#include "ops/operator.h"

namespace undying::onnx {

void set_unless(Attributes& attributes, const std::string& name,
                const std::vector<std::int64_t>& values, std::int64_t usual) {
  if (std::ranges::any_of(values, [&](std::int64_t value) { return value != usual; }))
    attributes.set(name, values);
}

// What convolutions and pools share.
Attributes window(const Lowering& lowering, const std::vector<std::int64_t>& kernel) {
  const Operation& operation = lowering.operation();
  const std::size_t dimensions = kernel.size();
  if (dimensions != lowering.shape(0).size() - 1)
    malformed(operation,
              "its kernel has " + std::to_string(dimensions) + " dimensions, its input other ones");
  if (dimensions < 1 || dimensions > 3)
    refuse("works in " + std::to_string(dimensions) + " dimensions; expected 1 to 3");
  if (std::ranges::min(kernel) < 1) malformed(operation, "its kernel has an extent below 1");
  Attributes attributes = {{"kernel", kernel}};
  for (const char* name : {"strides", "dilations"}) {
    const auto values = lowering.extents(name, dimensions, 1);
    if (std::ranges::min(values) < 1)
      malformed(operation, "its " + std::string(name) + " have an entry below 1");
    set_unless(attributes, name, values, 1);
  }
  const std::string pad = text(operation, "auto_pad", "NOTSET");
  constexpr std::array<std::array<const char*, 2>, 3> kNames = {
      {{"SAME_UPPER", "same_upper"}, {"SAME_LOWER", "same_lower"}, {"VALID", "valid"}}};
  const auto found =
      std::ranges::find_if(kNames, [&](const auto& names) { return pad == names[0]; });
  if (found == kNames.end() && pad != "NOTSET")
    malformed(operation, "its auto_pad is " + printable(pad));
  if (found == kNames.end())
    set_unless(attributes, "pads", lowering.extents("pads", 2 * dimensions, 0), 0);
  if (found != kNames.end()) attributes.set("auto_pad", std::string((*found)[1]));
  return attributes;
}

namespace {

void pool(Lowering& lowering, const char* op) {
  const Operation& operation = lowering.operation();
  lowering.only_first_output();
  if (lowering.batch_axes() == 0) refuse("needs a batch dimension");
  const auto kernel = lowering.extents("kernel_shape", lowering.shape(0).size() - 1, 0);
  Attributes attributes = window(lowering, kernel);
  for (const char* flag : {"ceil_mode", "count_include_pad"})
    if (integer(operation, flag, 0) != 0) attributes.set(flag, std::int64_t{1});
  lowering.output(lowering.add(op, {lowering.value(0)}, std::move(attributes)));
}

void max_pool(Lowering& lowering) { pool(lowering, "max_pool"); }
void average_pool(Lowering& lowering) { pool(lowering, "average_pool"); }

void global_pool(Lowering& lowering, const char* op) {
  if (lowering.batch_axes() == 0) refuse("needs a batch dimension");
  if (lowering.shape(0).size() < 2)
    malformed(lowering.operation(), "has no positions to pool over");
  lowering.output(lowering.add(op, {lowering.value(0)}));
}

void global_average_pool(Lowering& lowering) { global_pool(lowering, "global_average_pool"); }
void global_max_pool(Lowering& lowering) { global_pool(lowering, "global_max_pool"); }

// The dimensions of an example that a reduction works along, in order; none named: all.
std::vector<std::int64_t> reduced_axes(const Lowering& lowering, std::vector<std::int64_t> axes) {
  const std::int64_t rank = lowering.rank(0);
  if (axes.empty()) {
    axes.resize(static_cast<std::size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
  }
  std::erase_if(axes, [&](std::int64_t axis) { return lowering.is_only_example(axis); });
  return lowering.example_axes(axes, rank);
}

bool is_all_positions(const Lowering& lowering, const std::vector<std::int64_t>& axes) {
  const auto rank = static_cast<std::int64_t>(lowering.shape(0).size());
  return lowering.batch_axes() > 0 && lowering.batch() == Batch{} && rank >= 2 &&
         static_cast<std::int64_t>(axes.size()) == rank - 1 && axes.front() == 1;
}

// Where the batch stands once the axes are gone.
Batch batch_behind(const Lowering& lowering, const std::vector<std::int64_t>& axes) {
  Batch batch = lowering.batch();
  if (lowering.batch_axes() == 0 || integer(lowering.operation(), "keepdims", 1) != 0) return batch;
  batch.axis -=
      std::ranges::count_if(axes, [&](std::int64_t axis) { return axis < lowering.batch().axis; });
  return batch;
}

// What is left of a value once these axes are gone, and with them perhaps the one example of the
// file.
void output_reduced(Lowering& lowering, Source result, const std::vector<std::int64_t>& axes) {
  const bool keep = integer(lowering.operation(), "keepdims", 1) != 0;
  const bool scalar = (axes.size() == lowering.shape(0).size() && !keep) || lowering.is_scalar(0);
  const auto named = lowering.list(1);
  const bool drops = !keep && lowering.is_only_example(lowering.batch().axis) &&
                     (named.empty() || std::ranges::any_of(named, [&](std::int64_t axis) {
                        return lowering.is_only_example(axis);
                      }));
  if (drops) return lowering.output_without_batch(result, scalar);
  lowering.output(result, scalar, batch_behind(lowering, axes));
}

void reduce(Lowering& lowering, const char* op, const std::vector<std::int64_t>& axes) {
  Attributes attributes = {{"axes", axes}};
  if (integer(lowering.operation(), "keepdims", 1) == 0)
    attributes.set("keepdims", std::int64_t{0});
  output_reduced(lowering,
                 axes.empty() ? lowering.value(0)
                              : lowering.add(op, {lowering.value(0)}, std::move(attributes)),
                 axes);
}

// No axes are all of them, unless the operation says that they are none.
bool is_no_reduction(const Lowering& lowering) {
  return lowering.list(1).empty() && integer(lowering.operation(), "noop_with_empty_axes", 0) != 0;
}

// Over all positions, the mean is a global average pool.
void reduce_mean(Lowering& lowering) {
  if (is_no_reduction(lowering)) return lowering.output(lowering.value(0));
  const auto axes = reduced_axes(lowering, lowering.list(1));
  if (!is_all_positions(lowering, axes)) return reduce(lowering, "reduce_mean", axes);
  const Source pooled = lowering.add("global_average_pool", {lowering.value(0)});
  const bool keep = integer(lowering.operation(), "keepdims", 1) != 0;
  lowering.output(keep ? pooled : lowering.add("squeeze", {pooled}, {{"axes", axes}}));
}

void reduce_sum(Lowering& lowering) {
  if (is_no_reduction(lowering)) return lowering.output(lowering.value(0));
  reduce(lowering, "reduce_sum", reduced_axes(lowering, lowering.list(1)));
}

Attributes reduction_of(const std::vector<std::int64_t>& axes, bool keep) {
  Attributes attributes = {{"axes", axes}};
  if (!keep) attributes.set("keepdims", std::int64_t{0});
  return attributes;
}

using Function = Source (*)(Lowering& lowering, Source src);

Source itself(Lowering&, Source src) { return src; }
Source square(Lowering& lowering, Source src) { return lowering.add("mul", {src, src}); }
Source magnitude(Lowering& lowering, Source src) { return lowering.add("abs", {src}); }
Source root(Lowering& lowering, Source src) { return lowering.add("sqrt", {src}); }
Source logarithm(Lowering& lowering, Source src) { return lowering.add("log", {src}); }

// behind(OP over the axes of before(x)).
template <const char* kOp, Function kBefore, Function kBehind>
void reduced(Lowering& lowering) {
  const bool none = is_no_reduction(lowering);
  const Source src = kBefore(lowering, lowering.value(0));
  if (none) return lowering.output(kBehind(lowering, src));
  const auto axes = reduced_axes(lowering, lowering.list(1));
  const bool keep = integer(lowering.operation(), "keepdims", 1) != 0;
  const Source result = kBehind(lowering, lowering.add(kOp, {src}, reduction_of(axes, keep)));
  output_reduced(lowering, result, axes);
}

// The largest is taken off first and added again, so that no exponential overflows.
void reduce_log_sum_exp(Lowering& lowering) {
  const auto axes = reduced_axes(lowering, lowering.list(1));
  const bool keep = integer(lowering.operation(), "keepdims", 1) != 0;
  const Source src = lowering.value(0);
  const Source largest = lowering.add("reduce_max", {src}, reduction_of(axes, true));
  const Source exponential = lowering.add("exp", {lowering.add("sub", {src, largest})});
  Source result = lowering.add(
      "add",
      {logarithm(lowering, lowering.add("reduce_sum", {exponential}, reduction_of(axes, true))),
       largest});
  if (!keep) result = lowering.add("squeeze", {result}, {{"axes", axes}});
  output_reduced(lowering, result, axes);
}

constexpr char kMax[] = "reduce_max";
constexpr char kMin[] = "reduce_min";
constexpr char kSum[] = "reduce_sum";

constexpr std::array kPoolRules = {
    Rule{"MaxPool", 1, 1, "auto_pad ceil_mode dilations kernel_shape pads storage_order strides",
         max_pool, true},
    Rule{"AveragePool", 1, 1,
         "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides", average_pool,
         true},
    Rule{"GlobalAveragePool", 1, 1, "", global_average_pool, true},
    Rule{"GlobalMaxPool", 1, 1, "", global_max_pool, true},
    Rule{"ReduceMean", 1, 2, "keepdims noop_with_empty_axes", reduce_mean},
    Rule{"ReduceSum", 1, 2, "keepdims noop_with_empty_axes", reduce_sum},
    Rule{"ReduceMax", 1, 2, "keepdims noop_with_empty_axes", reduced<kMax, itself, itself>},
    Rule{"ReduceMin", 1, 2, "keepdims noop_with_empty_axes", reduced<kMin, itself, itself>},
    Rule{"ReduceL1", 1, 2, "keepdims noop_with_empty_axes", reduced<kSum, magnitude, itself>},
    Rule{"ReduceL2", 1, 2, "keepdims noop_with_empty_axes", reduced<kSum, square, root>},
    Rule{"ReduceSumSquare", 1, 2, "keepdims noop_with_empty_axes", reduced<kSum, square, itself>},
    Rule{"ReduceLogSum", 1, 2, "keepdims noop_with_empty_axes", reduced<kSum, itself, logarithm>},
    Rule{"ReduceLogSumExp", 1, 2, "keepdims", reduce_log_sum_exp},
};

}  // namespace

std::span<const Rule> pool_rules() { return kPoolRules; }

}  // namespace undying::onnx
