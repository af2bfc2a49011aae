// flatten: the same values as one vector an example; ONNX Flatten with axis = 1.

#include "ops/arrange/view.h"
#include "ops/rows.h"

namespace undying::ops {
namespace {

Shape infer(const Node&, std::span<const Value> src) { return {element_count(src[0].shape)}; }

}  // namespace

Operator flatten_operator() {
  Operator row = view_operator("flatten", infer);
  row.traits.keeps_spread = true;
  return row;
}

}  // namespace undying::ops
