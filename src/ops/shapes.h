#ifndef UNDYING_OPS_SHAPES_H_
#define UNDYING_OPS_SHAPES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "ops/operator.h"

namespace undying::ops {

// The extents of a value in the order in which they lie in memory: in channels-last layout the
// channels come last.
Shape stored(const Value& value);
// Where an axis of the shape stands in that order.
std::size_t stored_axis(const Value& value, std::size_t axis);

// How far neighbours on each axis of dense row-major extents lie apart.
Shape strides(const Shape& extents);

// Of the axes [first, last).
std::int64_t extent_product(const Shape& extents, std::size_t first, std::size_t last);

// Where element i of dense row-major extents stands on each axis, and back.
Shape index_of(std::int64_t i, const Shape& extents);
std::int64_t element_at(const Shape& index, const Shape& extents);

// An axis as attributes give it, negative ones from the last, as one of [0, rank). Rejects one that
// `shape` has not.
std::size_t axis_in(const Node& node, std::int64_t axis, const Shape& shape);
// Several, of which none may occur twice.
std::vector<std::size_t> axes_in(const Node& node, const std::vector<std::int64_t>& axes,
                                 const Shape& shape);
// The same where there is no shape yet: `of` says in an error what has this rank.
std::vector<std::size_t> axes_in(const Node& node, const std::vector<std::int64_t>& axes,
                                 std::size_t rank, const std::string& of);

// Of several dimensions that are gone nothing may remain: a value has at least one, so that (1)
// stands for a single number.
Shape at_least_one(Shape shape);

}  // namespace undying::ops

#endif  // UNDYING_OPS_SHAPES_H_
