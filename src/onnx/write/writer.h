#ifndef UNDYING_ONNX_WRITE_WRITER_H_
#define UNDYING_ONNX_WRITE_WRITER_H_

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "onnx/names.h"
#include "onnx/read/read.h"
#include "undying/dataset.h"

namespace undying::onnx {

// Writes the nodes and initializers of a graph. What is written between begin() and end() belongs
// to one node of ours: a single operator carries its name, several carry it as a path ("act/Erf"),
// as exporters name the parts of a module.
class Writer {
 public:
  using Setting = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>,
                               std::vector<std::string>>;
  using Settings = std::vector<std::pair<const char*, Setting>>;

  explicit Writer(pb::GraphProto& graph) : graph_(graph) {}

  // Sets a name apart, so that nothing else gets it.
  std::string reserve(const std::string& name) { return names_.take(name); }

  void begin(const std::string& name);
  // The value `result` that the parts gave is called `name` from here on; one that was there before
  // begin() keeps its name.
  std::string end(const std::string& result, const std::string& name);

  // Appends an operator; returns the name of its output.
  std::string add(const std::string& op, const std::vector<std::string>& inputs,
                  const Settings& settings = {});
  // One with several outputs.
  std::vector<std::string> add_several(const std::string& op,
                                       const std::vector<std::string>& inputs, std::size_t outputs,
                                       const Settings& settings);

  // From here on constants are nodes: initializers are what trains.
  void keep_initializers_for_parameters(bool so) { constants_are_nodes_ = so; }

  // Initializers. A tensor is written once, under its own name.
  std::string tensor(const Tensor& tensor);
  std::string floats(const std::vector<float>& values, const std::vector<std::int64_t>& dims);
  std::string list(const std::vector<std::int64_t>& values);

 private:
  std::string part_name(const std::string& what);
  std::string constant(const Tensor& tensor);

  pb::GraphProto& graph_;
  UniqueNames names_;
  UniqueNames node_names_;
  UniqueNames written_;
  std::string scope_;
  bool constants_are_nodes_ = false;
  int first_ = 0;  // of the scope's nodes
};

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_WRITE_WRITER_H_
