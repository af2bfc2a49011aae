#include "onnx/read/external.h"

#include <algorithm>
#include <fstream>

#include "onnx/names.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& subject, const std::string& message) {
  throw Error(ErrorCode::kBadData, subject, message);
}

bool is_inside(const fs::path& folder, const fs::path& file) {
  const auto [rest, unused] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return rest == folder.end();
}

}  // namespace

fs::path resolve_external(const fs::path& folder, const std::string& location,
                          const std::string& subject) {
  const fs::path relative(location);
  if (location.empty() || location != printable(location))
    fail(subject, "is stored outside the model, in a file without a usable name");
  if (relative.is_absolute())
    fail(subject, "is stored in " + location + "; expected a path relative to the model's folder");
  std::error_code error;
  const fs::path base = fs::canonical(folder, error);
  fs::path file = error ? fs::path() : fs::canonical(base / relative, error);
  if (error) fail(subject, "is stored in " + location + ", which is not there: " + error.message());
  if (!is_inside(base, file))
    fail(subject, "is stored in " + location + ", which leads out of the model's folder");
  if (!fs::is_regular_file(file, error))
    fail(subject, "is stored in " + location + ", which is not a regular file");
  return file;
}

std::string read_range(const fs::path& file, std::int64_t offset, std::int64_t length,
                       const std::string& subject) {
  std::error_code error;
  const auto size = static_cast<std::int64_t>(fs::file_size(file, error));
  if (error || offset < 0 || length < 0 || offset > size || length > size - offset)
    fail(subject, "takes " + std::to_string(length) + " bytes from byte " + std::to_string(offset) +
                      " of " + file.filename().string() + ", which has " + std::to_string(size));
  std::string bytes(static_cast<std::size_t>(length), '\0');
  std::ifstream stream(file, std::ios::binary);
  if (!stream.seekg(offset) || !stream.read(bytes.data(), length))
    throw Error(ErrorCode::kIo, subject, file.string() + " cannot be read");
  return bytes;
}

}  // namespace undying::onnx
