#ifndef UNDYING_ONNX_READ_READ_H_
#define UNDYING_ONNX_READ_READ_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "onnx/onnx_pb.h"

namespace undying::onnx {

// The classes of libonnx, under a name that differs from this namespace.
namespace pb = ::ONNX_NAMESPACE;

// The largest file that is read: protobuf's own limit.
inline constexpr std::int64_t kMostFileBytes = (std::int64_t{1} << 31) - 1;

// The content of a model file. Throws Error: kNotFound, kIo, kBadData (no regular file),
// kUnsupported (too large).
std::string read_bytes(const std::filesystem::path& file);

// Parses the content of a model file. Before protobuf sees it, its bytes are walked once: what it
// would cost in memory beyond its own size is bounded, so that a small file cannot ask for much.
// Throws Error{kBadData, "file"}.
pb::ModelProto parse_model(std::string_view bytes);

// The bytes that objects of a serialized ModelProto take, apart from the contents of its strings
// and packed floats; -1 where it is not well formed.
std::int64_t parsing_cost(std::string_view bytes);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_READ_READ_H_
