// Formulas of one value x. The elementwise operations before a value are read as an expression in
// one of the values they start from; where that equals a template, one operation stands in their
// place.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include "onnx/normalise/evaluate.h"
#include "onnx/normalise/expression.h"
#include "onnx/normalise/fold.h"
#include "onnx/normalise/formulas.h"
#include "onnx/normalise/patterns.h"

namespace undying::onnx {
namespace {

// The longest composite has 11 operations; the keys of templates stay below 150 characters, and
// keys grow with the size of the tree.
constexpr std::size_t kMostOperations = 14;
constexpr std::size_t kLongestKey = 400;

// Reads the operations before a value as an expression in another.
class FormulaReader {
 public:
  FormulaReader(const Net& net, int x) : net_(net) { known_[x] = make_variable(); }

  // Null where the value depends on anything but x and numbers, or the formula is too long.
  ExpressionPtr read(int id) {
    if (const auto found = known_.find(id); found != known_.end()) return found->second;
    ExpressionPtr result = net_.value(id).constant != nullptr ? number(*net_.value(id).constant)
                                                              : computed(net_.value(id).producer);
    if (result != nullptr && result->key.size() > kLongestKey) result = nullptr;
    return known_[id] = result;
  }

  std::size_t operations() const { return operations_; }
  const std::vector<std::int64_t>& axes() const { return axes_; }  // that the formula reduces

 private:
  static ExpressionPtr number(const Constant& constant) {
    if (constant.count() != 1 || constant.integer) return nullptr;
    return make_number(static_cast<double>(constant.floats[0]));
  }

  ExpressionPtr computed(int producer) {
    if (producer < 0 || ++operations_ > kMostOperations) return nullptr;
    const Operation& operation = net_.operations[producer];
    std::vector<ExpressionPtr> arguments;
    if (operation.outputs.size() != 1 || operation.inputs.empty() || operation.inputs[0] < 0)
      return nullptr;
    if (operation.op.starts_with("Reduce")) return reduced(operation);
    for (const int id : operation.inputs) {
      if (id < 0 && operation.op != "Clip") return nullptr;
      arguments.push_back(id < 0 ? nullptr : read(id));
      if (id >= 0 && arguments.back() == nullptr) return nullptr;
    }
    return combined(operation, arguments);
  }

  ExpressionPtr combined(const Operation& operation, const std::vector<ExpressionPtr>& a) {
    const std::string& op = operation.op;
    if (op == "Clip") return clipped(a);
    if (op == "HardSigmoid")
      return clip(add(scale(a[0], setting(operation, "alpha", 0.2f)),
                      make_number(setting(operation, "beta", 0.5f))),
                  0.0, 1.0);
    if (op == "Elu") return call("elu", {a[0], make_number(setting(operation, "alpha", 1.0f))});
    if (op == "Softmax")
      return a[0]->kind == Expression::Kind::kVariable &&
                     note_axes(operation, softmax_axes(operation))
                 ? call("softmax", a)
                 : nullptr;
    return a.size() == 2 ? binary(op, a[0], a[1]) : a.size() == 1 ? unary(op, a[0]) : nullptr;
  }

  static ExpressionPtr binary(const std::string& op, const ExpressionPtr& a,
                              const ExpressionPtr& b) {
    const bool number = b->kind == Expression::Kind::kNumber;
    if (op == "Add" || op == "Sum") return add(a, b);
    if (op == "Sub") return add(a, scale(b, -1.0));
    if (op == "Mul") return multiply(a, b);
    if (op == "Div") return multiply(a, power(b, -1.0));
    if (op == "Pow") return number ? power(a, b->number) : nullptr;
    if (op != "Max" && op != "Min") return nullptr;
    if (a->kind == Expression::Kind::kNumber) return binary(op, b, a);
    if (number) return op == "Max" ? clip(a, b->number, kInfinity) : clip(a, -kInfinity, b->number);
    return call(op == "Max" ? "max" : "min", {a, b});
  }

