#include "ops/operator.h"

#include <algorithm>
#include <array>

#include "ops/rows.h"
#include "undying/error.h"

namespace undying::ops {
namespace {

// An input of a graph: its shape is given, and nothing runs.
Shape infer_input(const Node& node, std::span<const Value>) {
  const Shape& shape = node.attributes.get<std::vector<std::int64_t>>("shape");
  if (shape.empty()) reject(node, "its shape is empty; expected at least one dimension");
  for (const std::int64_t extent : shape)
    if (extent < 1) reject(node, "its shape " + to_string(shape) + " has an extent below 1");
  return shape;
}

Layout ruled(const Operator& row, std::span<const Value> src) {
  if (row.layout != LayoutRule::kAny)
    return row.layout == LayoutRule::kPlain ? Layout::kPlain : Layout::kChannelsLast;
  const bool some = std::ranges::any_of(
      src, [](const Value& value) { return value.layout == Layout::kChannelsLast; });
  const bool alike = std::ranges::all_of(
      src, [&](const Value& value) { return value.shape.size() == src[0].shape.size(); });
  return some && alike ? Layout::kChannelsLast : Layout::kPlain;
}

Layout possible(const Shape& shape, Layout layout) {
  return shape.size() < 2 ? Layout::kPlain : layout;
}

void check_input_count(const Operator& row, const Node& node, std::size_t count) {
  if (row.inputs < 0 ? count >= 1 : count == static_cast<std::size_t>(row.inputs)) return;
  reject(node, "has " + std::to_string(count) + " inputs; expected " +
                   (row.inputs < 0 ? "at least 1" : std::to_string(row.inputs)));
}

}  // namespace

std::span<const Operator> operators() {
#define UNDYING_ROW(name) name##_operator(),
  static const std::array rows = {UNDYING_OPERATORS(UNDYING_ROW)};
#undef UNDYING_ROW
  return rows;
}

const Operator& operator_named(const Node& node) {
  const auto found = std::ranges::find(operators(), node.op, &Operator::name);
  if (found != operators().end()) return *found;
  std::string known;
  for (const Operator& row : operators())
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  throw Error(ErrorCode::kInvalidArgument, node.name,
              "unknown operator \"" + node.op + "\"; known: " + known);
}

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + ")";
}

void reject(const Node& node, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, node.op + " " + node.name, message);
}

bool rounds_factors(const Node&, Precision precision) { return precision == Precision::kBfloat16; }

std::vector<ParameterSpec> no_parameters(const Node&, std::span<const Value>) { return {}; }

std::int64_t unit_count(const Value& value) {
  if (value.shape.empty()) return 1;
  return value.layout == Layout::kPlain ? value.shape.back() : value.shape.front();
}

std::int64_t position_count(const Value& value) {
  return element_count(value.shape) / unit_count(value);
}

std::vector<Value> arranged(const Node& node, std::span<const Value> src) {
  const Operator& row = operator_named(node);
  const Layout layout = ruled(row, src);
  std::vector<Value> all(src.begin(), src.end());
  for (Value& value : all) value.layout = possible(value.shape, layout);
  return all;
}

namespace {

// An attribute knows no node; the error of one that is missing or of the wrong kind names both.
template <class Infer>
Shape naming(const Node& node, const Infer& infer_shape) {
  try {
    return infer_shape();
  } catch (const Error& error) {
    if (!error.subject().starts_with("attribute ")) throw;
    reject(node, error.subject() + " " + error.message());
  }
}

}  // namespace

Value infer(const Node& node, std::span<const Value> src) {
  if (is_input(node)) return {naming(node, [&] { return infer_input(node, src); }), Layout::kPlain};
  const Operator& row = operator_named(node);
  check_input_count(row, node, src.size());
  const std::vector<Value> inputs = arranged(node, src);
  Shape shape = naming(node, [&] { return row.infer(node, inputs); });
  const Layout layout = possible(shape, ruled(row, inputs));
  return {std::move(shape), layout};
}

const Traits& traits_of(const Node& node) {
  static constexpr Traits kInput{.kind = Kind::kInput};
  return is_input(node) ? kInput : operator_named(node).traits;
}

bool training_differs(const Node& node, Precision precision) {
  if (is_input(node)) return false;
  const auto differs = operator_named(node).training_differs;
  return differs != nullptr && differs(node, precision);
}

bool passes_gradient(const Node& node, std::size_t input) {
  const auto passes = traits_of(node).passes_gradient;
  return passes == nullptr || passes(node, input);
}

bool is_input(const Node& node) { return node.op == "input"; }

const Activation* activation_of(const Node& node) {
  return traits_of(node).kind == Kind::kActivation ? &node.attributes.get<Activation>("activation")
                                                   : nullptr;
}

bool is_batch_norm(const Node& node) { return traits_of(node).norm == Norm::kBatch; }
bool is_view(const Node& node) { return traits_of(node).kind == Kind::kView; }
bool keeps_units(const Node& node) { return traits_of(node).keeps_units; }
bool makes_units(const Node& node) { return traits_of(node).kind == Kind::kWeights; }

bool moves_elements(const Node& node) {
  const Kind kind = traits_of(node).kind;
  return kind == Kind::kView || kind == Kind::kTranspose || kind == Kind::kSlice ||
         kind == Kind::kTake || kind == Kind::kConcat;
}

bool has_channels(const Node& node) {
  return !is_input(node) && operator_named(node).layout == LayoutRule::kChannelsLast;
}

Head head_of(const Node& node) {
  const Activation* activation = activation_of(node);
  if (activation != nullptr && *activation == Activation("sigmoid")) return Head::kSigmoid;
  return traits_of(node).sums_to_one ? Head::kSoftmax : Head::kNone;
}

double weights_at_each_position(std::span<const ParameterSpec> specs, const Value& dst) {
  return static_cast<double>(element_count(specs[0].shape)) *
         static_cast<double>(position_count(dst));
}

std::vector<Value> values(std::span<const Node> nodes) {
  std::vector<Value> all;
  for (const Node& node : nodes) {
    std::vector<Value> src;
    for (const int input : node.inputs) src.push_back(all[input]);
    all.push_back(infer(node, src));
  }
  return all;
}

std::vector<Value> sources(const Node& node, std::span<const Value> values) {
  std::vector<Value> src;
  for (const int input : node.inputs) src.push_back(values[input]);
  return arranged(node, src);
}

}  // namespace undying::ops
