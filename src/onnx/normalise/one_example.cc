#include "onnx/normalise/one_example.h"

#include <algorithm>

namespace undying::onnx {
namespace {

// The numbers of a constant that nothing has computed yet; null: it is none.
ConstantPtr literal(const Net& net, int id) {
  if (id < 0) return nullptr;
  const Value& value = net.value(id);
  if (value.constant != nullptr || value.producer < 0) return value.constant;
  const Operation& operation = net.operations[static_cast<std::size_t>(value.producer)];
  return operation.op == "Constant" ? setting<ConstantPtr>(operation, "value", nullptr) : nullptr;
}

// Whether an operation gives its first input a first dimension.
bool adds_first(const Net& net, const Operation& operation) {
  if (operation.op != "Unsqueeze") return false;
  std::vector<std::int64_t> axes = integers(operation, "axes");
  if (const ConstantPtr listed = literal(net, input(operation, 1));
      listed != nullptr && listed->integer)
    for (const Integer& axis : listed->integers) axes.push_back(axis.value);
  return std::ranges::find(axes, 0) != axes.end();
}

}  // namespace

void find_batch_of_one(Net& net) {
  if (net.batch_axes > 0) return;
  const auto readers = net.readers();
  const auto is_batched = [&](int id) {
    const auto& reads = readers[static_cast<std::size_t>(id)];
    return std::ranges::all_of(reads, [&](int reader) {
      return reader >= 0 && adds_first(net, net.operations[static_cast<std::size_t>(reader)]);
    });
  };
  if (net.inputs.empty() || !std::ranges::all_of(net.inputs, is_batched)) return;
  net.batch_axes = 1;
  net.batch = 1;
  for (const int id : net.inputs) net.value(id).examples = Examples::kDropped;
}

}  // namespace undying::onnx
