// Reading zip files as far as numpy.savez writes them: the central directory, members stored or
// deflated.

#include <fmt/format.h>
#include <zlib.h>

#include <cstdint>

#include "data/array/npy.h"
#include "data/read_common.h"
#include "undying/error.h"

namespace undying::data {
namespace {

// Little-endian fields of a zip file, each access checked.
class Fields {
 public:
  Fields(std::string_view content, const std::string& source)
      : content_(content), source_(source) {}

  std::uint32_t number(std::uint64_t at, int bytes) const {
    const std::string_view field = slice(at, static_cast<std::uint64_t>(bytes));
    std::uint32_t value = 0;
    for (int i = bytes; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(field[i]);
    return value;
  }

  std::string_view slice(std::uint64_t at, std::uint64_t size) const {
    if (at > content_.size() || size > content_.size() - at)
      bad_data(source_, "is truncated: a zip record points beyond its end");
    return content_.substr(at, size);
  }

 private:
  std::string_view content_;
  const std::string& source_;
};

std::string inflate_member(std::string_view packed, std::uint64_t size, const std::string& source) {
  std::string content(size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) bad_data(source, "cannot be inflated");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(content.data());
  stream.avail_out = static_cast<uInt>(size);
  const int code = inflate(&stream, Z_FINISH);
  const bool whole = code == Z_STREAM_END && stream.total_out == size;
  inflateEnd(&stream);
  if (!whole) bad_data(source, "has a member that does not inflate to its declared size");
  return content;
}

constexpr std::uint64_t kEndSize = 22;

std::uint64_t find_end(std::string_view content, const std::string& source) {
  const auto at = content.rfind(std::string_view("PK\x05\x06", 4));
  if (at == std::string_view::npos || content.size() - at < kEndSize)
    bad_data(source, "is not a zip file: it has no central directory");
  return at;
}

// One entry of the central directory.
struct Entry {
  std::string name;
  std::uint32_t flags, method, checksum;
  std::uint64_t packed_size, size, local, next;
};

Entry read_entry(const Fields& fields, std::uint64_t at, const std::string& source) {
  if (fields.number(at, 4) != 0x02014b50) bad_data(source, "has a damaged central directory");
  const std::uint64_t name_size = fields.number(at + 28, 2);
  return {.name = std::string(fields.slice(at + 46, name_size)),
          .flags = fields.number(at + 8, 2),
          .method = fields.number(at + 10, 2),
          .checksum = fields.number(at + 16, 4),
          .packed_size = fields.number(at + 20, 4),
          .size = fields.number(at + 24, 4),
          .local = fields.number(at + 42, 4),
          .next = at + 46 + name_size + fields.number(at + 30, 2) + fields.number(at + 32, 2)};
}

// `total`: bytes unpacked with this one.
void check(const Entry& entry, std::uint64_t total, std::uint64_t limit,
           const std::string& source) {
  const auto unsupported = [&](const std::string& what) {
    throw Error(ErrorCode::kUnsupported, source, fmt::format("member {} {}", entry.name, what));
  };
  if ((entry.flags & 1) != 0) unsupported("is encrypted");
  if (entry.size == 0xffffffff || entry.packed_size == 0xffffffff)
    unsupported("is in the zip64 format; save arrays as .npy");
  // Deflate shrinks by 1032 at most: what promises more is a bomb or damaged.
  if (total > limit || entry.size > 1100 * (entry.packed_size + 1) ||
      (entry.method == 0 && entry.size != entry.packed_size))
    bad_data(source, fmt::format("member {} declares {} bytes from {} packed", entry.name,
                                 entry.size, entry.packed_size));
  if (entry.method != 0 && entry.method != 8)
    unsupported(fmt::format("uses compression {}; expected stored or deflated", entry.method));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> unzip(std::string_view content,
                                                       const std::string& source,
                                                       std::uint64_t limit) {
  const Fields fields(content, source);
  const std::uint64_t end = find_end(content, source);
  std::vector<std::pair<std::string, std::string>> members;
  std::uint64_t at = fields.number(end + 16, 4);
  std::uint64_t total = 0;
  for (std::uint32_t left = fields.number(end + 10, 2); left > 0; --left) {
    Entry entry = read_entry(fields, at, source);
    total += entry.size;
    check(entry, total, limit, source);
    const std::uint64_t data =
        entry.local + 30 + fields.number(entry.local + 26, 2) + fields.number(entry.local + 28, 2);
    const std::string_view packed = fields.slice(data, entry.packed_size);
    std::string member =
        entry.method == 8 ? inflate_member(packed, entry.size, source) : std::string(packed);
    if (crc32(0, reinterpret_cast<const Bytef*>(member.data()), static_cast<uInt>(member.size())) !=
        entry.checksum)
      bad_data(source, fmt::format("member {} has a wrong checksum", entry.name));
    members.emplace_back(std::move(entry.name), std::move(member));
    at = entry.next;
  }
  return members;
}

}  // namespace undying::data
