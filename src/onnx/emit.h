#ifndef UNDYING_ONNX_EMIT_H_
#define UNDYING_ONNX_EMIT_H_

#include "onnx/net.h"
#include "undying/onnx.h"

namespace undying::onnx {

// The graph and the weights of a net whose composites were recognised. Throws Error{kUnsupported} that lists every operation which cannot
// become an operator.
Model emit(const Net& net);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_EMIT_H_
