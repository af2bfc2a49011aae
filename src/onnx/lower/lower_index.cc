// Operations that choose elements: by known indices, by their size, by numbers that are computed.

#include <algorithm>
#include <array>
#include <numeric>

#include "onnx/lower/lower.h"
#include "onnx/names.h"
#include "onnx/normalise/evaluate.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

using List = std::vector<std::int64_t>;

Shape first_of(const Shape& shape, std::int64_t count) {
  return {shape.begin(), shape.begin() + count};
}
Shape behind(const Shape& shape, std::int64_t count) {
  return {shape.begin() + count, shape.end()};
}
Shape joined(Shape front, const Shape& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

Source reshaped(Lowering& lowering, Source src, const Shape& from, const Shape& to) {
  if (from == to) return src;
  return lowering.add("reshape", {src}, {{"shape", to.empty() ? Shape{1} : to}});
}

Source taken(Lowering& lowering, Source rows, const List& indices) {
  if (static_cast<std::int64_t>(indices.size()) > 16 * kMostIntegers)
    refuse("has more indices than are read");
  return lowering.add("take", {rows}, {{"axis", std::int64_t{0}}, {"indices", indices}});
}

// The dimension of an example, none of whose dimensions up to `count` in ONNX may count examples.
void check_behind(const Lowering& lowering, const Batch& batch, std::int64_t count) {
  if (lowering.batch_axes() > 0 && batch.axis < count)
    refuse("indexes axis " + std::to_string(batch.axis) +
           ", the examples of a batch, which are independent here");
}

// ---- GatherND, ScatterND: each list of numbers along the last dimension of the indices names a
// row, which is what lies behind the dimensions that they index.

// The rows that lists of `depth` numbers name, in blocks of as many lists as stand behind the first
// `blocks` dimensions.
List row_numbers(const Operation& operation, const Constant& index, const Shape& dims,
                 std::int64_t blocks, const Shape& extents) {
  const List numbers = plain_integers(operation, index);
  const std::int64_t depth = dims.back();
  const std::int64_t lists = ops::element_count(dims) / depth;
  const std::int64_t each = lists / ops::element_count(first_of(dims, blocks));
  List rows;
  for (std::int64_t i = 0; i < lists; ++i) {
    std::int64_t row = i / each;
    for (std::int64_t j = 0; j < depth; ++j) {
      const std::int64_t extent = extents[blocks + j];
      row = row * extent + checked_axis(operation, numbers[i * depth + j], extent);
    }
    rows.push_back(row);
  }
  return rows;
}

std::int64_t checked_depth(const Lowering& lowering, const Constant& index, std::int64_t blocks,
                           std::int64_t rank) {
  const auto dims = static_cast<std::int64_t>(index.dims.size());
  const std::int64_t depth = dims == 0 ? 0 : index.dims.back();
  if (index.count() == 0) refuse("has no indices");
  if (blocks < 0 || blocks >= std::min(dims, rank) || depth < 1 || blocks + depth > rank)
    malformed(lowering.operation(), "its indices " + ops::to_string(index.dims) +
                                        " do not fit a value of " + std::to_string(rank) +
                                        " dimensions");
  return depth;
}

void gather_nd(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  ConstantPtr index = lowering.constant(1);
  std::int64_t blocks = integer(operation, "batch_dims", 0);
  const std::int64_t depth = checked_depth(lowering, *index, blocks, lowering.rank(0));
  Batch batch = lowering.batch();
  Shape dims = index->dims;
  if (lowering.batch_axes() > 0 && batch.axis < blocks) {
    if (batch.folded()) refuse("indexes dimensions that are folded with the examples of a batch");
    index = lowering.of_one_example(index, batch.axis);
    dims = index->dims;
    dims.erase(dims.begin() + batch.axis);
    --blocks;
  } else {
    check_behind(lowering, batch, blocks + depth);
    batch.axis += static_cast<std::int64_t>(dims.size()) - 1 - blocks - depth;
  }
  const Shape& shape = lowering.shape(0);
  const Shape indexed = first_of(shape, blocks + depth);
  const Shape rest = behind(shape, blocks + depth);
  if (first_of(dims, blocks) != first_of(shape, blocks))
    malformed(operation, "its indices " + ops::to_string(index->dims) + " do not fit");
  const Source rows =
      reshaped(lowering, lowering.value(0), shape,
               joined({ops::element_count(indexed)},
                      blocks + depth == 1 ? rest : Shape{ops::element_count(rest)}));
  const Source found = taken(lowering, rows, row_numbers(operation, *index, dims, blocks, indexed));
  dims.pop_back();
  const Shape result = joined(dims, rest);
  const bool same = blocks + depth == 1 && dims.size() == 1;
  lowering.output(same ? found : reshaped(lowering, found, {}, result), result.empty(), batch);
}

// A list in which updates stand for the entries at `places`.
Source replaced(Lowering& lowering, const Source& list, std::int64_t count, const Source& updates,
                const List& places) {
  List source(static_cast<std::size_t>(count));
  std::iota(source.begin(), source.end(), 0);
  for (const std::int64_t place : places) source[place] = count++;
  return taken(lowering, lowering.add("concat", {list, updates}, {{"axis", std::int64_t{0}}}),
               source);
}

void scatter_nd(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  if (const std::string how = text(operation, "reduction", "none"); how != "none")
    refuse("combines updates by " + printable(how));
  const Constant& index = *lowering.constant(1);
  const std::size_t computed = lowering.is_constant(0) ? 2 : 0;
  if (index.dims.empty()) malformed(operation, "its indices are a single number");
  // Dimensions that updates have more.
  const std::int64_t shift = static_cast<std::int64_t>(index.dims.size()) - 1 - index.dims.back();
  const std::int64_t rank = lowering.rank(computed) - (computed == 2 ? shift : 0);
  const std::int64_t depth = checked_depth(lowering, index, 0, rank);
  Batch batch = lowering.batch(computed);
  if (computed == 2) batch.axis -= shift;
  check_behind(lowering, batch, depth);
  Batch of_updates = batch;
  of_updates.axis += shift;
  if (!lowering.is_constant(2) && lowering.batch(2) != of_updates)
    refuse("updates a value by one that counts examples elsewhere");
  Shape shape;
  const auto rows_of = [&](std::size_t input, std::int64_t least, const Batch& where,
                           std::int64_t leading) {
    const bool known = lowering.is_constant(input);
    const Source src =
        known ? lowering.operand(lowering.constant(input), least, where) : lowering.value(input);
    const Shape own = known ? lowering.last().attributes.get<List>("shape") : lowering.shape(input);
    if (input == 0) shape = own;
    if (static_cast<std::int64_t>(own.size()) < leading)
      malformed(operation, "its updates do not fit its indices");
    return reshaped(
        lowering, src, own,
        {ops::element_count(first_of(own, leading)), ops::element_count(behind(own, leading))});
  };
  const Source rows = rows_of(0, rank, batch, depth);
  const Source updates =
      rows_of(2, rank + shift, of_updates, static_cast<std::int64_t>(index.dims.size()) - 1);
  const Shape indexed = first_of(shape, depth);
  const Source result = replaced(lowering, rows, ops::element_count(indexed), updates,
                                 row_numbers(operation, index, index.dims, 0, indexed));
  lowering.output(reshaped(lowering, result, {}, shape), false, batch);
}

// ---- GatherElements, ScatterElements: an index for each element, along one axis.

// Where the elements stand that indices name, in a value of this shape as a list.
List element_numbers(const Operation& operation, const Constant& index, const Shape& dims,
                     std::int64_t axis, const Shape& shape) {
  const List numbers = plain_integers(operation, index);
  List places;
  bool fits = dims.size() == shape.size();
  for (std::size_t i = 0; fits && i < dims.size(); ++i)
    fits = static_cast<std::int64_t>(i) == axis || dims[i] <= shape[i];
  if (!fits)
    malformed(operation,
              "its indices " + ops::to_string(dims) + " do not fit " + ops::to_string(shape));
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(numbers.size()); ++i) {
    std::int64_t place = 0;
    std::int64_t stride = 1;
    std::int64_t rest = i;
    for (auto d = static_cast<std::int64_t>(dims.size()); d-- > 0; rest /= dims[d]) {
      const std::int64_t extent = shape[d];
      const std::int64_t at =
          d == axis ? checked_axis(operation, numbers[i], extent) : rest % dims[d];
      place += at * stride;
      stride *= extent;
    }
    places.push_back(place);
  }
  return places;
}

