#include "data/table/text_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "data/read_file.h"
#include "undying/error.h"

namespace undying::data {

struct TextStream::File {
  GzFile gz;
};

namespace {

void append_utf8(std::string& text, std::uint32_t point) {
  const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xC0 | point >> 6);
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3F));
  } else {
    put(0xF0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3F));
    put(0x80 | (point >> 6 & 0x3F));
  }
  put(0x80 | (point & 0x3F));
}

}  // namespace

TextStream::TextStream(const std::filesystem::path& file)
    : file_(std::make_unique<File>(File{open_gz(file)})),
      name_(file == "-" ? "standard input" : file.string()) {
  find_encoding();
}

TextStream::TextStream(std::string_view text, std::string name)
    : memory_(text), name_(std::move(name)) {
  find_encoding();
}

TextStream::~TextStream() = default;
TextStream::TextStream(TextStream&&) noexcept = default;

std::size_t TextStream::read_bytes(char* dst, std::size_t size) {
  if (file_ != nullptr) return read_gz(file_->gz, name_, dst, size);
  const std::size_t count = std::min(size, memory_.size() - at_);
  std::copy_n(memory_.data() + at_, count, dst);
  at_ += count;
  return count;
}

// A byte order mark says it; without one, Latin letters and digits in UTF-16 have a zero beside
// each of them.
void TextStream::find_encoding() {
  std::string head(256, '\0');
  head.resize(read_bytes(head.data(), head.size()));
  std::size_t zeros[2] = {};
  for (std::size_t i = 0; i < head.size(); ++i) zeros[i % 2] += head[i] == '\0';
  const bool little = head.starts_with("\xff\xfe");
  const bool big = head.starts_with("\xfe\xff");
  const bool pairs = !little && !big && head.size() >= 8 && head.size() % 2 == 0;
  if (little || (pairs && zeros[0] == 0 && 3 * zeros[1] > head.size())) {
    wide_ = Wide::kLittleEndian;
  } else if (big || (pairs && zeros[1] == 0 && 3 * zeros[0] > head.size())) {
    wide_ = Wide::kBigEndian;
  }
  std::size_t mark = 0;
  if (head.starts_with("\xef\xbb\xbf")) mark = 3;
  if (little || big) mark = 2;
  (wide_ == Wide::kNo ? pending_ : half_) = head.substr(mark);
  given_ = 0;
}

bool TextStream::is_compressed() const { return file_ != nullptr && is_gzip(file_->gz); }

void TextStream::rewind() {
  at_ = 0;
  if (file_ != nullptr) rewind_gz(file_->gz, name_);
  pending_.clear();
  half_.clear();
  find_encoding();
}

// Turns what waits, and the next bytes, into UTF-8. False at the end.
bool TextStream::decode_more() {
  const std::size_t waiting = half_.size();
  half_.resize(waiting + (1 << 16));
  half_.resize(waiting + read_bytes(half_.data() + waiting, 1 << 16));
  const bool ended = half_.size() == waiting;
  pending_.clear();
  given_ = 0;
  const auto unit = [&](std::size_t at) {
    const auto low = static_cast<std::uint8_t>(half_[at + (wide_ == Wide::kLittleEndian ? 0 : 1)]);
    const auto high = static_cast<std::uint8_t>(half_[at + (wide_ == Wide::kLittleEndian ? 1 : 0)]);
    return static_cast<std::uint32_t>(high << 8 | low);
  };
  std::size_t at = 0;
  for (; at + 2 <= half_.size(); at += 2) {
    std::uint32_t point = unit(at);
    const bool leads = point >= 0xD800 && point < 0xDC00;
    if (leads && at + 4 > half_.size() && !ended) break;
    const std::uint32_t trail = leads && at + 4 <= half_.size() ? unit(at + 2) : 0;
    if (trail >= 0xDC00 && trail < 0xE000) {
      point = 0x10000 + ((point - 0xD800) << 10) + (trail - 0xDC00);
      at += 2;
    } else if (point >= 0xD800 && point < 0xE000) {
      point = 0xFFFD;
    }
    append_utf8(pending_, point);
  }
  half_.erase(0, ended ? half_.size() : at);
  return !pending_.empty() || !ended;
}

std::size_t TextStream::read(char* dst, std::size_t size) {
  while (wide_ != Wide::kNo && given_ == pending_.size())
    if (!decode_more()) return 0;
  if (given_ == pending_.size()) return read_bytes(dst, size);
  const std::size_t count = std::min(size, pending_.size() - given_);
  std::memcpy(dst, pending_.data() + given_, count);
  given_ += count;
  return count;
}

}  // namespace undying::data
