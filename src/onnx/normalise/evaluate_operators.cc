#include <algorithm>
#include <numeric>

#include "onnx/lower/emit.h"
#include "onnx/lower/lower.h"
#include "onnx/normalise/evaluate.h"
#include "onnx/run.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

// Elements of any value on the way.
constexpr std::int64_t kMostComputed = std::int64_t{1} << 22;
constexpr float kExact = 0x1p24f;  // whole numbers up to here are floats

std::vector<float> floats_of(const Operation& operation, const Constant& constant) {
  if (!constant.integer) return constant.floats;
  const auto plain = plain_integers(operation, constant);
  std::vector<float> floats(plain.begin(), plain.end());
  if (std::ranges::any_of(floats, [](float value) { return std::abs(value) > kExact; }))
    refuse("computes with numbers that are not exact in float32");
  return floats;
}

ConstantPtr constant_of(const Value& value, std::vector<float> floats) {
  if (!value.integer) return make_floats(value.dims(), std::move(floats));
  std::vector<std::int64_t> whole;
  for (const float each : floats) {
    if (!(std::abs(each) <= kExact)) refuse("computes numbers that are not exact in float32");
    whole.push_back(static_cast<std::int64_t>(each));
  }
  return make_integers(value.dims(), whole);
}

// The operation in a net of its own, of which its first input is the input. Returns it, not yet
// among that net's operations.
Operation alone_in(Net& own, const Net& net, const Operation& operation, const Constant& first) {
  Operation alone{.name = operation.name, .op = operation.op, .settings = operation.settings};
  Value input{.name = "input",
              .shaped = true,
              .shape = first.dims,
              .scalar = first.dims.empty(),
              .integer = first.integer};
  if (input.scalar) input.shape = {1};
  if (first.count() == 0) refuse("computes with a constant without elements");
  own.inputs = {own.add_value(std::move(input))};
  for (std::size_t i = 0; i < operation.inputs.size(); ++i) {
    const bool known = i > 0 && operation.inputs[i] >= 0;
    alone.inputs.push_back(i == 0  ? own.inputs[0]
                           : known ? own.add_constant(net.value(operation.inputs[i]).constant)
                                   : -1);
  }
  for (std::size_t i = 0; i < operation.outputs.size(); ++i)
    alone.outputs.push_back(own.add_value({.name = "output" + std::to_string(i)}));
  return alone;
}

}  // namespace

std::vector<ConstantPtr> evaluate_by_operators(const Net& net, const Operation& operation) {
  if (operation.inputs.empty() || operation.inputs[0] < 0)
    refuse("depends on constants only, and is not among what is computed at import");
  const Constant& first = *net.value(operation.inputs[0]).constant;
  Net own{.batch_axes = 0};
  Operation alone = alone_in(own, net, operation, first);
  const Lowered lowered = lower(own, alone);
  const std::vector<Shape> shapes = infer(own, lowered);
  for (const Shape& shape : shapes)
    if (ops::element_count(shape) > kMostComputed) refuse("makes more constants than are computed");
  for (std::size_t i = 0; i < alone.outputs.size(); ++i) {
    if (i >= lowered.outputs.size()) malformed(operation, "has more outputs than the operator");
    Value& value = own.value(alone.outputs[i]);
    value.shape = shape_of(own, shapes, lowered.outputs[i].source);
    value.scalar = lowered.outputs[i].scalar;
    value.integer = lowered.outputs[i].integer;
    own.output_names.push_back(value.name);
  }
  own.outputs = alone.outputs;
  own.own = own.outputs.size();
  own.chosen.resize(own.outputs.size());
  std::iota(own.chosen.begin(), own.chosen.end(), 0);
  own.operations.push_back(std::move(alone));
  const auto results = evaluate(emit(own), {floats_of(operation, first)}, 1);
  std::vector<ConstantPtr> constants;
  for (std::size_t i = 0; i < results.size(); ++i)
    constants.push_back(constant_of(own.value(own.outputs[i]), results[i]));
  return constants;
}

}  // namespace undying::onnx
