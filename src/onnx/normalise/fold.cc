#include "onnx/normalise/fold.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "onnx/lower/derive.h"
#include "onnx/lower/lower.h"
#include "onnx/normalise/evaluate.h"
#include "onnx/normalise/train_through.h"
#include "onnx/normalise/upconvert.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

constexpr int kFloat = 1;  // as TensorProto numbers it

// Elementwise operations that are parts of composites; their output has the shape their operands
// broadcast to.
constexpr std::array<std::string_view, 2> kParts = {"Pow", "PRelu"};

bool is_part(std::string_view op) { return std::ranges::find(kParts, op) != kParts.end(); }

class Folder {
 public:
  // Tensors of the file may be arranged anew, such as weights transposed, however large it is.
  explicit Folder(Net& net) : net_(net) {
    for (const Value& value : net.values)
      if (value.constant != nullptr) evaluator_.budget += 2 * value.constant->count();
  }

  void run() {
    ignore_unread_outputs();
    for (std::size_t i = 0; i < net_.operations.size(); ++i) {
      expand_norm(net_, i);
      visit(i);
    }
    if (!upconverted_.empty()) note_upconverted();
    note_random();
    derive_weights(net_);
    train_through(net_);
    std::erase_if(net_.operations,
                  [&](const Operation& operation) { return is_computed(operation); });
    net_.drop_unread();
  }

 private:
  // Operators with outputs that only training wants are understood without them.
  void ignore_unread_outputs() {
    const auto readers = net_.readers();
    for (Operation& operation : net_.operations)
      for (std::size_t i = 1; i < operation.outputs.size(); ++i)
        if (operation.outputs[i] >= 0 && readers[operation.outputs[i]].empty() &&
            operation.op != "Split")
          operation.outputs[i] = -1;
  }

  bool is_constant(int id) const { return id < 0 || net_.value(id).constant != nullptr; }
  bool is_known(int id) const { return is_constant(id) || net_.value(id).shaped; }
  bool is_computed(const Operation& operation) const {
    return !operation.outputs.empty() &&
           std::ranges::all_of(operation.outputs, [&](int id) { return is_constant(id); });
  }

  void visit(std::size_t index) {
    Operation& operation = net_.operations[index];
    if (!operation.problem.empty()) return;
    if (operation.op == "If") return choose(operation);
    try {
      if (operation.op == "CastLike" && !become_cast(operation)) return;
      if (operation.op == "ReduceProd" && multiply_extents_of(operation)) return;
      if (!Evaluator::knows(operation.op) && !is_part(operation.op)) refuse("is not supported");
      if (!std::ranges::all_of(operation.inputs, [&](int id) { return is_known(id); })) return;
      if (upconvert(net_, operation)) ++upconverted_[operation.op];
      if (std::ranges::all_of(operation.inputs, [&](int id) { return is_constant(id); }))
        compute(operation);
      else if (operation.op == "Shape" || operation.op == "Size")
        measure(operation);
      else
        shape(index);
    } catch (const Refusal& refusal) {
      operation.problem = refusal.message;
    }
  }

  // A CastLike is a Cast to the type of its second input, of which it reads nothing else. False
  // where that is not known.
  bool become_cast(Operation& operation) {
    if (operation.inputs.size() != 2 || operation.inputs[1] < 0)
      malformed(operation,
                "has " + std::to_string(operation.inputs.size()) + " inputs; expected 2");
    if (!is_known(operation.inputs[1])) return false;
    const Value& like = net_.value(operation.inputs[1]);
    const int type = like.constant != nullptr ? like.constant->type : 0;
    const bool integer = like.constant != nullptr ? like.constant->integer : like.integer;
    if (integer && type == 0)
      refuse(
          "casts to the type of whole numbers or truth values that are computed; which of them is "
          "not known here");
    operation.op = "Cast";
    operation.settings["to"] = std::int64_t{integer ? type : kFloat};
    operation.inputs.pop_back();
    return true;
  }

  // The elements of a weight, as PyTorch counts them: the product of a list of known extents. False
  // where it is of something else.
  bool multiply_extents_of(const Operation& operation) {
    const ConstantPtr list =
        has_input(operation, 0) ? net_.value(operation.inputs[0]).constant : nullptr;
    const bool known = list != nullptr && list->integer && list->dims.size() == 1 &&
                       operation.outputs.size() == 1 &&
                       integer(operation, "noop_with_empty_axes", 0) == 0;
    if (!known) return false;
    std::int64_t count = 0;
    if (!multiply_extents(plain_integers(operation, *list), kMostElements, count)) return false;
    const bool keep = integer(operation, "keepdims", 1) != 0;
    net_.value(operation.outputs[0]).constant = make_integers(keep ? Shape{1} : Shape{}, {count});
    return true;
  }

