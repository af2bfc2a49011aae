#include "data/array/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "data/read_common.h"
#include "data/read_file.h"
#include "undying/error.h"

namespace undying::data {
namespace {

constexpr std::size_t kMostHeader = 1 << 20;

struct Header {
  std::string type;  // "<f4"
  bool fortran = false;
  std::vector<std::int64_t> shape;
  std::size_t size = 0;  // of the header, magic included
};

// What stands behind 'key': in the header, a Python dictionary of fixed form.
std::string_view value_of(std::string_view text, std::string_view key, const std::string& source) {
  const auto at = text.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos)
    bad_data(source, fmt::format("its NPY header has no '{}'", key));
  text.remove_prefix(at + key.size() + 3);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

std::vector<std::int64_t> parse_shape(std::string_view text, const std::string& source) {
  std::vector<std::int64_t> shape;
  const auto close = text.find(')');
  if (text.empty() || text[0] != '(' || close == std::string_view::npos)
    bad_data(source, "its NPY header has no shape in parentheses");
  std::uint64_t total = 1;
  for (std::size_t i = 1; i < close; ++i) {
    if (text[i] == ' ' || text[i] == ',') continue;
    std::int64_t extent = 0;
    for (; i < close && text[i] >= '0' && text[i] <= '9'; ++i) {
      extent = extent * 10 + (text[i] - '0');
      if (extent > (std::int64_t{1} << 40))
        bad_data(source, "its NPY header declares an absurd dimension");
    }
    if (i < close && text[i] != ',' && text[i] != ' ')
      bad_data(source, fmt::format("its NPY shape has the character '{}'", text[i]));
    shape.push_back(extent);
    if (!multiply(total, static_cast<std::uint64_t>(std::max<std::int64_t>(extent, 1))))
      bad_data(source, "its NPY header declares more values than a file here may hold");
  }
  return shape;
}

Header parse_header(std::string_view content, const std::string& source) {
  if (content.size() < 10 || content.substr(0, 6) != "\x93NUMPY")
    bad_data(source, "does not start as an NPY file; expected one saved by numpy.save");
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<std::uint8_t>(content[i]));
  };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3)
    bad_data(source, fmt::format("is NPY version {}; expected 1, 2 or 3", version));
  if (version > 1 && content.size() < 12) bad_data(source, "is truncated within its header");
  const std::size_t prefix = version == 1 ? 10 : 12;
  const std::size_t length = version == 1
                                 ? byte(8) | byte(9) << 8
                                 : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  if (length > kMostHeader || content.size() < prefix + length)
    bad_data(source, fmt::format("declares a header of {} bytes, which it does not hold", length));
  const std::string_view text = content.substr(prefix, length);
  Header header{.size = prefix + length};
  const std::string_view type = value_of(text, "descr", source);
  if (type.empty() || type[0] != '\'')
    throw Error(ErrorCode::kUnsupported, source,
                "has a structured type; expected a plain array of numbers");
  header.type = type.substr(1, std::min(type.find('\'', 1), type.size()) - 1);
  header.fortran = value_of(text, "fortran_order", source).starts_with("True");
  header.shape = parse_shape(value_of(text, "shape", source), source);
  return header;
}

template <class T>
double read_as(const char* from, bool swap) {
  std::array<char, sizeof(T)> bytes;
  std::memcpy(bytes.data(), from, sizeof(T));
  if (swap) std::reverse(bytes.begin(), bytes.end());
  return static_cast<double>(std::bit_cast<T>(bytes));
}

// IEEE 754 binary16.
double read_half(const char* from, bool swap) {
  const auto bits = static_cast<unsigned>(read_as<std::uint16_t>(from, swap));
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const auto fraction = static_cast<double>(bits & 1023);
  const double magnitude =
      exponent == 31  ? (fraction == 0.0 ? std::numeric_limits<double>::infinity() : std::nan(""))
      : exponent == 0 ? std::ldexp(fraction, -24)
                      : std::ldexp(1024.0 + fraction, exponent - 25);
  return bits >> 15 != 0 ? -magnitude : magnitude;
}

using Reader = double (*)(const char*, bool);

Reader reader_of(const std::string& type, const std::string& source) {
  const std::string kind = type.size() == 3 ? type.substr(1) : "";
  if (kind == "f2") return read_half;
  if (kind == "f4") return read_as<float>;
  if (kind == "f8") return read_as<double>;
  if (kind == "i1") return read_as<std::int8_t>;
  if (kind == "i2") return read_as<std::int16_t>;
  if (kind == "i4") return read_as<std::int32_t>;
  if (kind == "i8") return read_as<std::int64_t>;
  if (kind == "u1" || kind == "b1") return read_as<std::uint8_t>;
  if (kind == "u2") return read_as<std::uint16_t>;
  if (kind == "u4") return read_as<std::uint32_t>;
  if (kind == "u8") return read_as<std::uint64_t>;
  throw Error(
      ErrorCode::kUnsupported, source,
      fmt::format("has elements of type '{}'; expected f2, f4, f8, i1..i8, u1..u8 or b1", type));
}

// Where element `index` of the row-major order stands in Fortran order.
std::int64_t fortran_position(const std::vector<std::int64_t>& shape, std::int64_t index) {
  std::int64_t position = 0;
  std::int64_t stride = 1;
  for (const std::int64_t extent : shape) stride *= extent;
  std::int64_t below = stride;
  std::int64_t step = 1;
  for (const std::int64_t extent : shape) {
    below /= extent;
    position += index / below % extent * step;
    step *= extent;
  }
  return position;
}

}  // namespace

std::int64_t Array::count() const {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

Array parse_npy(std::string_view content, const std::string& source) {
  const Header header = parse_header(content, source);
  const Reader read = reader_of(header.type, source);
  const char order = header.type[0];
  if (order != '<' && order != '>' && order != '|' && order != '=')
    bad_data(source, fmt::format("has the unknown byte order '{}'", order));
  const auto width = static_cast<std::size_t>(header.type[2] - '0');
  Array array{.shape = header.shape,
              .integers = header.type[1] != 'f',
              .bytes = header.type.substr(1) == "u1"};
  const auto count = static_cast<std::size_t>(array.count());
  const std::string_view body = content.substr(header.size);
  if (body.size() != count * width)
    bad_data(source, fmt::format("holds {} bytes behind its header; its shape and type need {}",
                                 body.size(), count * width));
  const auto at = [&](std::size_t i) {
    return header.fortran ? static_cast<std::size_t>(
                                fortran_position(array.shape, static_cast<std::int64_t>(i)))
                          : i;
  };
  if (array.bytes) array.raw.resize(count);
  if (!array.bytes) array.values.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double value = read(body.data() + at(i) * width, order == '>');
    if (array.bytes) array.raw[i] = static_cast<std::uint8_t>(value);
    if (!array.bytes) array.values[i] = value;
  }
  return array;
}

}  // namespace undying::data
