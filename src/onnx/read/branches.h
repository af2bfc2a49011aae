#ifndef UNDYING_ONNX_READ_BRANCHES_H_
#define UNDYING_ONNX_READ_BRANCHES_H_

#include "onnx/read/read.h"

namespace undying::onnx {

// Brings the branches of every If into the graph itself: their nodes and initializers under names
// of their own, and the If without attributes, its inputs the condition, what the first branch
// gives, what the second gives. Which it is, is known once the condition is. Throws Error{kBadData}
// where the branches do not fit the node.
void inline_branches(pb::GraphProto& graph);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_READ_BRANCHES_H_