  // Of an If, whose inputs are a condition and what its two branches give: where the condition is
  // known, its outputs are those of one.
  void choose(Operation& operation) {
    const std::size_t outputs = operation.outputs.size();
    if (operation.inputs.size() != 1 + 2 * outputs ||
        std::ranges::any_of(operation.inputs, [](int id) { return id < 0; }))
      malformed(operation, "lacks its condition, or what a branch gives");
    const ConstantPtr condition = net_.value(operation.inputs[0]).constant;
    if (condition == nullptr || !condition->integer || condition->count() != 1) {
      operation.problem = "has a condition that is computed at run time";
      return;
    }
    const std::size_t first = condition->integers[0].value != 0 ? 1 : 1 + outputs;
    const std::vector<int> chosen(
        operation.inputs.begin() + static_cast<std::ptrdiff_t>(first),
        operation.inputs.begin() + static_cast<std::ptrdiff_t>(first + outputs));
    const std::vector<int> given = operation.outputs;
    operation.inputs.clear();
    operation.outputs.clear();
    for (std::size_t i = 0; i < outputs; ++i)
      if (given[i] >= 0) net_.replace(given[i], chosen[i]);
  }

  void shape(std::size_t index) {
    const auto entries = batch_entries(net_, net_.operations[index]);
    if (entries.size() > 1)
      net_.operations[index].settings[kBatchEntry] = entry_for(index, entries);
    shape_outputs(net_, net_.operations[index]);
  }

  // Where a file's numbers leave open which entry of a Reshape holds the batch: the one with which
  // what follows goes on longest without a refusal. One with which all of it goes on is right, for
  // then no two examples meet. Reshapes of the same shapes are taken alike.
  std::int64_t entry_for(std::size_t index, const std::vector<std::int64_t>& entries) {
    const Operation& operation = net_.operations[index];
    const std::string kind =
        describe(net_, operation.inputs[0]) + " to " +
        ops::to_string(plain_integers(operation, *net_.value(operation.inputs[1]).constant));
    if (const auto known = entries_.find(kind); known != entries_.end()) return known->second;
    if (trying_) return entries.front();
    trying_ = true;
    std::int64_t best = entries.front();
    std::size_t furthest = 0;
    for (const std::int64_t entry : entries) {
      entries_[kind] = entry;
      const std::size_t reached = reach(index);
      if (reached > furthest) best = entry;
      furthest = std::max(furthest, reached);
    }
    trying_ = false;
    return entries_[kind] = best;
  }

  // The first operation behind this one that is refused and depends on it, within sight; the net is
  // as before afterwards.
  std::size_t reach(std::size_t index) {
    constexpr std::size_t kSight = 64;
    const std::size_t end = std::min(net_.operations.size(), index + kSight);
    const std::vector<Operation> operations(
        net_.operations.begin() + static_cast<std::ptrdiff_t>(index),
        net_.operations.begin() + static_cast<std::ptrdiff_t>(end));
    std::map<int, Value> values;
    for (const Operation& each : operations)
      for (const int id : each.outputs)
        if (id >= 0) values.emplace(id, net_.value(id));
    const auto upconverted = upconverted_;
    const std::int64_t budget = evaluator_.budget;
    std::set<int> behind;
    std::size_t reached = end;
    for (std::size_t i = index; i < end && reached == end; ++i) {
      const Operation& each = net_.operations[i];
      const bool depends = i == index || std::ranges::any_of(each.inputs, [&](int id) {
                             return behind.contains(id);
                           });
      visit(i);
      if (depends) behind.insert(each.outputs.begin(), each.outputs.end());
      behind.erase(-1);
      if (depends && !each.problem.empty()) reached = i;
    }
    std::ranges::copy(operations, net_.operations.begin() + static_cast<std::ptrdiff_t>(index));
    for (auto& [id, value] : values) net_.value(id) = std::move(value);
    upconverted_ = upconverted;
    evaluator_.budget = budget;
    return reached;
  }

  void compute(Operation& operation) {
    if (!Evaluator::knows(operation.op))
      refuse("depends on constants only, and is not among what is computed at import");
    const std::vector<ConstantPtr> results = evaluator_.evaluate(net_, operation);
    if (results.size() < operation.outputs.size())
      malformed(operation, "has more outputs than the operator");
    for (std::size_t i = 0; i < operation.outputs.size(); ++i)
      if (operation.outputs[i] >= 0) net_.value(operation.outputs[i]).constant = results[i];
    if (operation.op == "Constant") name_origin(operation);
  }

  // A constant in the graph is as good as an initializer of that name.
  void name_origin(const Operation& operation) {
    Value& value = net_.value(operation.outputs[0]);
    Constant named = *value.constant;
    named.origin = value.name;
    value.constant = std::make_shared<Constant>(std::move(named));
  }

