#ifndef UNDYING_ONNX_NORMALISE_UPCONVERT_H_
#define UNDYING_ONNX_NORMALISE_UPCONVERT_H_

#include "onnx/net.h"

namespace undying::onnx {

// Rewrites an operation of an older opset (net.opset) in the terms of the newest: attributes become
// inputs, old defaults are written out, old meanings become settings of ours, which start with a
// dot. The shapes of its inputs are known. Returns whether anything changed. Refuses what has no
// counterpart.
bool upconvert(Net& net, Operation& operation);

// Where operation number `index` is a batch norm of constants, as a standardised weight is written,
// puts what it is made of in its place.
void expand_norm(Net& net, std::size_t index);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_NORMALISE_UPCONVERT_H_
