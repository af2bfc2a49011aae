#include "data/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "undying/error.h"

namespace undying::data {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_reading(const std::string& name, gzFile handle) {
  int code = Z_OK;
  const std::string reason = gzerror(handle, &code);
  if (code == Z_ERRNO)
    throw Error(ErrorCode::kIo, name, fmt::format("cannot be read: {}", std::strerror(errno)));
  throw Error(
      ErrorCode::kBadData, name,
      fmt::format("is not whole: the gzip stream is truncated or corrupt ({}); get the file anew",
                  reason));
}

// A descriptor that reads all that another one gives, from its start, as often as wanted.
int spool(int from, const std::string& name) {
  std::FILE* spool = std::tmpfile();
  if (spool == nullptr)
    throw Error(ErrorCode::kIo, name, fmt::format("cannot be kept: {}", std::strerror(errno)));
  std::string chunk(1 << 20, '\0');
  for (;;) {
    const ssize_t count = ::read(from, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    const bool failed = count < 0 || std::fwrite(chunk.data(), 1, static_cast<std::size_t>(count),
                                                 spool) != static_cast<std::size_t>(count);
    if (!failed && count > 0) continue;
    const int reason = errno;
    const int descriptor = failed || std::fflush(spool) != 0 ? -1 : ::dup(::fileno(spool));
    std::fclose(spool);
    if (descriptor < 0)
      throw Error(ErrorCode::kIo, name, fmt::format("cannot be read: {}", std::strerror(reason)));
    ::lseek(descriptor, 0, SEEK_SET);
    return descriptor;
  }
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

void CloseGz::operator()(gzFile_s* file) const { gzclose(file); }

GzFile open_gz(const fs::path& file) {
  if (file == "-") return GzFile(gzdopen(spool(STDIN_FILENO, "standard input"), "rb"));
  std::error_code error;
  if (!fs::exists(file, error)) throw Error(ErrorCode::kNotFound, file.string(), "no such file");
  if (fs::is_directory(file, error))
    throw Error(ErrorCode::kInvalidArgument, file.string(), "is a folder; expected a file");
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    throw Error(ErrorCode::kIo, file.string(),
                fmt::format("cannot be opened: {}", std::strerror(errno)));
  GzFile handle(gzdopen(
      fs::is_regular_file(file, error) ? descriptor : spool(descriptor, file.string()), "rb"));
  if (handle == nullptr)
    throw Error(ErrorCode::kIo, file.string(),
                fmt::format("cannot be opened: {}", std::strerror(errno)));
  gzbuffer(handle.get(), 1 << 18);
  return handle;
}

std::size_t read_gz(const GzFile& file, const std::string& name, char* dst, std::size_t size) {
  const int read = gzread(file.get(), dst, static_cast<unsigned>(size));
  if (read < 0) fail_reading(name, file.get());
  if (static_cast<std::size_t>(read) == size) return size;
  // gzread reports a stream that ends early only now.
  int code = Z_OK;
  gzerror(file.get(), &code);
  if (code != Z_OK && code != Z_STREAM_END) fail_reading(name, file.get());
  return static_cast<std::size_t>(read);
}

bool is_gzip(const GzFile& file) { return gzdirect(file.get()) == 0; }

void rewind_gz(const GzFile& file, const std::string& name) {
  if (gzrewind(file.get()) != 0) fail_reading(name, file.get());
}

std::string read_file(const fs::path& file, std::uint64_t limit) {
  const GzFile handle = open_gz(file);
  std::string content;
  const std::size_t chunk = first_guess(file);
  for (;;) {
    const std::size_t before = content.size();
    content.resize(before + chunk);
    const std::size_t read = read_gz(handle, file.string(), content.data() + before, chunk);
    content.resize(before + read);
    if (content.size() > limit)
      throw Error(ErrorCode::kBadData, file.string(),
                  fmt::format("holds more than {} bytes, the most that is accepted", limit));
    if (read < chunk) return content;
  }
}

}  // namespace undying::data
