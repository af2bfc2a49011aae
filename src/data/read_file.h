#ifndef UNDYING_DATA_READ_FILE_H_
#define UNDYING_DATA_READ_FILE_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

struct gzFile_s;

namespace undying::data {

// The most bytes a file may hold, compressed or not: a limit for absurd input, far above any data
// set that fits in memory here.
inline constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 30;

// Multiplies a count taken from a file. False where the product passes kMostBytes or what 64 bits
// hold.
inline bool multiply(std::uint64_t& count, std::uint64_t factor) {
  return !__builtin_mul_overflow(count, factor, &count) && count <= kMostBytes;
}

// The whole content of a file; files that start as gzip are decompressed. Throws Error: kNotFound,
// kIo, kBadData (truncated or corrupt gzip, more than `limit` bytes), each naming the file.
std::string read_file(const std::filesystem::path& file, std::uint64_t limit = kMostBytes);

// A file open for reading, plain or gzip.
struct CloseGz {
  void operator()(gzFile_s* file) const;
};
using GzFile = std::unique_ptr<gzFile_s, CloseGz>;

// "-" is standard input. That, and pipes, are kept in an unnamed file, since they cannot be read
// twice. Throws Error: kNotFound, kIo, kInvalidArgument (a folder).
GzFile open_gz(const std::filesystem::path& file);
// Up to `size` bytes; 0 at the end. Throws Error: kIo, kBadData (truncated or corrupt gzip); `name`
// is for messages.
std::size_t read_gz(const GzFile& file, const std::string& name, char* dst, std::size_t size);
bool is_gzip(const GzFile& file);
void rewind_gz(const GzFile& file, const std::string& name);

}  // namespace undying::data

#endif  // UNDYING_DATA_READ_FILE_H_
