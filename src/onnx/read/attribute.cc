#include "onnx/read/attribute.h"

#include "onnx/names.h"
#include "undying/error.h"

namespace undying::onnx {

const std::string& checked(const std::string& name) {
  if (printable(name) != name)
    throw Error(ErrorCode::kBadData, "graph",
                "has a name with control characters: " + printable(name));
  return name;
}

void add_attribute(Operation& operation, TensorReader& tensors, pb::AttributeProto& attribute) {
  using Type = pb::AttributeProto;
  const std::string& name = checked(attribute.name());
  if (name.empty() || name.front() == '.' || operation.settings.contains(name))
    malformed(operation, "has two attributes called \"" + name +
                             "\", or one that is called nothing or by a dot");
  Setting& value = operation.settings[name];
  switch (attribute.type()) {
    case Type::INT:
      value = attribute.i();
      return;
    case Type::FLOAT:
      value = attribute.f();
      return;
    case Type::STRING:
      value = attribute.s();
      return;
    case Type::INTS:
      value = std::vector<std::int64_t>(attribute.ints().begin(), attribute.ints().end());
      return;
    case Type::FLOATS:
      value = std::vector<float>(attribute.floats().begin(), attribute.floats().end());
      return;
    case Type::STRINGS:
      value = std::vector<std::string>(attribute.strings().begin(), attribute.strings().end());
      return;
    case Type::TENSOR:
      value = tensors.read(attribute.t(), {});
      return;
    case Type::GRAPH:
    case Type::GRAPHS:
      operation.problem = "has a sub-graph";
      break;
    default:
      operation.problem = "has an attribute " + attribute.name() + " of a kind that is not read";
      break;
  }
  operation.settings.erase(attribute.name());
}

}  // namespace undying::onnx
