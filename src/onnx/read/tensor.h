#ifndef UNDYING_ONNX_READ_TENSOR_H_
#define UNDYING_ONNX_READ_TENSOR_H_

#include <filesystem>
#include <map>
#include <string>

#include "onnx/constant.h"
#include "onnx/read/read.h"

namespace undying::onnx {

// Turns tensors of a model file into constants. Float types become float32; integers and booleans
// become integers. What a tensor declares is checked against what is there before anything is
// allocated.
class TensorReader {
 public:
  // `folder`: where the model file lies, for tensors stored outside it; empty: none are.
  explicit TensorReader(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Throws Error{kBadData, "tensor NAME"} and, for types that are not read, Error{kUnsupported}.
  ConstantPtr read(const pb::TensorProto& tensor, std::string origin);

  // What is read of types, numbers of TensorProto.DataType.
  static bool is_float(int type);
  static bool is_integer(int type);
  static std::string type_name(int type);

  // How many tensors of each other float type became float32: "float16" -> 3.
  const std::map<std::string, int>& converted() const { return converted_; }

 private:
  const std::string* raw_bytes(const pb::TensorProto& tensor, std::int64_t expected);
  std::string external_bytes(const pb::TensorProto& tensor, std::int64_t expected);

  std::filesystem::path folder_;
  std::string outside_;  // the bytes of the tensor at hand, where they lie outside
  std::map<std::string, std::int64_t> external_read_;  // bytes read so far, by file
  std::map<std::string, int> converted_;
};

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_READ_TENSOR_H_
