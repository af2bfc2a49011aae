#ifndef UNDYING_OPS_ARRANGE_REORDER_H_
#define UNDYING_OPS_ARRANGE_REORDER_H_

#include <memory>

#include "ops/operator.h"

namespace undying::ops {

// The kernel that copies a value into the other layout. Where both are the same in memory (one
// channel, or one position), it is a view.
std::unique_ptr<Kernel> reorder_kernel(const Value& from, Layout to);

// src is `count` matrices of (rows, columns), dst as many of (columns, rows): their transposes.
void transpose_matrices(std::int64_t count, std::int64_t rows, std::int64_t columns,
                        const float* src, float* dst);

}  // namespace undying::ops

#endif  // UNDYING_OPS_ARRANGE_REORDER_H_
