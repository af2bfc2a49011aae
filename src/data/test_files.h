#ifndef UNDYING_DATA_TEST_FILES_H_
#define UNDYING_DATA_TEST_FILES_H_

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace undying {

// A folder of files for one test, gone afterwards.
class TestFiles : public testing::Test {
 protected:
  TestFiles()
      : folder_(std::filesystem::temp_directory_path() /
                ("undying_data_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~TestFiles() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }

  static std::string gzip(const std::string& content) {
    std::string packed(content.size() + 1000, '\0');
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
    stream.avail_in = static_cast<uInt>(content.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
  }

  static std::string big_endian(std::uint32_t value) {
    return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
            static_cast<char>(value >> 8), static_cast<char>(value)};
  }

  static std::string idx_images(std::uint32_t count, std::uint32_t rows, std::uint32_t columns) {
    std::string content =
        big_endian(0x803) + big_endian(count) + big_endian(rows) + big_endian(columns);
    for (std::uint32_t i = 0; i < count * rows * columns; ++i) content += static_cast<char>(i * 7);
    return content;
  }

  static std::string idx_labels(const std::string& labels) {
    return big_endian(0x801) + big_endian(static_cast<std::uint32_t>(labels.size())) + labels;
  }

  std::filesystem::path folder_;
};

}  // namespace undying

#endif  // UNDYING_DATA_TEST_FILES_H_