// The indices of one example, and their shape.
struct Indices {
  ConstantPtr constant;
  Shape dims;
};
Indices indices_of(Lowering& lowering) {
  ConstantPtr index = lowering.constant(1);
  Shape dims = index->dims;
  if (static_cast<std::int64_t>(dims.size()) != lowering.rank(0))
    malformed(lowering.operation(), "its indices have other dimensions than its value");
  if (lowering.batch_axes() == 0) return {index, dims};
  if (lowering.batch().folded())
    refuse("indexes dimensions that are folded with the examples of a batch");
  index = lowering.of_one_example(index, lowering.batch().axis);
  dims = index->dims;
  dims.erase(dims.begin() + lowering.batch().axis);
  return {index, dims};
}

void gather_elements(Lowering& lowering) {
  const auto [index, dims] = indices_of(lowering);
  const std::int64_t axis =
      lowering.example_axis(integer(lowering.operation(), "axis", 0), lowering.rank(0));
  const Shape& shape = lowering.shape(0);
  const List places = element_numbers(lowering.operation(), *index, dims, axis, shape);
  const Source flat = reshaped(lowering, lowering.value(0), shape, {ops::element_count(shape)});
  lowering.output(
      reshaped(lowering, taken(lowering, flat, places), {ops::element_count(dims)}, dims), false,
      lowering.batch());
}

