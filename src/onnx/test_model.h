#ifndef UNDYING_ONNX_TEST_MODEL_H_
#define UNDYING_ONNX_TEST_MODEL_H_

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "onnx/read/read.h"
#include "undying/error.h"
#include "undying/onnx.h"

namespace undying::onnx {

// Builds small models for tests, node by node.
class TestModel {
 public:
  struct Attribute {
    const char* name;
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>>
        value;
  };

  explicit TestModel(std::int64_t opset = 17);

  // A float32 input; an extent of 0 is left open as "N".
  TestModel& input(const std::string& name, const std::vector<std::int64_t>& dims);
  // An initializer of these values; none: 0.1, -0.2, 0.3, ...
  TestModel& floats(const std::string& name, const std::vector<std::int64_t>& dims,
                    std::vector<float> values = {});
  TestModel& integers(const std::string& name, const std::vector<std::int64_t>& dims,
                      const std::vector<std::int64_t>& values);
  TestModel& list(const std::string& name, const std::vector<std::int64_t>& values);
  // The node is called NAME, or like its first output.
  TestModel& node(const std::string& op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs,
                  const std::vector<Attribute>& attributes = {}, const std::string& name = {});
  TestModel& output(const std::string& name);

  Model load(const LoadOptions& options = {}) const;
  // The message of the error that load() throws; "" where it throws none.
  std::string error(const LoadOptions& options = {}) const;

  pb::ModelProto proto;
};

// A path in the folder for temporary files that belongs to this process.
std::filesystem::path test_path(const std::string& name);

Model load(const pb::ModelProto& proto, const LoadOptions& options = {});

// A graph as text, one node a line: "fc1 = linear(x) bias=0 outputs=3 [fc1.weight]". Attributes
// that only number nodes are left out.
std::string describe(const Graph& graph);

// The lines of describe() behind the inputs, without names of nodes and tensors: "linear(0) bias=0
// outputs=3".
std::string structure(const Graph& graph);

// The code of the error that a file of these bytes gives; nothing where it is a model.
std::optional<ErrorCode> code_of(const std::string& bytes);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_TEST_MODEL_H_
