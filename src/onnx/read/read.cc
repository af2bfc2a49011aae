#include "onnx/read/read.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "undying/error.h"

namespace undying::onnx {
namespace {

namespace fs = std::filesystem;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// What objects may cost: a model of 100,000 nodes takes some 100 MB.
constexpr std::int64_t kMostCost = std::int64_t{256} << 20;
constexpr std::int64_t kMessageCost = 200;  // of the classes that onnx.proto describes, the mean
constexpr std::int64_t kStringCost = 48;
constexpr std::int64_t kNumberCost = 8;
constexpr int kMostDepth = 64;  // a model takes 5, each sub-graph 3 more

// Walks the wire format: a field is a tag, (number << 3) | wire type, and what its wire type says.
class Walk {
 public:
  std::int64_t cost() const { return cost_; }

  bool message(const Descriptor& type, std::string_view bytes, int depth) {
    if (depth > kMostDepth) return false;
    while (!bytes.empty()) {
      std::uint64_t tag = 0;
      if (!varint(bytes, tag) || tag >> 3 == 0 || tag >> 32 != 0) return false;
      if (!field(type.FindFieldByNumber(static_cast<int>(tag >> 3)), static_cast<int>(tag & 7),
                 bytes, depth))
        return false;
    }
    return true;
  }

 private:
  bool field(const FieldDescriptor* known, int wire_type, std::string_view& bytes, int depth) {
    std::uint64_t length = 0;
    switch (wire_type) {
      case 0:
        cost_ += kNumberCost;
        return varint(bytes, length);
      case 1:
        cost_ += kNumberCost;
        return skip(bytes, 8);
      case 5:
        cost_ += kNumberCost;
        return skip(bytes, 4);
      case 2:
        break;
      default:
        return false;  // groups: ONNX has none
    }
    if (!varint(bytes, length) || length > bytes.size()) return false;
    const std::string_view content = bytes.substr(0, length);
    bytes.remove_prefix(length);
    if (known == nullptr) return unknown(content);
    switch (known->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        cost_ += kMessageCost;
        return message(*known->message_type(), content, depth + 1);
      case FieldDescriptor::CPPTYPE_STRING:
        cost_ += kStringCost;
        return true;
      case FieldDescriptor::CPPTYPE_FLOAT:
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return true;  // packed, as large as they are
      default:
        cost_ += kNumberCost * static_cast<std::int64_t>(content.size());
        return true;  // packed: a byte may be a number
    }
  }

  bool unknown(std::string_view content) {
    cost_ += kStringCost + static_cast<std::int64_t>(content.size());
    return true;
  }

  static bool skip(std::string_view& bytes, std::size_t count) {
    if (bytes.size() < count) return false;
    bytes.remove_prefix(count);
    return true;
  }

  static bool varint(std::string_view& bytes, std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 70 && !bytes.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  }

  std::int64_t cost_ = 0;
};

}  // namespace

std::int64_t parsing_cost(std::string_view bytes) {
  Walk walk;
  return walk.message(*pb::ModelProto::descriptor(), bytes, 0) ? walk.cost() : -1;
}

std::string read_bytes(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (!fs::exists(status)) throw Error(ErrorCode::kNotFound, file.string(), "no such file");
  if (!fs::is_regular_file(status))
    throw Error(ErrorCode::kBadData, file.string(), "is not a file; expected an ONNX model");
  const auto size = fs::file_size(file, error);
  if (size > static_cast<std::uintmax_t>(kMostFileBytes))
    throw Error(ErrorCode::kUnsupported, file.string(),
                "has " + std::to_string(size) + " bytes; at most " +
                    std::to_string(kMostFileBytes) +
                    " are read, with larger tensors stored outside");
  std::ifstream stream(file, std::ios::binary);
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (!stream || !stream.read(bytes.data(), static_cast<std::streamsize>(size)))
    throw Error(ErrorCode::kIo, file.string(),
                std::string("cannot be read: ") + std::strerror(errno));
  return bytes;
}

pb::ModelProto parse_model(std::string_view bytes) {
  const std::int64_t cost = parsing_cost(bytes);
  if (cost > kMostCost)
    throw Error(ErrorCode::kBadData, "file",
                "would take " + std::to_string(cost >> 20) + " MB to describe; at most " +
                    std::to_string(kMostCost >> 20) + " MB are accepted");
  pb::ModelProto model;
  if (cost < 0 || !model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !model.has_graph())
    throw Error(ErrorCode::kBadData, "file", "is not an ONNX model, or is truncated or damaged");
  return model;
}

}  // namespace undying::onnx
