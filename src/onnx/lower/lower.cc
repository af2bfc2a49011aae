#include "onnx/lower/lower.h"

#include <algorithm>
#include <array>

#include "onnx/normalise/evaluate.h"
#include "ops/operator.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

bool names(std::string_view settings, std::string_view name) {
  for (std::size_t at = settings.find(name); at != std::string_view::npos;
       at = settings.find(name, at + 1)) {
    const bool starts = at == 0 || settings[at - 1] == ' ';
    const std::size_t end = at + name.size();
    if (starts && (end == settings.size() || settings[end] == ' ')) return true;
  }
  return false;
}

void check(const Rule& rule, const Operation& operation) {
  const auto count = static_cast<int>(operation.inputs.size());
  if (count < rule.least || (rule.most >= 0 && count > rule.most))
    malformed(operation, "has " + std::to_string(count) + " inputs; expected " +
                             std::to_string(rule.least) +
                             (rule.most == rule.least ? ""
                              : rule.most < 0         ? " or more"
                                                      : " to " + std::to_string(rule.most)));
  for (int i = 0; i < (rule.most < 0 ? count : rule.least); ++i)
    if (operation.inputs[i] < 0) malformed(operation, "lacks input " + std::to_string(i));
  for (const auto& [name, value] : operation.settings)
    if (name.front() != '.' && !names(rule.settings, name))
      malformed(operation,
                "has an attribute " + name + ", which " + operation.op + " does not have");
  if (operation.outputs.empty()) malformed(operation, "has no output");
}

// A constant that an exporter has repeated for each of the examples that it was given: one of them.
ConstantPtr one_example(const Operation& operation, const ConstantPtr& constant, std::int64_t axis,
                        std::int64_t batch) {
  const auto at = static_cast<std::size_t>(axis);
  const auto fail = [&] {
    refuse("a constant " + ops::to_string(constant->dims) +
           " has an element for each example of a batch");
  };
  if (batch == 0 || constant->dims[at] != batch) fail();
  const Operation take{.name = operation.name, .op = "Gather", .settings = {{"axis", axis}}};
  ConstantPtr first = find_evaluation("Gather")(take, std::array{constant, make_list({0})})[0];
  const ConstantPtr all = find_evaluation("Gather")(
      take, std::array{first, make_list(std::vector<std::int64_t>(static_cast<std::size_t>(batch),
                                                                  0))})[0];
  if (all->floats != constant->floats || all->integers != constant->integers) fail();
  return first;
}

void check_batch(const Net& net, const Operation& operation) {
  for (const int id : operation.inputs)
    if (id >= 0 && net.value(id).constant == nullptr && net.value(id).batch != Batch{})
      refuse(std::string(kExamplesFirst) + "; its input is " + describe(net, id));
}

}  // namespace

ConstantPtr to_floats(const Operation& operation, const ConstantPtr& constant) {
  if (!constant->integer) return constant;
  const auto plain = plain_integers(operation, *constant);
  return make_floats(constant->dims, std::vector<float>(plain.begin(), plain.end()));
}

const ConstantPtr& Lowering::constant(std::size_t index) const {
  if (!is_constant(index))
    refuse("input " + std::to_string(index) + " is computed at run time; expected a constant");
  return net_.value(operation_.inputs[index]).constant;
}

const Shape& Lowering::shape(std::size_t index) const {
  if (!has(index)) malformed(operation_, "lacks input " + std::to_string(index));
  if (is_constant(index))
    refuse("input " + std::to_string(index) +
           " is a constant; expected a value computed at run time");
  return net_.value(operation_.inputs[index]).shape;
}

Lowering::Lowering(const Net& net, const Operation& operation) : net_(net), operation_(operation) {
  for (const int id : operation.inputs)
    if (id >= 0 && net.value(id).constant == nullptr)
      batch_axes_ = std::max(batch_axes_, net.batch_axes_of(id));
}

std::int64_t Lowering::rank(std::size_t index) const {
  shape(index);
  return net_.rank(operation_.inputs[index]);
}

bool Lowering::is_only_example(std::int64_t axis) const {
  return batch_axes() > 0 && net_.batch == 1 && !batch().folded() &&
         checked_axis(operation_, axis, rank(0)) == batch().axis;
}

std::vector<std::int64_t> Lowering::list(std::size_t index,
                                         std::vector<std::int64_t> otherwise) const {
  return has(index) ? plain_integers(operation_, *constant(index)) : std::move(otherwise);
}

