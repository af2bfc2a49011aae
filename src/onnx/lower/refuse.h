#ifndef UNDYING_ONNX_LOWER_REFUSE_H_
#define UNDYING_ONNX_LOWER_REFUSE_H_

#include "onnx/net.h"

// What cannot be had of a net, said with all that stands in its way.
namespace undying::onnx {

// Leaves out outputs that were not asked for and cannot be had, where others can.
void leave_out(Net& net);

// Throws Unread{kUnsupported} that lists every operation an output needs and that cannot become an
// operator, with what gets around each.
void check_supported(const Net& net);

// Throws Error{kUnsupported} where an output does not count examples as it must.
void check_outputs(const Net& net);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_LOWER_REFUSE_H_