  static ExpressionPtr unary(const std::string& op, const ExpressionPtr& a) {
    constexpr std::array<std::array<const char*, 2>, 7> kCalls = {{{"Erf", "erf"},
                                                                   {"Exp", "exp"},
                                                                   {"Log", "log"},
                                                                   {"Tanh", "tanh"},
                                                                   {"Sigmoid", "sigmoid"},
                                                                   {"Softplus", "softplus"},
                                                                   {"Abs", "abs"}}};
    for (const auto& [onnx, name] : kCalls)
      if (op == onnx) return call(name, {a});
    if (op == "Relu") return clip(a, 0.0, kInfinity);
    if (op == "Neg") return scale(a, -1.0);
    if (op == "Sqrt") return power(a, 0.5);
    if (op == "Reciprocal") return power(a, -1.0);
    return op == "Identity" || op == "Cast" ? a : nullptr;
  }

  static ExpressionPtr clipped(const std::vector<ExpressionPtr>& a) {
    double bounds[] = {-kInfinity, kInfinity};
    for (std::size_t i = 1; i < a.size() && i < 3; ++i) {
      if (a[i] == nullptr) continue;
      if (a[i]->kind != Expression::Kind::kNumber) return nullptr;
      bounds[i - 1] = a[i]->number;
    }
    return clip(a[0], bounds[0], bounds[1]);
  }

  // A mean, sum or maximum over dimensions that stay with extent 1: all of one formula over the
  // same ones.
  ExpressionPtr reduced(const Operation& operation) {
    const std::string name = operation.op == "ReduceMean"  ? "mean"
                             : operation.op == "ReduceSum" ? "sum"
                             : operation.op == "ReduceMax" ? "max_of"
                                                           : "";
    std::vector<std::int64_t> axes = integers(operation, "axes");
    if (operation.inputs.size() == 2) {
      const ConstantPtr list =
          operation.inputs[1] < 0 ? nullptr : net_.value(operation.inputs[1]).constant;
      if (list == nullptr || !list->integer) return nullptr;
      for (const Integer& axis : list->integers) axes.push_back(axis.value);
    }
    const ExpressionPtr argument = read(operation.inputs[0]);
    if (name.empty() || argument == nullptr || integer(operation, "keepdims", 1) == 0)
      return nullptr;
    if (!note_axes(operation, axes)) return nullptr;
    return call(name, {argument});
  }

  // Before opset 13, all dimensions from `axis` on.
  std::vector<std::int64_t> softmax_axes(const Operation& operation) const {
    const std::int64_t axis = integer(operation, "axis", -1);
    if (!operation.settings.contains(".rows")) return {axis};
    const std::int64_t rank = net_.rank(operation.inputs[0]);
    std::vector<std::int64_t> axes;
    for (std::int64_t each = checked_axis(operation, axis, rank); each < rank; ++each)
      axes.push_back(each);
    return axes;
  }

  bool note_axes(const Operation& operation, std::vector<std::int64_t> axes) {
    for (std::int64_t& axis : axes)
      axis = checked_axis(operation, axis, net_.rank(operation.inputs[0]));
    std::ranges::sort(axes);
    if (axes.empty() || (!axes_.empty() && axes != axes_)) return false;
    axes_ = std::move(axes);
    return true;
  }