void scatter_elements(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  if (const std::string how = text(operation, "reduction", "none"); how != "none")
    refuse("combines updates by " + printable(how));
  const auto [index, dims] = indices_of(lowering);
  const std::int64_t axis = lowering.example_axis(integer(operation, "axis", 0), lowering.rank(0));
  const Shape shape = lowering.shape(0);
  if (!lowering.is_constant(2) && lowering.batch(2) != lowering.batch())
    refuse("updates a value by one that counts examples elsewhere");
  const std::int64_t count = ops::element_count(shape);
  const Source updates =
      lowering.is_constant(2)
          ? lowering.operand(lowering.constant(2), lowering.rank(0), lowering.batch())
          : lowering.value(2);
  const Source flat = reshaped(lowering, lowering.value(0), shape, {count});
  const Source result =
      replaced(lowering, flat, count, reshaped(lowering, updates, dims, {ops::element_count(dims)}),
               element_numbers(operation, *index, dims, axis, shape));
  lowering.output(reshaped(lowering, result, {count}, shape), false, lowering.batch());
}

// ---- By size.

void arg_extreme(Lowering& lowering, Source src) {
  const Operation& operation = lowering.operation();
  const std::int64_t onnx_axis =
      checked_axis(operation, integer(operation, "axis", 0), lowering.rank(0));
  const std::int64_t axis = lowering.example_axis(onnx_axis, lowering.rank(0));
  const bool keeps = integer(operation, "keepdims", 1) != 0;
  Attributes attributes = {{"axis", axis}};
  if (!keeps) attributes.set("keepdims", std::int64_t{0});
  if (integer(operation, "select_last_index", 0) != 0) attributes.set("last", std::int64_t{1});
  Batch batch = lowering.batch();
  if (!keeps && lowering.batch_axes() > 0 && onnx_axis < batch.axis) --batch.axis;
  lowering.output(lowering.add("arg_max", {src}, std::move(attributes)),
                  !keeps && lowering.shape(0).size() == 1, batch, true);
}

void arg_max(Lowering& lowering) { arg_extreme(lowering, lowering.value(0)); }
void arg_min(Lowering& lowering) {
  arg_extreme(lowering, lowering.add("mul", {lowering.value(0), lowering.number(-1.0f)}));
}

void top_k(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const List count = lowering.list(1);
  if (count.size() != 1) malformed(operation, "its k is not one number");
  const std::int64_t axis = lowering.example_axis(integer(operation, "axis", -1), lowering.rank(0));
  Attributes attributes = {{"axis", axis}, {"k", count[0]}};
  if (integer(operation, "largest", 1) == 0) attributes.set("largest", std::int64_t{0});
  Attributes places = attributes;
  places.set("indices", std::int64_t{1});
  const bool whole = lowering.net().value(operation.inputs[0]).integer;
  lowering.output(lowering.add("top_k", {lowering.value(0)}, std::move(attributes)), false,
                  lowering.batch(), whole);
  if (operation.outputs.size() > 1)
    lowering.output(lowering.add("top_k", {lowering.value(0)}, std::move(places)), false,
                    lowering.batch(), true);
}

// A draw by these logarithms of probabilities: the most likely one, for what a network gives must
// not change from one look to the next.
void multinomial(Lowering& lowering) {
  const std::int64_t draws = integer(lowering.operation(), "sample_size", 1);
  if (lowering.batch_axes() == 0 || lowering.rank(0) != 2) refuse("needs (N, classes)");
  if (draws < 1 || draws > kMostIntegers)
    malformed(lowering.operation(), "has " + std::to_string(draws) + " draws");
  const Source likely = lowering.add("arg_max", {lowering.value(0)});
  const Source all =
      draws == 1
          ? likely
          : lowering.add("concat", std::vector<Source>(static_cast<std::size_t>(draws), likely),
                         {{"axis", std::int64_t{0}}});
  lowering.output(all, false, lowering.batch(), true);
}

// ---- By numbers.

Source numbers_from_0(Lowering& lowering, std::int64_t count, std::size_t rank, std::int64_t axis) {
  Shape dims(rank, 1);
  dims[axis] = count;
  std::vector<float> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 0.0f);
  return lowering.add("constant", {}, {{"shape", dims}},
                      {{.constant = make_floats(dims, std::move(values)),
                        .shape = dims,
                        .trained = false,
                        .role = "classes"}});
}

