#include "onnx/normalise/evaluate.h"

#include <algorithm>

#include "onnx/lower/lower.h"
#include "ops/operator.h"

namespace undying::onnx {

const Constant& required(const Operation& operation, Inputs inputs, std::size_t index) {
  if (index >= inputs.size() || inputs[index] == nullptr)
    malformed(operation, "lacks input " + std::to_string(index));
  return *inputs[index];
}

std::vector<std::int64_t> plain_integers(const Operation& operation, const Constant& constant) {
  if (!constant.integer) malformed(operation, "has floats where integers are expected");
  std::vector<std::int64_t> values;
  for (const Integer& value : constant.integers) {
    if (value.batch) refuse("depends on the number of examples in a batch");
    values.push_back(value.value);
  }
  return values;
}

std::vector<std::int64_t> equal_parts(const Operation& operation, std::int64_t extent) {
  const auto parts = static_cast<std::int64_t>(operation.outputs.size());
  if (parts == 0) return {};
  const std::int64_t told = integer(operation, "num_outputs", parts);
  if (told != parts)
    malformed(operation, "has " + std::to_string(parts) + " outputs; its num_outputs says " +
                             std::to_string(told));
  if (!operation.settings.contains("num_outputs"))
    return std::vector<std::int64_t>(operation.outputs.size(), extent / parts);
  const std::int64_t size = (extent + parts - 1) / parts;
  std::vector<std::int64_t> sizes(operation.outputs.size(), size);
  sizes.back() = extent - size * (parts - 1);
  return sizes;
}

std::int64_t checked_axis(const Operation& operation, std::int64_t axis, std::int64_t rank) {
  if (axis < -rank || axis >= rank)
    malformed(operation, "axis " + std::to_string(axis) + " is not among the " +
                             std::to_string(rank) + " dimensions");
  return axis < 0 ? axis + rank : axis;
}

std::int64_t checked_count(const Operation& operation, const Shape& dims) {
  std::int64_t count = 0;
  if (!multiply_extents(dims, kMostElements, count))
    malformed(operation, "gives the shape " + ops::to_string(dims) + ", which is absurdly large");
  return count;
}

Shape broadcast(const Operation& operation, const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    std::int64_t& extent = result[longer.size() - shorter.size() + i];
    if (extent != shorter[i] && extent != 1 && shorter[i] != 1)
      malformed(operation, "its operands " + ops::to_string(a) + " and " + ops::to_string(b) +
                               " do not broadcast");
    if (extent == 1) extent = shorter[i];
  }
  return result;
}

Range slice_range(const Operation& operation, std::int64_t start, std::int64_t end,
                  std::int64_t step, std::int64_t extent) {
  if (step == 0) malformed(operation, "has a step of 0");
  const std::int64_t lowest = step > 0 ? 0 : -1;
  const std::int64_t highest = step > 0 ? extent : extent - 1;
  const auto clamped = [&](std::int64_t index) {
    return std::clamp(index < 0 ? index + extent : index, lowest, highest);
  };
  const std::int64_t first = clamped(start);
  const std::int64_t last = clamped(end);
  const std::int64_t span = step > 0 ? last - first : first - last;
  // |step| as an unsigned number: the least integer has no positive counterpart.
  const std::uint64_t size =
      step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::int64_t count =
      span <= 0 ? 0 : static_cast<std::int64_t>((static_cast<std::uint64_t>(span) - 1) / size) + 1;
  return {first, count, step};
}

Evaluation find_evaluation(std::string_view op) {
  for (const auto rows : {arithmetic(), arrangement(), origins()})
    if (const auto found = std::ranges::find(rows, op, &Evaluated::op); found != rows.end())
      return found->evaluation;
  return nullptr;
}

bool Evaluator::knows(std::string_view op) {
  return find_evaluation(op) != nullptr || find_rule(op) != nullptr;
}

std::vector<ConstantPtr> Evaluator::evaluate(const Net& net, const Operation& operation) {
  std::vector<ConstantPtr> inputs;
  for (const int id : operation.inputs) inputs.push_back(id < 0 ? nullptr : net.value(id).constant);
  const Evaluation evaluation = find_evaluation(operation.op);
  std::vector<ConstantPtr> outputs =
      evaluation != nullptr ? evaluation(operation, inputs) : evaluate_by_operators(net, operation);
  for (const ConstantPtr& output : outputs) budget -= output->count();
  if (budget < 0) malformed(operation, "computes more constants than a model of this kind needs");
  return outputs;
}

}  // namespace undying::onnx
