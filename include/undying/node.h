#ifndef UNDYING_NODE_H_
#define UNDYING_NODE_H_

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "undying/activation.h"

namespace undying {

// The shape of one example, without the batch dimension: {784} or {1, 28, 28}.
using Shape = std::vector<std::int64_t>;

// The options of an operator, by name. A getter of the wrong kind or of a missing name throws
// Error{kInvalidArgument}.
class Attributes {
 public:
  using Value = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>,
                             std::vector<double>, Activation>;

  Attributes() = default;
  Attributes(std::initializer_list<std::pair<const std::string, Value>> values) : values_(values) {}

  template <class T>
  const T& get(const std::string& name) const;
  // The value, or `otherwise` where the attribute is absent.
  template <class T>
  T get_or(const std::string& name, T otherwise) const {
    return has(name) ? get<T>(name) : otherwise;
  }
  bool has(const std::string& name) const { return values_.contains(name); }
  void set(const std::string& name, Value value) {
    values_.insert_or_assign(name, std::move(value));
  }
  const std::map<std::string, Value>& all() const { return values_; }

 private:
  std::map<std::string, Value> values_;
};

// One operator applied to the outputs of earlier nodes. docs/operators.md lists the operators with
// their attributes.
struct Node {
  std::string name;  // unique in the graph: "layer.3"
  std::string op;    // a row of the operator table: "linear", "activation", "conv", "add", ...
  std::vector<int> inputs;  // indices of earlier nodes
  Attributes attributes;
  // Names of the tensors it owns, in the order of docs/operators.md; an empty or missing one is
  // NAME.weight and so on. Nodes that name the same tensor share it.
  std::vector<std::string> parameters = {};
};

}  // namespace undying

#endif  // UNDYING_NODE_H_
