#ifndef UNDYING_ONNX_READ_H_
#define UNDYING_ONNX_READ_H_

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "onnx/onnx_pb.h"

namespace undying::onnx {

// The classes of libonnx, under a name that differs from this namespace.
namespace pb = ::onnx;

// The largest file that is read: protobuf's own limit.
inline constexpr std::int64_t kMostFileBytes = (std::int64_t{1} << 31) - 1;

// Parses a model file. Before protobuf sees it, its bytes are walked once: what it would cost in memory beyond its own size is bounded,
// so that a small file cannot ask for much. Throws Error: kNotFound, kIo, kBadData, kUnsupported (too large).
pb::ModelProto read_model(const std::filesystem::path& file);

// The bytes that objects of a serialized ModelProto take, apart from the contents of its strings and packed floats; -1 where it is not well
// formed.
std::int64_t parsing_cost(std::string_view bytes);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_READ_H_
