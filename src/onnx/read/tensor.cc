#include "onnx/read/tensor.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "onnx/names.h"
#include "onnx/read/external.h"
#include "ops/operator.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

static_assert(std::endian::native == std::endian::little,
              "tensors are read as they lie in the file");

using Type = pb::TensorProto;

std::string subject_of(const pb::TensorProto& tensor) {
  return "tensor " + (tensor.name().empty() ? "without a name" : printable(tensor.name()));
}

[[noreturn]] void fail(const pb::TensorProto& tensor, const std::string& message) {
  throw Error(ErrorCode::kBadData, subject_of(tensor), message);
}

std::string type_name(int type) {
  return pb::TensorProto::DataType_IsValid(type)
             ? pb::TensorProto::DataType_Name(static_cast<pb::TensorProto::DataType>(type))
             : "number " + std::to_string(type);
}

bool is_float(int type) {
  return type == Type::FLOAT || type == Type::DOUBLE || type == Type::FLOAT16 ||
         type == Type::BFLOAT16;
}

// Bytes an element takes in raw_data; 0: not a type that is read.
std::int64_t element_size(int type) {
  switch (type) {
    case Type::DOUBLE:
    case Type::INT64:
    case Type::UINT64:
      return 8;
    case Type::FLOAT:
    case Type::INT32:
    case Type::UINT32:
      return 4;
    case Type::FLOAT16:
    case Type::BFLOAT16:
    case Type::INT16:
    case Type::UINT16:
      return 2;
    case Type::INT8:
    case Type::UINT8:
    case Type::BOOL:
      return 1;
    default:
      return 0;
  }
}

float from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// IEEE 754 binary16.
float from_float16(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  float value = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                              : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  if (exponent == 31)
    value = fraction == 0 ? std::numeric_limits<float>::infinity()
                          : std::numeric_limits<float>::quiet_NaN();
  return (bits & 0x8000) != 0 ? -value : value;
}

template <class T>
T element(const std::string& raw, std::int64_t index) {
  T value;
  std::memcpy(&value, raw.data() + static_cast<std::size_t>(index) * sizeof(T), sizeof(T));
  return value;
}

float raw_float(int type, const std::string& raw, std::int64_t index) {
  switch (type) {
    case Type::DOUBLE:
      return static_cast<float>(element<double>(raw, index));
    case Type::FLOAT16:
      return from_float16(element<std::uint16_t>(raw, index));
    case Type::BFLOAT16:
      return from_bfloat16(element<std::uint16_t>(raw, index));
    default:
      return element<float>(raw, index);
  }
}

std::int64_t raw_integer(int type, const std::string& raw, std::int64_t index) {
  switch (type) {
    case Type::INT32:
      return element<std::int32_t>(raw, index);
    case Type::UINT32:
      return element<std::uint32_t>(raw, index);
    case Type::INT16:
      return element<std::int16_t>(raw, index);
    case Type::UINT16:
      return element<std::uint16_t>(raw, index);
    case Type::INT8:
      return element<std::int8_t>(raw, index);
    case Type::UINT8:
      return element<std::uint8_t>(raw, index);
    case Type::BOOL:
      return element<std::uint8_t>(raw, index) != 0 ? 1 : 0;
    default:
      return element<std::int64_t>(raw, index);  // UINT64 too: shapes do not come near 2^63
  }
}

// The field that holds the elements where raw_data does not, and how many it holds.
std::int64_t typed_count(const pb::TensorProto& tensor) {
  switch (tensor.data_type()) {
    case Type::FLOAT:
      return tensor.float_data_size();
    case Type::DOUBLE:
      return tensor.double_data_size();
    case Type::INT64:
      return tensor.int64_data_size();
    case Type::UINT32:
    case Type::UINT64:
      return tensor.uint64_data_size();
    default:
      return tensor.int32_data_size();
  }
}

float typed_float(const pb::TensorProto& tensor, int index) {
  switch (tensor.data_type()) {
    case Type::FLOAT:
      return tensor.float_data(index);
    case Type::DOUBLE:
      return static_cast<float>(tensor.double_data(index));
    case Type::FLOAT16:
      return from_float16(static_cast<std::uint16_t>(tensor.int32_data(index)));
    default:
      return from_bfloat16(static_cast<std::uint16_t>(tensor.int32_data(index)));
  }
}

