#ifndef UNDYING_ONNX_NORMALISE_ONE_EXAMPLE_H_
#define UNDYING_ONNX_NORMALISE_ONE_EXAMPLE_H_

#include "onnx/net.h"

namespace undying::onnx {

// Where inputs count no examples, and all that reads them gives them a first dimension of extent 1,
// that is a batch which the file makes of its one example: what lies behind counts examples
// (Examples::kDropped says how inputs do). To be called before anything
// is folded.
void find_batch_of_one(Net& net);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_NORMALISE_ONE_EXAMPLE_H_
