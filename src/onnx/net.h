#ifndef UNDYING_ONNX_NET_H_
#define UNDYING_ONNX_NET_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "onnx/constant.h"
#include "onnx/read/metadata.h"

namespace undying::onnx {

// A model while it is read: operations in ONNX's terms, in topological order, and the values
// between them. Each pass makes it more uniform: read (what the file says), normalise (the newest
// opset, shapes, what is known at import, composites as one operation), lower (our operators).

// Where a value counts examples: the dimension in ONNX. Alone there, it is left out of an example;
// or it is folded with others into one dimension (before, N, behind), of which an example keeps
// before * behind.
struct Batch {
  std::int64_t axis = 0;
  std::int64_t before = 0;  // 0: alone

  bool folded() const { return before > 0; }
  friend bool operator==(const Batch&, const Batch&) = default;
};

// How a value computed at run time tells examples apart: by its dimension `batch`; by none, since
// the file was made with one example and dropped that dimension; or not at all, since it is made of
// parameters alone.
enum class Examples { kCounted, kDropped, kNone };

// A value is known (constant), or computed at run time. `shape` of the latter is that of one
// example.
struct Value {
  std::string name;
  ConstantPtr constant;
  bool shaped = false;  // `shape` is filled
  Shape shape;
  bool scalar = false;  // in ONNX an example of it has no dimension; `shape` is then (1), the least
                        // there is here
  Batch batch;
  Examples examples = Examples::kCounted;
  bool integer = false;  // whole numbers or truth values, which are floats here
  int producer = -1;     // the operation; -1: an input of the model, an initializer

  Shape dims() const { return scalar ? Shape{} : shape; }  // of one example in ONNX
};

// The value of an ONNX attribute.
using Setting = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>,
                             std::vector<float>, std::vector<std::string>, ConstantPtr>;

struct Operation {
  std::string name;          // as the file says, or made from its first output
  std::string op;            // an ONNX operator, or one of ours, which start with a dot
  std::vector<int> inputs;   // values; -1: an optional one that is absent
  std::vector<int> outputs;  // values; -1: one that nobody wants
  std::map<std::string, Setting> settings;
  NodeOrigin origin;    // what its exporter says beside
  std::string problem;  // why it cannot become an operator; empty: it can, or nobody has tried
};

// A tensor that is computed from parameters alone, and what computes it: operations over values of
// their own. Those parameters are operations ".constant", which read nothing.
struct Derivation {
  ConstantPtr result;
  int value = -1;  // what the operations give
  std::vector<Operation> operations;
};

// An input that cannot be read.
struct Obstacle {
  int value = -1;
  std::string text;           // "input x: ..."
  std::vector<Shape> shapes;  // of one example, of the kinds that networks have, which may get
                              // around it; none: nothing would
};

struct Net {
  std::int64_t opset = 0;
  int batch_axes = 1;      // 1: a dimension of values at run time counts examples; 0: of none does
  std::int64_t batch = 0;  // what the file says that dimension is; 0: left open
  std::deque<Value> values;  // whose references last while others are added
  std::vector<Operation> operations;
  std::vector<int> inputs;
  std::vector<int> outputs;
  std::vector<std::string> output_names;  // as the file says, whatever value they become
  std::vector<int> chosen;                // of `outputs`, those that were asked for
  std::size_t own = 0;                    // of `outputs`, from the front, the file's own
  std::vector<std::string> left_out;      // outputs that were not asked for and cannot be read
  std::vector<Derivation> derived;        // weights that train through what computes them
  bool fresh = false;                     // weights will be drawn anew
  bool ours = false;  // this program wrote the file: its initializers are parameters
  std::vector<std::string> notes;
  std::vector<Obstacle> obstacles;

  int add_value(Value value);
  int add_constant(ConstantPtr constant, std::string name = {});
  // Throws Error{kBadData} for an input that is absent (-1), which an operation needs.
  const Value& value(int id) const { return values[present(id)]; }
  Value& value(int id) { return values[present(id)]; }
  static int present(int id);
  int batch_axes_of(int id) const {
    return value(id).examples == Examples::kCounted ? batch_axes : 0;
  }
  std::int64_t rank(int id) const;  // dimensions in ONNX, the batch among them
  // The extents in ONNX of a value at run time; that of the batch is `value` N, or a number where
  // the file says how many there are.
  std::vector<Integer> dims(int id) const;

  // The operations that read each value, one entry a use; outputs of the model count as reads by
  // operation -1.
  std::vector<std::vector<int>> readers() const;
  // Whether each value is needed for these.
  std::vector<bool> needed(const std::vector<int>& values) const;
  // Drops operations whose outputs nobody reads.
  void drop_unread();
  // Reads of `from` become reads of `to`.
  void replace(int from, int to);
};

// Input number `index` of an operation, or -1.
int input(const Operation& operation, std::size_t index);
bool has_input(const Operation& operation, std::size_t index);

// Thrown where an operation is well-formed, but cannot become an operator of the engine: listed
// with all others at the end.
struct Refusal {
  std::string message;
};
[[noreturn]] void refuse(std::string message);

// Throws Error{kBadData, "node NAME (OPERATOR)"}.
[[noreturn]] void malformed(const Operation& operation, const std::string& message);

// An attribute, or `otherwise` where it is absent. malformed() when it is of another kind.
template <class T>
T setting(const Operation& operation, const std::string& name, T otherwise) {
  const auto found = operation.settings.find(name);
  if (found == operation.settings.end()) return otherwise;
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) malformed(operation, "its attribute " + name + " is of the wrong kind");
  return *value;
}
std::int64_t integer(const Operation& operation, const std::string& name, std::int64_t otherwise);
double number(const Operation& operation, const std::string& name,
              double otherwise);  // as people write it
std::vector<std::int64_t> integers(const Operation& operation, const std::string& name,
                                   std::vector<std::int64_t> otherwise = {});
std::string text(const Operation& operation, const std::string& name, std::string otherwise);

// "a known number", "(N, 3, 8, 8)" or "of unknown shape", for messages.
std::string describe(const Net& net, int value);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_NET_H_
