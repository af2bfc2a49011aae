#ifndef UNDYING_DATA_TABLE_TEXT_STREAM_H_
#define UNDYING_DATA_TABLE_TEXT_STREAM_H_

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace undying::data {

// The text of a file in pieces, as UTF-8: plain or gzip, UTF-8 or UTF-16, "-" for standard input.
// Can be read again from its start.
class TextStream {
 public:
  // Throws Error: kNotFound, kIo.
  explicit TextStream(const std::filesystem::path& file);
  // Of a text in memory, which must outlive it.
  TextStream(std::string_view text, std::string name);
  ~TextStream();
  TextStream(TextStream&&) noexcept;

  // Up to `size` bytes; 0 at the end. Throws Error: kIo, kBadData (truncated or corrupt gzip).
  std::size_t read(char* dst, std::size_t size);
  void rewind();

  const std::string& name() const { return name_; }  // for messages
  bool is_file() const { return file_ != nullptr; }
  bool is_compressed() const;
  bool is_utf16() const { return wide_ != Wide::kNo; }

 private:
  enum class Wide { kNo, kLittleEndian, kBigEndian };
  struct File;

  std::size_t read_bytes(char* dst, std::size_t size);
  void find_encoding();
  bool decode_more();

  std::unique_ptr<File> file_;
  std::string_view memory_;
  std::size_t at_ = 0;  // in memory_
  std::string name_;
  Wide wide_ = Wide::kNo;
  std::string pending_;  // decoded, or read while the encoding was found out
  std::size_t given_ = 0;
  std::string half_;  // bytes of UTF-16 that wait for their other half
};

}  // namespace undying::data

#endif  // UNDYING_DATA_TABLE_TEXT_STREAM_H_
