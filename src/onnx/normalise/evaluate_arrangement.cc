// Operations on constants that move elements and leave them as they are: each output element is one
// input element, told by its index.

#include <algorithm>
#include <array>
#include <numeric>

#include "onnx/normalise/evaluate.h"
#include "ops/operator.h"

namespace undying::onnx {

namespace {

std::size_t position(std::int64_t index) { return static_cast<std::size_t>(index); }

std::int64_t rank_of(const Constant& constant) {
  return static_cast<std::int64_t>(constant.dims.size());
}

// A constant of shape `dims` whose i-th element is element number source(i) of `from`.
template <class Source>
Constant pick(const Operation& operation, const Constant& from, Shape dims, Source source) {
  Constant result{.dims = std::move(dims), .integer = from.integer};
  const std::int64_t count = checked_count(operation, result.dims);
  if (count > std::max(from.count(), from.integer ? kMostIntegers : 40 * kMostIntegers))
    refuse("makes more constants than are computed");
  from.integer ? result.integers.reserve(position(count)) : result.floats.reserve(position(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::size_t index = position(source(i));
    if (from.integer)
      result.integers.push_back(from.integers[index]);
    else
      result.floats.push_back(from.floats[index]);
  }
  return result;
}

// The same elements under another shape: still those of the initializer, unless they were moved
// before.
Outputs reshaped(const Operation& operation, const Constant& from, Shape dims) {
  if (checked_count(operation, dims) != from.count())
    malformed(operation, "gives " + std::to_string(from.count()) + " elements the shape " +
                             ops::to_string(dims));
  Constant result = from;
  if (result.transposed) result.origin.clear();
  result.transposed = false;
  result.dims = std::move(dims);
  return one(std::move(result));
}

// An initializer that passes Identity is a copy: nodes that read both do not share it.
Outputs identity(const Operation& operation, Inputs inputs) {
  Constant copy = required(operation, inputs, 0);
  copy.origin.clear();
  return one(std::move(copy));
}

Outputs reshape(const Operation& operation, Inputs inputs) {
  const Constant& from = required(operation, inputs, 0);
  Shape dims = plain_integers(operation, required(operation, inputs, 1));
  const auto open = std::ranges::find(dims, -1);
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != 0 || integer(operation, "allowzero", 0) != 0) continue;
    if (i >= from.dims.size())
      malformed(operation,
                "keeps dimension " + std::to_string(i) + ", which its input does not have");
    dims[i] = from.dims[i];
  }
  if (open != dims.end()) {
    *open = 1;
    const std::int64_t rest = checked_count(operation, dims);
    if (rest == 0 || from.count() % rest != 0)
      malformed(operation, "its shape does not fit " + std::to_string(from.count()) + " elements");
    *open = from.count() / rest;
  }
  return reshaped(operation, from, std::move(dims));
}

Outputs flatten(const Operation& operation, Inputs inputs) {
  const Constant& from = required(operation, inputs, 0);
  const std::int64_t axis = integer(operation, "axis", 1);
  const auto split = from.dims.begin() +
                     (axis == rank_of(from) ? axis : checked_axis(operation, axis, rank_of(from)));
  return reshaped(operation, from,
                  {checked_count(operation, {from.dims.begin(), split}),
                   checked_count(operation, {split, from.dims.end()})});
}

Outputs squeeze(const Operation& operation, Inputs inputs) {
  const Constant& from = required(operation, inputs, 0);
  std::vector<char> gone(from.dims.size(), 0);
  if (inputs.size() > 1 && inputs[1] != nullptr) {
    for (const std::int64_t axis : plain_integers(operation, *inputs[1]))
      gone[position(checked_axis(operation, axis, rank_of(from)))] = 1;
  } else {
    for (std::size_t i = 0; i < gone.size(); ++i) gone[i] = from.dims[i] == 1 ? 1 : 0;
  }
  Shape dims;
  for (std::size_t i = 0; i < gone.size(); ++i)
    if (gone[i] == 0) dims.push_back(from.dims[i]);
  return reshaped(operation, from, std::move(dims));
}

Outputs unsqueeze(const Operation& operation, Inputs inputs) {
  const Constant& from = required(operation, inputs, 0);
  const auto axes = plain_integers(operation, required(operation, inputs, 1));
  const std::int64_t rank = rank_of(from) + static_cast<std::int64_t>(axes.size());
  std::vector<char> added(position(rank), 0);
  for (const std::int64_t axis : axes) added[position(checked_axis(operation, axis, rank))] = 1;
  Shape dims;
  std::size_t next = 0;
  for (const char is_new : added) {
    if (is_new == 0 && next == from.dims.size()) malformed(operation, "names an axis twice");
    dims.push_back(is_new != 0 ? 1 : from.dims[next++]);
  }
  return reshaped(operation, from, std::move(dims));
}

Outputs transpose(const Operation& operation, Inputs inputs) {
  const Constant& from = required(operation, inputs, 0);
  std::vector<std::int64_t> reversed(from.dims.size());
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  const auto perm = integers(operation, "perm", reversed);
  std::vector<std::int64_t> sorted = perm;
  std::ranges::sort(sorted);
  std::ranges::reverse(reversed);
  if (sorted != reversed)
    malformed(operation,
              "its perm " + ops::to_string(perm) + " does not fit " + ops::to_string(from.dims));
  std::vector<std::int64_t> strides(from.dims.size(), 1);
  for (std::size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * from.dims[i];
  Shape dims;
  for (const std::int64_t axis : perm) dims.push_back(from.dims[position(axis)]);
  Constant result = pick(operation, from, dims, [&](std::int64_t at) {
    std::int64_t source = 0;
    for (std::size_t i = dims.size(); i-- > 0; at /= dims[i])
      source += at % dims[i] * strides[position(perm[i])];
    return source;
  });
  if (perm.size() == 2 && perm[0] == 1) {
    result.origin = from.origin;
    result.transposed = !from.transposed;
  }
  return one(std::move(result));
}

// Sizes around an axis: the product before it and behind it.
struct Around {
  std::int64_t before = 1;
  std::int64_t behind = 1;
};
Around around(const Shape& dims, std::int64_t axis) {
  Around sizes;
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (i != position(axis)) (i < position(axis) ? sizes.before : sizes.behind) *= dims[i];
  return sizes;
}

// Along `axis`, the indices given.
Constant take(const Operation& operation, const Constant& from, std::int64_t axis,
              const std::vector<std::int64_t>& indices) {
  const std::int64_t behind = around(from.dims, axis).behind;
  const std::int64_t extent = from.dims[position(axis)];
  const auto taken = static_cast<std::int64_t>(indices.size());
  Shape dims = from.dims;
  dims[position(axis)] = taken;
  return pick(operation, from, dims, [&](std::int64_t at) {
    const std::int64_t index = indices[position(at / behind % taken)];
    return (at / behind / taken * extent + index) * behind + at % behind;
  });
}

Outputs gather(const Operation& operation, Inputs inputs) {
  const Constant& from = required(operation, inputs, 0);
  const Constant& index = required(operation, inputs, 1);
  const std::int64_t axis = checked_axis(operation, integer(operation, "axis", 0), rank_of(from));
  std::vector<std::int64_t> indices = plain_integers(operation, index);
  for (std::int64_t& each : indices)
    each = checked_axis(operation, each, from.dims[position(axis)]);
  Constant result = take(operation, from, axis, indices);
  result.dims.erase(result.dims.begin() + axis);
  result.dims.insert(result.dims.begin() + axis, index.dims.begin(), index.dims.end());
  return one(std::move(result));
}

std::vector<std::int64_t> indices_of(const Range& range) {
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < range.count; ++i) indices.push_back(range.start + i * range.step);
  return indices;
}

Outputs slice(const Operation& operation, Inputs inputs) {
  Constant result = required(operation, inputs, 0);
  const auto starts = plain_integers(operation, required(operation, inputs, 1));
  const auto ends = plain_integers(operation, required(operation, inputs, 2));
  std::vector<std::int64_t> axes(starts.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (inputs.size() > 3 && inputs[3] != nullptr) axes = plain_integers(operation, *inputs[3]);
  std::vector<std::int64_t> steps(starts.size(), 1);
  if (inputs.size() > 4 && inputs[4] != nullptr) steps = plain_integers(operation, *inputs[4]);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    malformed(operation, "its starts, ends, axes and steps differ in number");
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::int64_t axis = checked_axis(operation, axes[i], rank_of(result));
    result = take(operation, result, axis,
                  indices_of(slice_range(operation, starts[i], ends[i], steps[i],
                                         result.dims[position(axis)])));
  }
  return one(std::move(result));
}

Outputs split(const Operation& operation, Inputs inputs) {
  const Constant& from = required(operation, inputs, 0);
  const std::int64_t axis = checked_axis(operation, integer(operation, "axis", 0), rank_of(from));
  const std::int64_t extent = from.dims[position(axis)];
  std::vector<std::int64_t> sizes = equal_parts(operation, extent);
  if (inputs.size() > 1 && inputs[1] != nullptr) sizes = plain_integers(operation, *inputs[1]);
  const auto complain = [&] {
    malformed(operation,
              "its parts " + ops::to_string(sizes) + " do not make up " + std::to_string(extent));
  };
  if (sizes.size() != operation.outputs.size()) complain();
  Outputs outputs;
  std::int64_t start = 0;
  for (const std::int64_t each : sizes) {
    if (each < 0 || each > extent - start) complain();
    outputs.push_back(
        std::make_shared<Constant>(take(operation, from, axis, indices_of({start, each, 1}))));
    start += each;
  }
  if (start != extent) complain();
  return outputs;
}

// Rows of every input in turn, a row being what lies from the axis on.
Outputs concat(const Operation& operation, Inputs inputs) {
  const Constant& first = required(operation, inputs, 0);
  const std::int64_t axis = checked_axis(operation, integer(operation, "axis", 0), rank_of(first));
  Constant result{.dims = first.dims, .integer = first.integer};
  result.dims[position(axis)] = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Constant& next = required(operation, inputs, i);
    Shape expected = first.dims;
    if (next.dims.size() == expected.size()) expected[position(axis)] = next.dims[position(axis)];
    if (next.integer != first.integer || next.dims != expected)
      malformed(operation, "joins " + ops::to_string(first.dims) + " and " +
                               ops::to_string(next.dims) + " at axis " + std::to_string(axis));
    result.dims[position(axis)] += next.dims[position(axis)];
  }
  checked_count(operation, result.dims);
  const Around sizes = around(first.dims, axis);
  for (std::int64_t row = 0; row < sizes.before; ++row) {
    for (const ConstantPtr& next : inputs) {
      const std::int64_t size = next->dims[position(axis)] * sizes.behind;
      const auto append = [&](auto& to, const auto& from) {
        to.insert(to.end(), from.begin() + row * size, from.begin() + (row + 1) * size);
      };
      result.integer ? append(result.integers, next->integers)
                     : append(result.floats, next->floats);
    }
  }
  return one(std::move(result));
}

