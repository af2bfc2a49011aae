#ifndef UNDYING_ONNX_NORMALISE_TRAIN_THROUGH_H_
#define UNDYING_ONNX_NORMALISE_TRAIN_THROUGH_H_

#include "onnx/net.h"

namespace undying::onnx {

// Sub-networks of parameters alone, as the positions of Swin V2 are computed by, were folded to
// constants. Where what they give meets values of examples elementwise, they become operations
// again, whose parameters train; where it is a layer's weight it stays one, which trains itself.
// Their values stand for all examples (Examples::kNone). To be called once everything is shaped,
// before operations whose results are known are dropped.
void train_through(Net& net);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_NORMALISE_TRAIN_THROUGH_H_
