#ifndef UNDYING_ONNX_LOWER_EMIT_H_
#define UNDYING_ONNX_LOWER_EMIT_H_

#include <map>
#include <string>
#include <vector>

#include "onnx/net.h"
#include "undying/error.h"
#include "undying/onnx.h"

namespace undying::onnx {

using InputExtents = std::map<std::string, Shape>;

// A file that cannot be read, and shapes of inputs that may help, to be tried one after the other:
// sizes where the file leaves them open, or a batch as one example.
struct Unread : Error {
  using Error::Error;
  std::string others = {};  // what can be had without the obstacles: "the outputs that ..."
  std::vector<InputExtents> likely;
  std::vector<InputExtents> whole;
};

// The graph and the weights of a net whose composites were recognised. Outputs that were not asked
// for and cannot be had are left out of it. Throws Unread{kUnsupported} that lists every operation
// which cannot become an operator.
Model emit(Net& net);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_LOWER_EMIT_H_
