#ifndef UNDYING_OPS_CONVOLUTION_CONV_H_
#define UNDYING_OPS_CONVOLUTION_CONV_H_

#include <cstdint>
#include <memory>

#include "onednn/convolution.h"
#include "ops/operator.h"

namespace undying::ops {

// Of a conv node that reads values of the shape `src` and gives `dst`, for one example; rows are
// left open.
onednn::ConvolutionShape conv_shape(const Node& node, const Shape& src, const Shape& dst);
bool conv_has_bias(const Node& node);
std::int64_t conv_weights(const onednn::ConvolutionShape& shape);

// Shards that each take some rows all read, lay out and sum up the same weights. Where these are
// large beside the values, as in the last layers of a residual network, shards take channels
// instead: whether it is so, a rule of shapes and shards alone, and the kernel that does it.
bool divides_conv(const PlanRequest& request);
std::unique_ptr<Kernel> divided_conv_kernel(const PlanRequest& request);

}  // namespace undying::ops

#endif  // UNDYING_OPS_CONVOLUTION_CONV_H_