  const Net& net_;
  std::map<int, ExpressionPtr> known_;
  std::size_t operations_ = 0;
  std::vector<std::int64_t> axes_;
};

// Values before `root` along elementwise operations, the farthest first.
std::vector<int> origins(const Net& net, int root) {
  std::vector<int> found = {root};
  for (std::size_t at = 0; at < found.size() && found.size() <= kMostOperations; ++at) {
    const int producer = net.value(found[at]).producer;
    if (producer < 0) continue;
    for (const int id : net.operations[producer].inputs)
      if (is_shaped(net, id) && std::ranges::find(found, id) == found.end()) found.push_back(id);
  }
  found.erase(found.begin());
  std::ranges::reverse(found);
  return found;
}

bool may_end_formula(const Operation& operation) {
  constexpr std::array<std::string_view, 9> kEnds = {"Add", "Sub", "Mul",  "Div", "Sum",
                                                     "Max", "Min", "Clip", "Log"};
  return std::ranges::find(kEnds, operation.op) != kEnds.end() && operation.outputs.size() == 1;
}

// Layer norm without its scale and bias: ones and none, until what follows is merged.
void become_layer_norm(Net& net, Operation& operation, const std::vector<std::int64_t>& axes,
                       double epsilon) {
  const Shape& shape = net.value(operation.inputs[0]).shape;
  const Shape normalised(shape.end() - static_cast<std::ptrdiff_t>(axes.size()), shape.end());
  std::int64_t count = 0;
  multiply_extents(normalised, kMostElements, count);
  operation.op = "LayerNormalization";
  operation.inputs.push_back(net.add_constant(
      make_floats(normalised, std::vector<float>(static_cast<std::size_t>(count), 1.0f))));
  operation.settings = {{"axis", axes.front()},
                        {"epsilon", static_cast<float>(epsilon)},
                        {".plain", std::int64_t{1}}};
}

// The last dimensions, one after the other to the end; for softmax, any one too.
bool are_normal_axes(const Net& net, int x, const std::vector<std::int64_t>& axes, bool any_one) {
  const std::int64_t rank = net.rank(x);
  const std::int64_t batch = net.batch_axes_of(x) > 0 ? net.value(x).batch.axis : -1;
  if (axes.empty() || std::ranges::find(axes, batch) != axes.end()) return false;
  if (axes.size() > 1 && batch > axes.front()) return false;
  if (any_one && axes.size() == 1) return true;
  return axes.back() == rank - 1 &&
         axes.back() - axes.front() + 1 == static_cast<std::int64_t>(axes.size());
}

bool replace(Net& net, Operation& operation, int x, const Match& match,
             const std::vector<std::int64_t>& axes) {
  const Template& known = *match.found;
  if (!is_activation(known) && !are_normal_axes(net, x, axes, known.name != "layer_norm"))
    return false;
  operation.inputs = {x};
  if (is_activation(known)) {
    operation.op = ".activation";
    operation.settings = {{".specification", specification(known, match.bindings)}};
  } else if (known.name == "layer_norm") {
    become_layer_norm(net, operation, axes, match.bindings.p);
  } else {
    operation.op = known.name == "softmax" ? "Softmax" : "LogSoftmax";
    operation.settings = {{"axis", axes.front()}};
    if (axes.size() > 1) operation.settings[".rows"] = std::int64_t{1};
  }
  shape_outputs(net, operation);
  return true;
}

// The name of what the formula that ends here is, or empty.
std::string recognise_at(Net& net, Operation& operation) {
  const int root = operation.outputs[0];
  if (root < 0 || !is_shaped(net, root)) return {};
  for (const int x : origins(net, root)) {
    if (net.value(x).dims() != net.value(root).dims()) continue;
    FormulaReader reader(net, x);
    const ExpressionPtr expression = reader.read(root);
    if (expression == nullptr || reader.operations() < 2) continue;
    const Match found = match(expression);
    if (found.found != nullptr && replace(net, operation, x, found, reader.axes()))
      return std::string(found.found->name);
  }
  return {};
}

// How many operations, and outputs of the model, read each value, not counting operations that
// nobody reads.
class Uses {
 public:
  explicit Uses(const Net& net) {
    for (const auto& readers : net.readers()) counts_.push_back(static_cast<int>(readers.size()));
  }

  bool any(int id) const { return id >= 0 && counts_[id] > 0; }
  void grow(std::size_t values) { counts_.resize(values, 0); }
  void take(int id) {
    if (id >= 0) ++counts_[id];
  }

  void release(const Net& net, int id) {
    std::vector<int> released = {id};
    while (!released.empty()) {
      const int next = released.back();
      released.pop_back();
      if (next < 0 || --counts_[next] > 0 || net.value(next).producer < 0) continue;
      const Operation& operation = net.operations[net.value(next).producer];
      if (std::ranges::none_of(operation.outputs, [&](int output) { return any(output); }))
        released.insert(released.end(), operation.inputs.begin(), operation.inputs.end());
    }
  }

 private:
  std::vector<int> counts_;
};

}  // namespace

// From the last operation to the first, so that a whole is found before its parts, which are then
// read by nobody and passed over.
void recognise_formulas(Net& net) {
  std::map<std::string, int> found;
  Uses uses(net);
  for (std::size_t i = net.operations.size(); i-- > 0;) {
    Operation& operation = net.operations[i];
    if (!may_end_formula(operation) || !uses.any(operation.outputs[0])) continue;
    const std::vector<int> before = operation.inputs;
    const std::string name = recognise_at(net, operation);
    if (name.empty()) continue;
    ++found[name];
    uses.grow(net.values.size());
    for (const int id : operation.inputs) uses.take(id);
    for (const int id : before) uses.release(net, id);
  }
  net.drop_unread();
  for (const auto& [name, count] : found) note(net, count, name + " recognised by its formula");
}

}  // namespace undying::onnx
