#include "ops/operator.h"

#include <array>

#include "ops/rows.h"
#include "undying/error.h"

namespace undying::ops {

std::span<const Operator> operators() {
  static const std::array rows = {linear_operator(), activation_operator(), dropout_operator(), batch_norm_operator(), flatten_operator()};
  return rows;
}

const Operator& operator_named(const Node& node) {
  std::string known;
  for (const Operator& row : operators()) {
    if (row.name == node.op) return row;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw Error(ErrorCode::kInvalidArgument, node.name, "unknown operator \"" + node.op + "\"; known: " + known);
}

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + ")";
}

std::int64_t unit_count(const Shape& src) { return src.back(); }

}  // namespace undying::ops