std::int64_t Lowering::example_axis(std::int64_t axis, std::int64_t rank) const {
  const std::int64_t checked = checked_axis(operation_, axis, rank);
  if (batch_axes() == 0) return checked;
  const Value* value = first_computed();
  const Batch where = value == nullptr ? Batch{} : value->batch;
  if (checked == where.axis)
    refuse("works along axis " + std::to_string(checked) +
           ", the examples of a batch, which are independent here");
  return checked > where.axis && !where.folded() ? checked - 1 : checked;
}

std::vector<std::int64_t> Lowering::example_axes(const std::vector<std::int64_t>& axes,
                                                 std::int64_t rank) const {
  std::vector<std::int64_t> result;
  for (const std::int64_t axis : axes) result.push_back(example_axis(axis, rank));
  std::ranges::sort(result);
  if (std::ranges::adjacent_find(result) != result.end())
    malformed(operation_, "names an axis twice");
  return result;
}

std::vector<std::int64_t> Lowering::extents(const std::string& name, std::size_t count,
                                            std::int64_t otherwise) const {
  auto values = integers(operation_, name, std::vector<std::int64_t>(count, otherwise));
  if (values.size() != count)
    malformed(operation_, "its " + name + " has " + std::to_string(values.size()) +
                              " entries; expected " + std::to_string(count));
  for (const std::int64_t value : values)
    if (value < -kMostElements || value > kMostElements)
      malformed(operation_, "its " + name + " has an absurd entry " + std::to_string(value));
  return values;
}

void Lowering::only_first_output() const {
  for (std::size_t i = 1; i < operation_.outputs.size(); ++i)
    if (operation_.outputs[i] >= 0) refuse("its output " + std::to_string(i) + " is used");
}

Source Lowering::value(std::size_t index) const {
  shape(index);
  if (batch_axes() > net_.batch_axes_of(operation_.inputs[index]))
    refuse("input " + std::to_string(index) + " " + describe(net_, operation_.inputs[index]) +
           " counts no examples; others do");
  return {.value = operation_.inputs[index]};
}

Source Lowering::add(std::string op, std::vector<Source> inputs, Attributes attributes,
                     std::vector<Owned> owned) {
  lowered_.steps.push_back(
      {std::move(op), std::move(inputs), std::move(attributes), std::move(owned)});
  return {.step = static_cast<int>(lowered_.steps.size()) - 1};
}

const Value* Lowering::first_computed() const {
  for (const int id : operation_.inputs)
    if (id >= 0 && net_.value(id).constant == nullptr && net_.batch_axes_of(id) == batch_axes())
      return &net_.value(id);
  return nullptr;
}

Examples Lowering::gives_examples() const {
  if (batch_axes() > 0 || net_.batch_axes == 0) return Examples::kCounted;
  for (const int id : operation_.inputs)
    if (id >= 0 && net_.value(id).examples == Examples::kDropped) return Examples::kDropped;
  return Examples::kNone;
}

// Comparisons do; what takes elements of any type and what adds whole numbers up does where its
// first input is whole.
bool Lowering::gives_integers() const {
  const std::string& op = operation_.op;
  constexpr std::array<std::string_view, 10> kTruths = {
      "Greater", "Less", "Equal", "GreaterOrEqual", "LessOrEqual", "Not",
      "And",     "Or",   "Xor",   "IsNaN"};
  constexpr std::array<std::string_view, 25> kSame = {"Concat",
                                                      "Slice",
                                                      "Split",
                                                      "Gather",
                                                      "Pad",
                                                      "Transpose",
                                                      "Reshape",
                                                      "Flatten",
                                                      "Squeeze",
                                                      "Unsqueeze",
                                                      "Expand",
                                                      "Tile",
                                                      "Add",
                                                      "Sub",
                                                      "Mul",
                                                      "Identity",
                                                      "GatherND",
                                                      "ScatterND",
                                                      "GatherElements",
                                                      "ScatterElements",
                                                      "Max",
                                                      "Min",
                                                      "ReduceMax",
                                                      "ReduceMin",
                                                      "ReduceSum"};
  if (std::ranges::find(kTruths, op) != kTruths.end()) return true;
  if (op == "Cast") return is_integer_type(integer(operation_, "to", 0));
  const Value* value = first_computed();
  return value != nullptr && value->integer && std::ranges::find(kSame, op) != kSame.end();
}

void Lowering::output(Source source, bool scalar) {
  const Value* value = first_computed();
  output(source, scalar, value == nullptr ? Batch{} : value->batch);
}

void Lowering::output(Source source) {
  const auto is_scalar = [&](int id) {
    return id < 0 || (net_.rank(id) <= batch_axes() && !net_.value(id).batch.folded());
  };
  output(source, std::ranges::all_of(operation_.inputs, is_scalar));
}

