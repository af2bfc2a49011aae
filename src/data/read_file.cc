#include "data/read_file.h"

#include <fmt/format.h>
#include <zlib.h>

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

}  // namespace

std::string read_file(const fs::path& file, std::uint64_t limit) {
  const Handle handle = open(file);
  std::string content;
  constexpr std::size_t kChunk = 1 << 20;
  for (;;) {
    const std::size_t before = content.size();
    content.resize(before + kChunk);
    const int read = gzread(handle.get(), content.data() + before, kChunk);
    if (read < 0) fail_reading(file, handle.get());
    content.resize(before + static_cast<std::size_t>(read));
    if (content.size() > limit)
      throw Error(ErrorCode::kBadData, file.string(), fmt::format("holds more than {} bytes, the most that is accepted", limit));
    if (static_cast<std::size_t>(read) < kChunk) break;
  }
  // gzread reports a stream that ends early only now.
  int code = Z_OK;
  gzerror(handle.get(), &code);
  if (code != Z_OK && code != Z_STREAM_END) fail_reading(file, handle.get());
  return content;
}

}  // namespace undying::data