// A shape whose batch is 1: the same for every example, a constant is broadcast to all of them
// wherever it meets them.
Shape of_one_example(const Operation& operation, const Constant& shape) {
  Constant single = shape;
  for (Integer& extent : single.integers)
    if (extent == Integer{1, true}) extent = {1, false};
  return plain_integers(operation, single);
}

Outputs expand(const Operation& operation, Inputs inputs) {
  const Constant& from = required(operation, inputs, 0);
  const Shape dims =
      broadcast(operation, from.dims, of_one_example(operation, required(operation, inputs, 1)));
  return one(pick(operation, from, dims, [&](std::int64_t at) {
    std::int64_t source = 0;
    std::int64_t stride = 1;
    for (std::size_t i = 0; i < from.dims.size(); ++i) {
      const std::int64_t extent = dims[dims.size() - 1 - i];
      const std::int64_t own = from.dims[from.dims.size() - 1 - i];
      if (own != 1) source += at % extent * stride;
      stride *= own;
      at /= extent;
    }
    return source;
  }));
}

Outputs constant_of_shape(const Operation& operation, Inputs inputs) {
  const ConstantPtr value = setting<ConstantPtr>(operation, "value", make_floats({1}, {0.0f}));
  if (value->count() != 1)
    malformed(operation, "fills with " + std::to_string(value->count()) + " values; expected one");
  return one(pick(operation, *value, of_one_example(operation, required(operation, inputs, 0)),
                  [](std::int64_t) { return 0; }));
}

constexpr std::array kArrangement = {
    Evaluated{"Concat", concat},
    Evaluated{"Flatten", flatten},
    Evaluated{"Gather", gather},
    Evaluated{"Identity", identity},
    Evaluated{"Reshape", reshape},
    Evaluated{"Slice", slice},
    Evaluated{"Split", split},
    Evaluated{"Squeeze", squeeze},
    Evaluated{"Transpose", transpose},
    Evaluated{"Unsqueeze", unsqueeze},
    Evaluated{"ConstantOfShape", constant_of_shape},
    Evaluated{"Expand", expand},
};

}  // namespace

std::span<const Evaluated> arrangement() { return kArrangement; }

}  // namespace undying::onnx
