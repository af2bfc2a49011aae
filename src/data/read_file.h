#ifndef UNDYING_DATA_READ_FILE_H_
#define UNDYING_DATA_READ_FILE_H_

#include <cstdint>
#include <filesystem>
#include <string>

namespace undying::data {

// The most bytes a file may hold, compressed or not: a limit for absurd input, far above any data set that fits in memory here.
inline constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 30;

// Multiplies a count taken from a file. False where the product passes kMostBytes or what 64 bits hold.
inline bool multiply(std::uint64_t& count, std::uint64_t factor) {
  return !__builtin_mul_overflow(count, factor, &count) && count <= kMostBytes;
}

// The whole content of a file; files that start as gzip are decompressed. Throws Error: kNotFound, kIo, kBadData (truncated or corrupt
// gzip, more than `limit` bytes), each naming the file.
std::string read_file(const std::filesystem::path& file, std::uint64_t limit = kMostBytes);

}  // namespace undying::data

#endif  // UNDYING_DATA_READ_FILE_H_
