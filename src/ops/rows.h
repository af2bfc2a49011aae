#ifndef UNDYING_OPS_ROWS_H_
#define UNDYING_OPS_ROWS_H_

#include "ops/operator.h"

namespace undying::ops {

// One function per file of this folder: the row it defines.
Operator constant_operator();
Operator linear_operator();
Operator conv_operator();
Operator conv_transpose_operator();
Operator max_pool_operator();
Operator average_pool_operator();
Operator global_average_pool_operator();
Operator global_max_pool_operator();
Operator batch_norm_operator();
Operator layer_norm_operator();
Operator group_norm_operator();
Operator instance_norm_operator();
Operator activation_operator();
Operator add_operator();
Operator sub_operator();
Operator mul_operator();
Operator div_operator();
Operator matmul_operator();
Operator softmax_operator();
Operator log_softmax_operator();
Operator clip_operator();
Operator dropout_operator();
Operator dropout_2d_operator();
Operator concat_operator();
Operator slice_operator();
Operator pad_operator();
Operator transpose_operator();
Operator reshape_operator();
Operator flatten_operator();
Operator squeeze_operator();
Operator unsqueeze_operator();
Operator reduce_mean_operator();
Operator reduce_sum_operator();
Operator maximum_operator();
Operator minimum_operator();
Operator greater_operator();
Operator less_operator();
Operator equal_operator();
Operator where_operator();
Operator exp_operator();
Operator log_operator();
Operator sqrt_operator();
Operator reciprocal_operator();
Operator abs_operator();
Operator sign_operator();
Operator sin_operator();
Operator cos_operator();
Operator erf_operator();
Operator floor_operator();
Operator round_operator();
Operator pow_operator();
Operator rms_norm_operator();
Operator embedding_operator();
Operator reduce_max_operator();
Operator reduce_min_operator();
Operator take_operator();
Operator resize_operator();
Operator parameter_operator();
Operator lstm_operator();
Operator rnn_operator();
Operator gru_operator();
Operator top_k_operator();
Operator arg_max_operator();

}  // namespace undying::ops

#endif  // UNDYING_OPS_ROWS_H_