  // The shape of a value computed at run time, with the batch as N.
  void measure(Operation& operation) {
    if (operation.inputs.size() != 1)
      malformed(operation,
                "has " + std::to_string(operation.inputs.size()) + " inputs; expected 1");
    const Value& value = net_.value(operation.inputs[0]);
    const std::vector<Integer> dims = net_.dims(operation.inputs[0]);
    Constant result{.integer = true};
    if (operation.op == "Size") {
      Integer size{1, net_.batch_axes_of(operation.inputs[0]) > 0};
      for (const std::int64_t extent : value.shape) size.value *= extent;
      result.integers = {size};
    } else {
      const auto rank = static_cast<std::int64_t>(dims.size());
      const Range range = slice_range(operation, integer(operation, "start", 0),
                                      integer(operation, "end", rank), 1, rank);
      result.dims = {range.count};
      result.integers.assign(dims.begin() + range.start, dims.begin() + range.start + range.count);
    }
    if (operation.outputs.size() != 1) malformed(operation, "has more outputs than the operator");
    net_.value(operation.outputs[0]).constant = std::make_shared<Constant>(std::move(result));
  }

  void note_random() {
    const auto random = std::ranges::count_if(
        net_.operations, [](const Operation& each) { return each.op.starts_with("Random"); });
    if (random > 0)
      net_.notes.push_back(std::to_string(random) +
                           " of random values stand as their mean, unless a pattern knows them");
    const auto draws = std::ranges::count(net_.operations, "Multinomial", &Operation::op);
    if (draws > 0)
      net_.notes.push_back(std::to_string(draws) +
                           " draws of classes stand as the most likely one");
  }

  void note_upconverted() {
    std::string changed;
    for (const auto& [op, count] : upconverted_)
      changed += (changed.empty() ? "" : ", ") + std::to_string(count) + " " + op;
    net_.notes.push_back("opset " + std::to_string(net_.opset) +
                         " was read in the terms of the newest: " + changed);
  }

  Net& net_;
  Evaluator evaluator_;
  std::map<std::string, int> upconverted_;
  std::map<std::string, std::int64_t> entries_;  // of Reshapes, by their shapes
  bool trying_ = false;
};

// The full shape of an operand: a batch counts as 1, which broadcasts with itself.
Shape full_shape(const Net& net, int id) {
  const Value& value = net.value(id);
  if (value.constant != nullptr) return value.constant->dims;
  Shape dims;
  for (const Integer& extent : net.dims(id)) dims.push_back(extent.batch ? 1 : extent.value);
  return dims;
}

// Leaves the output without a shape where there is none that a composite could have.
void shape_part(Net& net, const Operation& operation) {
  if (operation.outputs.size() != 1 || operation.inputs.empty() || operation.outputs[0] < 0) return;
  Shape dims;
  for (const int id : operation.inputs)
    if (id >= 0) dims = broadcast(operation, dims, full_shape(net, id));
  std::int64_t count = 0;
  if (static_cast<int>(dims.size()) < net.batch_axes ||
      !multiply_extents(dims, kMostElements, count))
    return;
  if (net.batch_axes > 0 && dims.front() != 1) return;
  for (const int id : operation.inputs)
    if (id >= 0 && (net.value(id).batch != Batch{} || net.value(id).examples != Examples::kCounted))
      return;
  Value& value = net.value(operation.outputs[0]);
  value.shape.assign(dims.begin() + net.batch_axes, dims.end());
  value.scalar = value.shape.empty();
  if (value.scalar) value.shape = {1};
  value.shaped = true;
}

// By the operators it becomes.
void shape_by_rule(Net& net, const Operation& operation) {
  const Lowered lowered = lower(net, operation);
  const std::vector<Shape> shapes = infer(net, lowered);
  for (std::size_t i = 0; i < operation.outputs.size(); ++i) {
    if (operation.outputs[i] < 0) continue;
    if (i >= lowered.outputs.size()) malformed(operation, "has more outputs than the operator");
    Value& value = net.value(operation.outputs[i]);
    value.shape = shape_of(net, shapes, lowered.outputs[i].source);
    value.scalar = lowered.outputs[i].scalar;
    value.batch = lowered.outputs[i].batch;
    value.integer = lowered.outputs[i].integer;
    value.examples = lowered.outputs[i].examples;
    value.shaped = true;
  }
}

}  // namespace

void fold(Net& net) { Folder(net).run(); }

bool is_shaped(const Net& net, int value) {
  return value >= 0 && net.value(value).constant == nullptr && net.value(value).shaped;
}

void shape_outputs(Net& net, Operation& operation) {
  operation.problem.clear();
  const bool part = is_part(operation.op);
  try {
    if (find_rule(operation.op) == nullptr)
      refuse("has no operator here, and is not part of a composite that is recognised");
    shape_by_rule(net, operation);
  } catch (const Refusal& refusal) {
    operation.problem = refusal.message;
  }
  if (part && !operation.problem.empty()) shape_part(net, operation);
}

}  // namespace undying::onnx
