#ifndef UNDYING_ONNX_READ_EXTERNAL_H_
#define UNDYING_ONNX_READ_EXTERNAL_H_

#include <cstdint>
#include <filesystem>
#include <string>

namespace undying::onnx {

// Where a file that a model names beside itself really lies, links resolved. Throws Error{kBadData,
// subject} unless that is a regular file inside `folder`: an absolute path, one that climbs out and
// a link that leads out are all refused.
std::filesystem::path resolve_external(const std::filesystem::path& folder,
                                       const std::string& location, const std::string& subject);

// `length` bytes from `offset`. Throws Error{kBadData, subject} where the file is shorter, before
// anything is allocated.
std::string read_range(const std::filesystem::path& file, std::int64_t offset, std::int64_t length,
                       const std::string& subject);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_READ_EXTERNAL_H_