// 1 where the number is that of the class; negative numbers count from the end.
void one_hot(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const ConstantPtr depth = lowering.constant(1);
  const ConstantPtr values = lowering.constant(2);
  if (depth->count() != 1 || values->count() != 2)
    malformed(operation, "its depth is not one number, or its values are not two");
  const std::int64_t classes = depth->integer ? plain_integers(operation, *depth)[0]
                                              : static_cast<std::int64_t>(depth->floats[0]);
  if (classes < 1 || classes > kMostIntegers) refuse("has " + std::to_string(classes) + " classes");
  const std::int64_t rank = lowering.rank(0);
  const std::int64_t axis = checked_axis(operation, integer(operation, "axis", -1), rank + 1);
  Batch batch = lowering.batch();
  const bool before = lowering.batch_axes() > 0 && axis <= batch.axis;
  // In an example.
  const std::int64_t own = lowering.batch_axes() == 0 || before || batch.folded() ? axis : axis - 1;
  if (before) ++batch.axis;
  const std::size_t dimensions = lowering.is_scalar(0) ? 1 : lowering.shape(0).size() + 1;
  Source x = lowering.value(0);
  if (!lowering.is_scalar(0)) x = lowering.add("unsqueeze", {x}, {{"axes", List{own}}});
  const Source from_end = lowering.add("add", {x, lowering.number(static_cast<float>(classes))});
  x = lowering.add("where", {lowering.add("less", {x, lowering.number(0.0f)}), from_end, x});
  Source hot = lowering.add("equal", {x, numbers_from_0(lowering, classes, dimensions, own)});
  const auto value_at = [&](std::size_t i) {
    return values->integer ? static_cast<float>(plain_integers(operation, *values)[i])
                           : values->floats[i];
  };
  if (value_at(0) != 0.0f || value_at(1) != 1.0f)
    hot = lowering.add("where", {hot, lowering.number(value_at(1)), lowering.number(value_at(0))});
  lowering.output(hot, false, batch, values->integer);
}

// A product with a triangle of ones.
void cumulative_sum(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const List named = lowering.list(1);
  if (named.size() != 1) malformed(operation, "its axis is not one number");
  const std::int64_t axis = lowering.example_axis(named[0], lowering.rank(0));
  const Shape& shape = lowering.shape(0);
  const std::int64_t extent = shape[axis];
  if (extent > 4096)
    refuse("adds up along " + std::to_string(extent) + " elements; expected at most 4096");
  const std::int64_t exclusive = integer(operation, "exclusive", 0) != 0 ? 1 : 0;
  const bool reverse = integer(operation, "reverse", 0) != 0;
  std::vector<float> ones(static_cast<std::size_t>(extent * extent), 0.0f);
  for (std::int64_t i = 0; i < extent; ++i)
    for (std::int64_t j = 0; j < extent; ++j)
      if (reverse ? i >= j + exclusive : i + exclusive <= j) ones[i * extent + j] = 1.0f;
  const Shape dims = {extent, extent};
  const Source triangle = lowering.add("constant", {}, {{"shape", dims}},
                                       {{.constant = make_floats(dims, std::move(ones)),
                                         .shape = dims,
                                         .trained = false,
                                         .role = "ones"}});
  List perm(shape.size());
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[axis], perm.back());
  const bool last = axis + 1 == static_cast<std::int64_t>(shape.size());
  const Source src =
      last ? lowering.value(0) : lowering.add("transpose", {lowering.value(0)}, {{"perm", perm}});
  const Source sum = lowering.add("matmul", {src, triangle});
  lowering.output(last ? sum : lowering.add("transpose", {sum}, {{"perm", perm}}),
                  lowering.is_scalar(0), lowering.batch(),
                  lowering.net().value(operation.inputs[0]).integer);
}

constexpr std::array kIndexRules = {
    Rule{"GatherND", 2, 2, "batch_dims", gather_nd},
    Rule{"ScatterND", 3, 3, "reduction", scatter_nd},
    Rule{"GatherElements", 2, 2, "axis", gather_elements},
    Rule{"ScatterElements", 3, 3, "axis reduction", scatter_elements},
    Rule{"ArgMax", 1, 1, "axis keepdims select_last_index", arg_max},
    Rule{"ArgMin", 1, 1, "axis keepdims select_last_index", arg_min},
    Rule{"TopK", 2, 2, "axis largest sorted", top_k},
    Rule{"Multinomial", 1, 1, "dtype sample_size seed", multinomial},
    Rule{"OneHot", 3, 3, "axis", one_hot},
    Rule{"CumSum", 2, 2, "exclusive reverse", cumulative_sum},
};

}  // namespace

std::span<const Rule> index_rules() { return kIndexRules; }

}  // namespace undying::onnx
