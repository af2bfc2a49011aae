#ifndef UNDYING_ONNX_READ_PARSE_H_
#define UNDYING_ONNX_READ_PARSE_H_

#include <filesystem>

#include "onnx/net.h"
#include "onnx/opsets.h"
#include "onnx/read/read.h"
#include "undying/onnx.h"

namespace undying::onnx {

// A model file as a net: initializers become constants, operations come in topological order
// whatever order the file has them in. `model` is left without its tensors, so that a large one is
// not held twice. `folder`: for tensors stored outside the file; empty: none. Throws Error:
// kBadData (names used twice or never defined, cycles, inputs without a shape, tensors that
// contradict themselves), kUnsupported (opset, types).
Net parse(pb::ModelProto& model, const std::filesystem::path& folder, const LoadOptions& options);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_READ_PARSE_H_
