#include "data/read_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "undying/error.h"

namespace undying::data {
namespace {

namespace fs = std::filesystem;

struct Close {
  void operator()(gzFile file) const { gzclose(file); }
};
using Handle = std::unique_ptr<std::remove_pointer_t<gzFile>, Close>;

Handle open(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) throw Error(ErrorCode::kNotFound, file.string(), "no such file");
  if (fs::is_directory(file, error)) throw Error(ErrorCode::kInvalidArgument, file.string(), "is a folder; expected a file");
  Handle handle(gzopen(file.c_str(), "rb"));
  if (handle == nullptr) throw Error(ErrorCode::kIo, file.string(), fmt::format("cannot be opened: {}", std::strerror(errno)));
  gzbuffer(handle.get(), 1 << 18);
  return handle;
}

[[noreturn]] void fail_reading(const fs::path& file, gzFile handle) {
  int code = Z_OK;
  const std::string reason = gzerror(handle, &code);
  if (code == Z_ERRNO) throw Error(ErrorCode::kIo, file.string(), fmt::format("cannot be read: {}", std::strerror(errno)));
  throw Error(ErrorCode::kBadData, file.string(),
              fmt::format("is not whole: the gzip stream is truncated or corrupt ({}); get the file anew", reason));
}

// Bytes to ask for at a time: a small file in one piece, without a large buffer for it.
std::size_t first_guess(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  constexpr std::uintmax_t kLeast = 1 << 12;
  constexpr std::uintmax_t kMost = 1 << 20;
  return static_cast<std::size_t>(error ? kMost : std::clamp(size, kLeast - 1, kMost - 1) + 1);
}

}  // namespace

std::string read_file(const fs::path& file, std::uint64_t limit) {
  const Handle handle = open(file);
  std::string content;
  const std::size_t chunk = first_guess(file);
  for (;;) {
    const std::size_t before = content.size();
    content.resize(before + chunk);
    const int read = gzread(handle.get(), content.data() + before, static_cast<unsigned>(chunk));
    if (read < 0) fail_reading(file, handle.get());
    content.resize(before + static_cast<std::size_t>(read));
    if (content.size() > limit)
      throw Error(ErrorCode::kBadData, file.string(), fmt::format("holds more than {} bytes, the most that is accepted", limit));
    if (static_cast<std::size_t>(read) < chunk) break;
  }
  // gzread reports a stream that ends early only now.
  int code = Z_OK;
  gzerror(handle.get(), &code);
  if (code != Z_OK && code != Z_STREAM_END) fail_reading(file, handle.get());
  return content;
}

}  // namespace undying::data
