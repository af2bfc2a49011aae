#ifndef UNDYING_ONNX_NORMALISE_FOLD_H_
#define UNDYING_ONNX_NORMALISE_FOLD_H_

#include "onnx/net.h"

namespace undying::onnx {

// Goes over all operations once: brings each to the newest opset, computes what depends on
// constants and shapes only, and finds the shapes of the rest. An operation that cannot become an
// operator says why in `problem`; what stands behind it stays without a shape. Those that have a
// part in recognised composites only (Erf, Sqrt, ...) get a shape and a problem, which is gone if
// the composite is recognised.
void fold(Net& net);

// Whether every operation a value depends on was understood, so that patterns may look at it.
bool is_shaped(const Net& net, int value);

// Finds the shapes of one operation's outputs, or says in `problem` why it cannot become an
// operator.
void shape_outputs(Net& net, Operation& operation);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_NORMALISE_FOLD_H_
