#ifndef UNDYING_ONNX_READ_PARSE_H_
#define UNDYING_ONNX_READ_PARSE_H_

#include <filesystem>

#include "onnx/net.h"
#include "onnx/read/read.h"
#include "undying/onnx.h"

namespace undying::onnx {

// The opsets that are read; operations are understood in the terms of the newest.
// Of those before 6, only operators that have not changed since.
inline constexpr std::int64_t kFirstOpset = 1;
inline constexpr std::int64_t kNewestOpset = 28;
inline constexpr std::int64_t kFirstWrittenOpset = 17;
inline constexpr std::int64_t kWrittenOpset = 20;  // unless asked otherwise

// The last opset that this build reads and writes: kNewestOpset, or what the ONNX library at hand
// knows, if that is less.
std::int64_t last_opset();

// A model file as a net: initializers become constants, operations come in topological order
// whatever order the file has them in. `model` is left without its tensors, so that a large one is
// not held twice. `folder`: for tensors stored outside the file; empty: none. Throws Error:
// kBadData (names used twice or never defined, cycles, inputs without a shape, tensors that
// contradict themselves), kUnsupported (opset, types).
Net parse(pb::ModelProto& model, const std::filesystem::path& folder, const LoadOptions& options);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_READ_PARSE_H_
