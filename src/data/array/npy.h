#ifndef UNDYING_DATA_ARRAY_NPY_H_
#define UNDYING_DATA_ARRAY_NPY_H_

#include <string>
#include <string_view>
#include <vector>

namespace undying::data {

// An array of an NPY file (NumPy enhancement proposal 1, versions 1 to 3), in row-major order
// whatever the file's.
struct Array {
  std::vector<std::int64_t> shape;
  bool integers = false;          // of an integer or boolean type
  bool bytes = false;             // of type u1
  std::vector<double> values;     // empty when `bytes`
  std::vector<std::uint8_t> raw;  // filled when `bytes`

  std::int64_t count() const;
};

// `source` is what errors name. Types f2, f4, f8, i1..i8, u1..u8, b1, either byte order, C or
// Fortran order. Object and structured types are refused. Throws Error{kBadData} or {kUnsupported}.
Array parse_npy(std::string_view content, const std::string& source);

// The members of a zip file by name. Refuses encryption, zip64, wrong checksums, and more than
// `limit` bytes unpacked.
std::vector<std::pair<std::string, std::string>> unzip(std::string_view content,
                                                       const std::string& source,
                                                       std::uint64_t limit);

}  // namespace undying::data

#endif  // UNDYING_DATA_ARRAY_NPY_H_