std::int64_t typed_integer(const pb::TensorProto& tensor, int index) {
  switch (tensor.data_type()) {
    case Type::INT64:
      return tensor.int64_data(index);
    case Type::UINT32:
    case Type::UINT64:
      return static_cast<std::int64_t>(tensor.uint64_data(index));
    default:
      return tensor.int32_data(index);
  }
}

// How many elements a tensor's shape asks for.
std::int64_t declared_count(const pb::TensorProto& tensor, const Shape& dims, bool integer) {
  if (element_size(tensor.data_type()) == 0)
    throw Error(
        ErrorCode::kUnsupported, subject_of(tensor),
        "is of type " + type_name(tensor.data_type()) + "; expected a float or integer type");
  std::int64_t count = 0;
  if (!multiply_extents(dims, kMostElements, count))
    fail(tensor, "its shape " + ops::to_string(dims) + " is negative or absurdly large");
  if (integer && count > kMostIntegers)
    throw Error(ErrorCode::kUnsupported, subject_of(tensor),
                "has " + std::to_string(count) + " integers; at most " +
                    std::to_string(kMostIntegers) + " are read");
  return count;
}

std::int64_t parse_offset(const pb::TensorProto& tensor, const std::string& key,
                          const std::string& value) {
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < 0)
    fail(tensor,
         "its external " + key + " is \"" + printable(value) + "\"; expected a whole number");
  return number;
}

}  // namespace

bool TensorReader::is_float(int type) { return onnx::is_float(type); }
bool TensorReader::is_integer(int type) { return element_size(type) > 0 && !onnx::is_float(type); }
std::string TensorReader::type_name(int type) { return onnx::type_name(type); }

std::string TensorReader::external_bytes(const pb::TensorProto& tensor, std::int64_t expected) {
  if (folder_.empty()) fail(tensor, "is stored outside the model; expected it inside");
  std::string location;
  std::int64_t offset = 0;
  std::int64_t length = expected;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = parse_offset(tensor, "offset", entry.value());
    if (entry.key() == "length") length = parse_offset(tensor, "length", entry.value());
  }
  if (length != expected)
    fail(tensor, "is stored in " + std::to_string(length) +
                     " bytes of another file; its shape takes " + std::to_string(expected));
  const std::filesystem::path file = resolve_external(folder_, location, subject_of(tensor));
  std::string bytes = read_range(file, offset, length, subject_of(tensor));
  // Many tensors that all name the same bytes would take more memory than there are bytes.
  std::error_code error;
  std::int64_t& read = external_read_[file.string()];
  read += length;
  if (read > static_cast<std::int64_t>(std::filesystem::file_size(file, error)))
    fail(tensor, "shares its bytes in " + printable(location) + " with other tensors");
  return bytes;
}

// The bytes of a tensor's elements, wherever they lie; null: they stand in a field of their type.
const std::string* TensorReader::raw_bytes(const pb::TensorProto& tensor, std::int64_t expected) {
  if (tensor.data_location() == pb::TensorProto::EXTERNAL)
    return &(outside_ = external_bytes(tensor, expected));
  return tensor.has_raw_data() ? &tensor.raw_data() : nullptr;
}

ConstantPtr TensorReader::read(const pb::TensorProto& tensor, std::string origin) {
  const int type = tensor.data_type();
  const std::int64_t size = element_size(type);
  Constant constant{.dims = Shape(tensor.dims().begin(), tensor.dims().end()),
                    .integer = !onnx::is_float(type),
                    .type = type,
                    .origin = std::move(origin)};
  const std::int64_t count = declared_count(tensor, constant.dims, constant.integer);
  const std::string* raw = raw_bytes(tensor, count * size);
  const std::int64_t present =
      raw == nullptr ? typed_count(tensor) : static_cast<std::int64_t>(raw->size()) / size;
  if (present != count || (raw != nullptr && static_cast<std::int64_t>(raw->size()) % size != 0))
    fail(tensor, "its shape " + ops::to_string(constant.dims) + " takes " + std::to_string(count) +
                     " elements; the file holds " + std::to_string(present));
  if (constant.integer) {
    constant.integers.resize(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i)
      constant.integers[i].value =
          raw != nullptr ? raw_integer(type, *raw, i) : typed_integer(tensor, static_cast<int>(i));
  } else {
    constant.floats.resize(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i)
      constant.floats[i] =
          raw != nullptr ? raw_float(type, *raw, i) : typed_float(tensor, static_cast<int>(i));
    if (type != Type::FLOAT) ++converted_[onnx::type_name(type)];
  }
  return std::make_shared<Constant>(std::move(constant));
}

}  // namespace undying::onnx
