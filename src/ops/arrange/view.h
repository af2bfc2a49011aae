#ifndef UNDYING_OPS_ARRANGE_VIEW_H_
#define UNDYING_OPS_ARRANGE_VIEW_H_

#include "ops/operator.h"

namespace undying::ops {

// The row of an operator that gives the same values another shape: nothing runs, its output is its
// input. Units stay apart and in order unless it says otherwise.
Operator view_operator(std::string_view name,
                       Shape (*infer)(const Node& node, std::span<const Value> src));

}  // namespace undying::ops

#endif  // UNDYING_OPS_ARRANGE_VIEW_H_
