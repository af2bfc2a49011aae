#include "onnx/net.h"

#include <algorithm>

#include "ops/operator.h"
#include "undying/error.h"

namespace undying::onnx {

int Net::add_value(Value value) {
  values.push_back(std::move(value));
  return static_cast<int>(values.size()) - 1;
}

int Net::add_constant(ConstantPtr constant, std::string name) {
  return add_value({.name = std::move(name), .constant = std::move(constant)});
}

int Net::present(int id) {
  if (id >= 0) return id;
  throw Error(ErrorCode::kBadData, "graph", "an operation lacks an input that it needs");
}

std::int64_t Net::rank(int id) const {
  if (value(id).constant != nullptr)
    return static_cast<std::int64_t>(value(id).constant->dims.size());
  return static_cast<std::int64_t>(value(id).dims().size()) +
         (value(id).batch.folded() ? 0 : batch_axes_of(id));
}

std::vector<Integer> Net::dims(int id) const {
  std::vector<Integer> dims;
  for (const std::int64_t extent : value(id).dims()) dims.push_back({extent, false});
  if (batch_axes_of(id) == 0) return dims;
  const Batch& where = value(id).batch;
  if (!where.folded()) dims.insert(dims.begin() + where.axis, {1, true});
  dims[where.axis].batch = true;
  return dims;
}

std::vector<std::vector<int>> Net::readers() const {
  std::vector<std::vector<int>> readers(values.size());
  for (std::size_t i = 0; i < operations.size(); ++i)
    for (const int id : operations[i].inputs)
      if (id >= 0) readers[id].push_back(static_cast<int>(i));
  for (const int id : outputs) readers[id].push_back(-1);
  return readers;
}

std::vector<bool> Net::needed(const std::vector<int>& those) const {
  std::vector<bool> wanted(values.size(), false);
  for (const int id : those) wanted[id] = true;
  for (auto operation = operations.rbegin(); operation != operations.rend(); ++operation)
    if (std::ranges::any_of(operation->outputs, [&](int id) { return id >= 0 && wanted[id]; }))
      for (const int id : operation->inputs)
        if (id >= 0) wanted[id] = true;
  return wanted;
}

void Net::drop_unread() {
  std::vector<char> wanted(values.size(), 0);
  for (const int id : outputs) wanted[id] = 1;
  const auto is_wanted = [&](int id) { return id >= 0 && wanted[id] != 0; };
  std::vector<Operation> kept;
  for (auto operation = operations.rbegin(); operation != operations.rend(); ++operation) {
    if (std::ranges::none_of(operation->outputs, is_wanted)) continue;
    for (const int id : operation->inputs)
      if (id >= 0) wanted[id] = 1;
    kept.push_back(std::move(*operation));
  }
  std::ranges::reverse(kept);
  operations = std::move(kept);
  for (Value& value : values) value.producer = -1;
  for (std::size_t i = 0; i < operations.size(); ++i)
    for (const int id : operations[i].outputs)
      if (id >= 0) value(id).producer = static_cast<int>(i);
}

void Net::replace(int from, int to) {
  for (Operation& operation : operations) std::ranges::replace(operation.inputs, from, to);
  std::ranges::replace(outputs, from, to);
}

int input(const Operation& operation, std::size_t index) {
  return index < operation.inputs.size() ? operation.inputs[index] : -1;
}

bool has_input(const Operation& operation, std::size_t index) {
  return input(operation, index) >= 0;
}

void refuse(std::string message) { throw Refusal{std::move(message)}; }

void malformed(const Operation& operation, const std::string& message) {
  throw Error(ErrorCode::kBadData, "node " + operation.name + " (" + operation.op + ")", message);
}

std::int64_t integer(const Operation& operation, const std::string& name, std::int64_t otherwise) {
  return setting<std::int64_t>(operation, name, otherwise);
}

double number(const Operation& operation, const std::string& name, double otherwise) {
  if (!operation.settings.contains(name)) return otherwise;
  return as_written(setting<float>(operation, name, 0.0f));
}

std::vector<std::int64_t> integers(const Operation& operation, const std::string& name,
                                   std::vector<std::int64_t> otherwise) {
  return setting<std::vector<std::int64_t>>(operation, name, std::move(otherwise));
}

std::string text(const Operation& operation, const std::string& name, std::string otherwise) {
  return setting<std::string>(operation, name, std::move(otherwise));
}

std::string describe(const Net& net, int id) {
  const Value& value = net.value(id);
  if (value.constant != nullptr) return "a constant " + ops::to_string(value.constant->dims);
  if (!value.shaped) return "of unknown shape";
  std::string text;
  for (const Integer& extent : net.dims(id)) text += (text.empty() ? "" : ", ") + to_string(extent);
  return "(" + text + ")";
}

}  // namespace undying::onnx
