#ifndef UNDYING_DATA_ARRAY_TEST_NPZ_H_
#define UNDYING_DATA_ARRAY_TEST_NPZ_H_

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace undying {

// The content of an NPY file: floats, whole numbers or bytes.
template <class T>
std::string npy_of(const std::vector<std::int64_t>& shape, const std::vector<T>& values) {
  std::string extents;
  for (const std::int64_t extent : shape) extents += std::to_string(extent) + ",";
  const std::string type = std::is_floating_point_v<T> ? "<f" : sizeof(T) == 1 ? "|u" : "<i";
  const std::string text = "{'descr': '" + type + std::to_string(sizeof(T)) +
                           "', 'fortran_order': False, 'shape': (" + extents + "), }\n";
  std::string content =
      std::string("\x93NUMPY\x01") + '\0' + static_cast<char>(text.size()) + '\0' + text;
  for (const T value : values) {
    std::string bytes(sizeof(T), '\0');
    std::memcpy(bytes.data(), &value, sizeof(T));
    content += bytes;
  }
  return content;
}

// An NPZ file, stored: names without .npy, and contents.
inline std::string npz_of(const std::vector<std::pair<std::string, std::string>>& members) {
  const auto number = [](std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i);
    return text;
  };
  std::string content;
  std::string directory;
  for (const auto& [name, body] : members) {
    const std::string file = name + ".npy";
    const auto sum =
        crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
    const std::string sizes = number(sum, 4) + number(body.size(), 4) + number(body.size(), 4) +
                              number(file.size(), 2) + number(0, 2);
    const std::string head = number(20, 2) + number(0, 2) + number(0, 2) + number(0, 4) + sizes;
    directory += "PK\x01\x02" + number(20, 2) + head + number(0, 2) + number(0, 2) + number(0, 2) +
                 number(0, 4) + number(content.size(), 4) + file;
    content += "PK\x03\x04" + head + file + body;
  }
  const std::string end = number(0, 4) + number(members.size(), 2) + number(members.size(), 2) +
                          number(directory.size(), 4) + number(content.size(), 4) + number(0, 2);
  return content + directory + "PK\x05\x06" + end;
}

}  // namespace undying

#endif  // UNDYING_DATA_ARRAY_TEST_NPZ_H_
