#ifndef UNDYING_ONNX_NAMES_H_
#define UNDYING_ONNX_NAMES_H_

#include <set>
#include <string>
#include <string_view>

namespace undying::onnx {

// The user's names, from what exporters make of them. PyTorch keeps a module's path in the names of
// its parameters
// ("layer1.0.conv1.weight") and in those of its nodes ("/layer1/layer1.0/conv1/Conv"); TensorFlow
// in those of its nodes
// ("model/dense/MatMul").

// Whether people gave this name: not empty, not a number, not one of PyTorch's own
// ("onnx::Conv_12").
bool is_presentable(std::string_view name);

// The module whose parameter this is: "fc1" of "fc1.weight"; "" where the name does not tell.
std::string module_of_tensor(std::string_view name);

// The module a node belongs to: "layer1.0.conv1" and "model/dense" of the names above; a name
// without a path as it is, "" where it is not presentable.
std::string module_of_node(std::string_view name, std::string_view op);

// Text from a file as it may stand in a message: without control characters.
std::string printable(std::string_view text);

// Names that are used once: a name that is taken gets a number behind it, "relu.2".
class UniqueNames {
 public:
  bool is_free(const std::string& name) const { return !taken_.contains(name); }
  std::string take(const std::string& name);

 private:
  std::set<std::string> taken_;
};

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_NAMES_H_
