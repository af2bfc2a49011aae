// Transposes move down. Exporters of frameworks that keep channels last put transposes around every
// operation that wants them first: one that brings channels last is moved through elementwise
// operations until it meets its inverse, and both are gone. And any between a layer and its
// activation is moved behind the activation, whose units are those of the layer.

#include <algorithm>
#include <array>

#include "onnx/normalise/evaluate.h"
#include "onnx/normalise/fold.h"
#include "onnx/normalise/patterns.h"

namespace undying::onnx {
namespace {

constexpr int kMostMoves = 2'000;

using Perm = std::vector<std::int64_t>;

template <std::size_t kCount>
bool is_among(const std::array<std::string_view, kCount>& ops, const std::string& op) {
  return std::ranges::find(ops, op) != ops.end();
}

bool is_activation(const Operation& operation) {
  constexpr std::array<std::string_view, 15> kOps = {
      "Relu",        "LeakyRelu", "PRelu",   "Elu",  "Selu", "Celu",     "ThresholdedRelu",
      "HardSigmoid", "HardSwish", "Sigmoid", "Tanh", "Clip", "Softplus", "Dropout",
      ".activation"};
  return is_among(kOps, operation.op) && !operation.settings.contains(".unit_axis");
}

bool is_elementwise(const Operation& operation) {
  constexpr std::array<std::string_view, 12> kOps = {
      "Erf", "Exp", "Log", "Sqrt", "Neg", "Abs", "Reciprocal", "Pow", "Add", "Sub", "Mul", "Div"};
  return is_among(kOps, operation.op) || is_activation(operation);
}

bool is_layer(const Operation& operation) {
  constexpr std::array<std::string_view, 9> kOps = {"MatMul",
                                                    ".linear",
                                                    "Gemm",
                                                    "Conv",
                                                    "ConvTranspose",
                                                    "BatchNormalization",
                                                    "LayerNormalization",
                                                    ".group_norm",
                                                    "InstanceNormalization"};
  return is_among(kOps, operation.op);
}

// (N, C, ...) to (N, ..., C).
bool brings_channels_last(const Net& net, const Operation& operation) {
  if (operation.op != "Transpose" || net.batch_axes == 0 || !is_shaped(net, operation.inputs[0]))
    return false;
  const Perm perm = integers(operation, "perm");
  if (perm.size() < 3 || perm[0] != 0 || perm.back() != 1) return false;
  for (std::size_t i = 1; i + 1 < perm.size(); ++i)
    if (perm[i] != static_cast<std::int64_t>(i) + 1) return false;
  return perm.size() == net.value(operation.inputs[0]).shape.size() + 1;
}

Perm inverse(const Perm& perm) {
  Perm result(perm.size());
  for (std::size_t i = 0; i < perm.size(); ++i) result[perm[i]] = static_cast<std::int64_t>(i);
  return result;
}

// A constant that meets the transposed value, as it meets the value itself.
ConstantPtr moved(const ConstantPtr& constant, const Perm& perm) {
  if (constant->count() == 1) return constant;
  Constant wide = *constant;
  if (wide.dims.size() < perm.size())
    wide.dims.insert(wide.dims.begin(), perm.size() - wide.dims.size(), 1);
  const Operation transpose{
      .name = "moved", .op = "Transpose", .settings = {{"perm", inverse(perm)}}};
  const std::array<ConstantPtr, 1> inputs = {std::make_shared<Constant>(std::move(wide))};
  return find_evaluation("Transpose")(transpose, inputs)[0];
}

class Mover {
 public:
  explicit Mover(Net& net) : net_(net) {}

  int run() {
    for (bool changed = true; changed && moves_ < kMostMoves;) {
      changed = false;
      readers_ = net_.readers();
      for (std::size_t i = 0; i < net_.operations.size() && !changed; ++i) changed = visit(i);
      if (changed) net_.drop_unread();
    }
    return cancelled_;
  }

 private:
  bool visit(std::size_t index) {
    const Operation& transpose = net_.operations[index];
    if (transpose.op != "Transpose" || net_.batch_axes == 0 || !is_usable(transpose)) return false;
    const std::vector<int>& readers = readers_[transpose.outputs[0]];
    if (readers.size() != 1 || readers[0] < 0) return false;
    Operation& reader = net_.operations[readers[0]];
    const bool last = brings_channels_last(net_, transpose);
    if (last && reader.op == "Transpose") return cancel(transpose, reader);
    const bool moves =
        (last && is_elementwise(reader)) || (is_behind_layer(transpose) && is_activation(reader));
    return moves && move_behind(transpose, static_cast<std::size_t>(readers[0]));
  }

  // Its perm has been checked.
  bool is_usable(const Operation& transpose) const {
    return transpose.problem.empty() && is_shaped(net_, transpose.outputs[0]);
  }

  bool is_behind_layer(const Operation& transpose) const {
    const int producer = net_.value(transpose.inputs[0]).producer;
    return producer >= 0 && is_layer(net_.operations[producer]) &&
           !integers(transpose, "perm").empty();
  }

  bool cancel(const Operation& transpose, const Operation& reader) {
    if (integers(reader, "perm") != inverse(integers(transpose, "perm"))) return false;
    net_.replace(reader.outputs[0], transpose.inputs[0]);
    ++cancelled_;
    ++moves_;
    return true;
  }

  // What an operand of the reader is before the transpose; -1: it cannot be had.
  int before(int operand, const Perm& perm) {
    if (operand < 0) return operand;
    const Value& value = net_.value(operand);
    if (value.constant != nullptr)
      return value.constant->dims.size() <= perm.size()
                 ? net_.add_constant(moved(value.constant, perm), value.name)
                 : -2;
    const int producer = value.producer;
    if (producer < 0 || readers_[operand].size() != 1) return -2;
    const Operation& operation = net_.operations[producer];
    return operation.op == "Transpose" && is_usable(operation) &&
                   integers(operation, "perm") == perm
               ? operation.inputs[0]
               : -2;
  }

  // f(transpose(x)) becomes transpose(f(x)).
  bool move_behind(const Operation& transpose, std::size_t at) {
    const Perm perm = integers(transpose, "perm");
    Operation reader = net_.operations[at];
    Operation last = transpose;
    for (std::size_t i = 0; i < reader.inputs.size(); ++i) {
      const bool is_number = (reader.op == "Clip" || reader.op == "Dropout") && i > 0;
      if (!is_number) reader.inputs[i] = before(reader.inputs[i], perm);
      if (reader.inputs[i] == -2) return false;
    }
    last.outputs = {reader.outputs[0]};
    reader.outputs[0] = net_.add_value({.name = net_.value(reader.outputs[0]).name});
    last.inputs = {reader.outputs[0]};
    shape_outputs(net_, reader);
    net_.operations[at] = std::move(reader);
    net_.operations.insert(net_.operations.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                           std::move(last));
    ++moves_;
    return true;
  }

  Net& net_;
  std::vector<std::vector<int>> readers_;
  int moves_ = 0;
  int cancelled_ = 0;
};

}  // namespace

void cancel_transposes(Net& net) {
  note(net, 2 * Mover(net).run(), "transposes between channels first and last cancelled");
}

}  // namespace undying::onnx