Source Lowering::activation(const std::string& specification, Source input) {
  try {
    return add("activation", {input}, {{"activation", Activation(specification)}});
  } catch (const Error& error) {
    refuse(error.message());  // its subject, operator and node, the list of refusals says already
  }
}

Source Lowering::operand(const ConstantPtr& given, std::int64_t rank, const Batch& batch) {
  ConstantPtr constant = to_floats(operation_, given);
  const auto own = static_cast<std::int64_t>(constant->dims.size());
  if (own > rank && batch_axes() > 0)
    refuse("a constant " + ops::to_string(constant->dims) +
           " has more dimensions than the value it meets");
  const std::int64_t axis = batch.axis - (rank - own);  // of the batch in the constant
  Shape dims = constant->dims;
  if (batch_axes() > 0 && axis >= 0 && axis < own) {
    constant = of_one_example(constant, axis);
    dims = constant->dims;
    if (!batch.folded()) dims.erase(dims.begin() + axis);
  }
  if (dims.empty()) dims = {1};
  const auto names = [&](const std::vector<std::string>& those) {
    return std::ranges::find(those, given->origin) != those.end();
  };
  const NodeOrigin& from = operation_.origin;
  const bool trained =
      !given->integer && !given->origin.empty() && names(from.parameters) && !names(from.buffers);
  return add(trained ? "parameter" : "constant", {}, {{"shape", dims}},
             {{.constant = constant, .shape = dims, .trained = trained, .role = "value"}});
}

Source Lowering::meeting(std::size_t index, std::int64_t rank, const Batch& batch) {
  if (is_constant(index)) return operand(constant(index), rank, batch);
  if (counts(index) || batch_axes() == 0) return value(index);
  const int id = operation_.inputs[index];
  Shape dims = net_.value(id).dims();
  const auto own = static_cast<std::int64_t>(dims.size());
  const std::int64_t axis = batch.axis - (rank - own);  // of the batch in it
  if (own > rank || (axis >= 0 && axis < own && dims[axis] != 1 && !batch.folded()))
    refuse(describe(net_, id) + ", which counts no examples, does not fit the value it meets");
  if (axis < 0 || axis >= own || batch.folded()) return {.value = id};
  dims.erase(dims.begin() + axis);
  if (dims.empty()) dims = {1};
  return add("reshape", {{.value = id}}, {{"shape", dims}});
}

ConstantPtr Lowering::of_one_example(const ConstantPtr& constant, std::int64_t axis) const {
  return constant->dims[axis] == 1 ? constant : one_example(operation_, constant, axis, net_.batch);
}

Source Lowering::number(float value) { return operand(make_floats({}, {value}), 0); }

const Rule* find_rule(std::string_view op) {
  for (const auto rules : {layer_rules(), pool_rules(), elementwise_rules(), activation_rules(),
                           arrangement_rules(), repeat_rules(), reshape_rules(), sequence_rules(),
                           image_rules(), index_rules(), einsum_rules(), quantised_rules()}) {
    const auto found = std::ranges::find(rules, op, &Rule::op);
    if (found != rules.end()) return &*found;
  }
  return nullptr;
}

Lowered lower(const Net& net, const Operation& operation) {
  const Rule* rule = find_rule(operation.op);
  if (rule == nullptr) refuse("is not supported");
  check(*rule, operation);
  if (rule->examples_first) check_batch(net, operation);
  Lowering lowering(net, operation);
  rule->lower(lowering);
  return lowering.take();
}

const Shape& shape_of(const Net& net, const std::vector<Shape>& steps, const Source& source) {
  return source.step >= 0 ? steps[source.step] : net.value(source.value).shape;
}

std::vector<Shape> infer(const Net& net, const Lowered& lowered) {
  std::vector<Shape> shapes;
  for (const Step& step : lowered.steps) {
    std::vector<ops::Value> src;
    for (const Source& source : step.inputs) src.push_back({shape_of(net, shapes, source)});
    try {
      shapes.push_back(ops::infer({"?", step.op, {}, step.attributes}, src).shape);
    } catch (const Error& error) {
      refuse(error.message());  // its subject, operator and node, the list of refusals says already
    }
    std::int64_t count = 0;
    if (std::ranges::any_of(shapes.back(), [](std::int64_t extent) { return extent < 1; }))
      refuse("gives a value without elements, of shape " + ops::to_string(shapes.back()));
    if (!multiply_extents(shapes.back(), kMostElements, count))
      refuse("gives the shape " + ops::to_string(shapes.back()) + ", which is absurdly large");
  }
  return shapes;
}

}  // namespace undying::onnx
