#ifndef UNDYING_OPS_ROWS_H_
#define UNDYING_OPS_ROWS_H_

#include "ops/operator.h"

// The one list of operators, in the order in which they are listed to people. ROW(NAME) stands for
// NAME_operator(), the row that a file of this folder's rooms defines.
#define UNDYING_OPERATORS(ROW) \
  ROW(constant)                \
  ROW(linear)                  \
  ROW(conv)                    \
  ROW(conv_transpose)          \
  ROW(max_pool)                \
  ROW(average_pool)            \
  ROW(global_average_pool)     \
  ROW(global_max_pool)         \
  ROW(batch_norm)              \
  ROW(layer_norm)              \
  ROW(group_norm)              \
  ROW(instance_norm)           \
  ROW(activation)              \
  ROW(add)                     \
  ROW(sub)                     \
  ROW(mul)                     \
  ROW(div)                     \
  ROW(matmul)                  \
  ROW(softmax)                 \
  ROW(log_softmax)             \
  ROW(clip)                    \
  ROW(dropout)                 \
  ROW(dropout_2d)              \
  ROW(concat)                  \
  ROW(slice)                   \
  ROW(pad)                     \
  ROW(transpose)               \
  ROW(reshape)                 \
  ROW(flatten)                 \
  ROW(squeeze)                 \
  ROW(unsqueeze)               \
  ROW(reduce_mean)             \
  ROW(reduce_sum)              \
  ROW(maximum)                 \
  ROW(minimum)                 \
  ROW(greater)                 \
  ROW(less)                    \
  ROW(equal)                   \
  ROW(where)                   \
  ROW(exp)                     \
  ROW(log)                     \
  ROW(sqrt)                    \
  ROW(reciprocal)              \
  ROW(abs)                     \
  ROW(sign)                    \
  ROW(sin)                     \
  ROW(cos)                     \
  ROW(erf)                     \
  ROW(floor)                   \
  ROW(round)                   \
  ROW(pow)                     \
  ROW(rms_norm)                \
  ROW(embedding)               \
  ROW(reduce_max)              \
  ROW(reduce_min)              \
  ROW(take)                    \
  ROW(resize)                  \
  ROW(parameter)               \
  ROW(lstm)                    \
  ROW(rnn)                     \
  ROW(gru)                     \
  ROW(top_k)                   \
  ROW(arg_max)

namespace undying::ops {

#define UNDYING_ROW(name) Operator name##_operator();
UNDYING_OPERATORS(UNDYING_ROW)
#undef UNDYING_ROW

}  // namespace undying::ops

#endif  // UNDYING_OPS_ROWS_H_
