#ifndef UNDYING_ONNX_LOWER_EMIT_H_
#define UNDYING_ONNX_LOWER_EMIT_H_

#include "onnx/net.h"
#include "undying/onnx.h"

namespace undying::onnx {

// The graph and the weights of a net whose composites were recognised. Outputs that were not asked for and cannot be had are left out of
// it. Throws Error{kUnsupported} that lists every operation which cannot become an operator.
Model emit(Net& net);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_LOWER_EMIT_H_
