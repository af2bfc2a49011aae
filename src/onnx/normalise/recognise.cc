// Composites of few operations, told by how they stand to each other.

#include <algorithm>
#include <array>

#include "onnx/normalise/fold.h"
#include "onnx/normalise/patterns.h"

#include <fmt/format.h>

namespace undying::onnx {
namespace {

const Operation* producer(const Net& net, int value) {
  const int index = value < 0 ? -1 : net.value(value).producer;
  return index < 0 ? nullptr : &net.operations[index];
}

bool is_constant(const Net& net, int value) {
  return value >= 0 && net.value(value).constant != nullptr;
}

// Whether all elements of an input are this number.
bool is_filled(const Net& net, int value, float number) {
  if (!is_constant(net, value) || net.value(value).constant->integer) return false;
  return std::ranges::all_of(net.value(value).constant->floats,
                             [&](float each) { return each == number; });
}

// Whether a value is -x.
bool is_opposite(const Net& net, int value, int x) {
  const Operation* operation = producer(net, value);
  if (operation == nullptr) return false;
  if (operation->op == "Neg") return operation->inputs[0] == x;
  if (operation->op != "Mul") return false;
  return (operation->inputs[0] == x && is_filled(net, operation->inputs[1], -1.0f)) ||
         (operation->inputs[1] == x && is_filled(net, operation->inputs[0], -1.0f));
}

// Concat(Relu(x), Relu(-x)).
int crelu_source(const Net& net, const Operation& operation) {
  if (operation.op != "Concat" || operation.inputs.size() != 2) return -1;
  const Operation* left = producer(net, operation.inputs[0]);
  const Operation* right = producer(net, operation.inputs[1]);
  if (left == nullptr || right == nullptr || left->op != "Relu" || right->op != "Relu") return -1;
  return is_opposite(net, right->inputs[0], left->inputs[0]) ? left->inputs[0] : -1;
}

bool become_crelu(Net& net, Operation& operation) {
  const int x = crelu_source(net, operation);
  if (x < 0) return false;
  const std::int64_t rank = net.rank(x);
  std::int64_t axis = integer(operation, "axis", 0);
  axis = (axis < 0 ? axis + rank : axis) - net.batch_axes_of(x);
  if (axis != 0 && axis != rank - net.batch_axes_of(x) - 1) return false;
  operation.op = ".activation";
  operation.inputs = {x};
  operation.settings = {{".specification", std::string("crelu")}, {".unit_axis", axis}};
  return true;
}

// PRelu whose slopes are drawn: what exporters write for RReLU in training.
bool become_rrelu(const Net& net, Operation& operation) {
  if (operation.op != "PRelu") return false;
  const Operation* slopes = producer(net, input(operation, 1));
  if (slopes == nullptr || slopes->op != "RandomUniformLike") return false;
  const double lower = number(*slopes, "low", 0.0);
  const double upper = number(*slopes, "high", 1.0);
  operation.op = ".activation";
  operation.inputs.resize(1);
  operation.settings = {{".specification", fmt::format("rrelu:{},{}", lower, upper)}};
  return true;
}

// One number.
bool is_number(const Net& net, int value) {
  return is_constant(net, value) && !net.value(value).constant->integer &&
         net.value(value).constant->count() == 1;
}

// x, or x times a number.
bool is_multiple(const Net& net, int value, int x) {
  const Operation* operation = producer(net, value);
  if (value == x) return true;
  if (operation == nullptr || operation->op != "Mul") return false;
  return (operation->inputs[0] == x && is_number(net, operation->inputs[1])) ||
         (operation->inputs[1] == x && is_number(net, operation->inputs[0]));
}

// Where(beta x > 20, x, softplus(x)), as PyTorch has it: from there on they are the same float.
bool become_softplus(const Net& net, Operation& operation) {
  constexpr float kSame = 15.0f;
  if (operation.op != "Where" || operation.inputs.size() != 3) return false;
  const int x = operation.inputs[1];
  const Operation* greater = producer(net, operation.inputs[0]);
  const Operation* curve = producer(net, operation.inputs[2]);
  if (greater == nullptr || greater->op != "Greater" || curve == nullptr || curve->inputs[0] != x)
    return false;
  const bool beyond = is_multiple(net, greater->inputs[0], x) &&
                      is_number(net, greater->inputs[1]) &&
                      net.value(greater->inputs[1]).constant->floats[0] >= kSame;
  const bool softplus =
      curve->op == "Softplus" ||
      (curve->op == ".activation" && text(*curve, ".specification", "").starts_with("softplus"));
  if (!beyond || !softplus) return false;
  const Operation found = *curve;
  operation.op = found.op;
  operation.inputs = found.inputs;
  operation.settings = found.settings;
  return true;
}

// Reshape(InstanceNormalization(Reshape(x))) with groups as channels; their own scale and bias do
// nothing.
bool become_group_norm(Net& net, const std::vector<std::vector<int>>& readers,
                       Operation& operation) {
  if (operation.op != "Reshape") return false;
  const Operation* norm = sole_producer(net, readers, operation.inputs[0]);
  if (norm == nullptr || norm->op != "InstanceNormalization") return false;
  const Operation* split = sole_producer(net, readers, norm->inputs[0]);
  if (split == nullptr || split->op != "Reshape" || !is_filled(net, norm->inputs[1], 1.0f) ||
      !is_filled(net, norm->inputs[2], 0.0f))
    return false;
  const int x = split->inputs[0];
  const Shape& grouped = net.value(norm->inputs[0]).shape;
  const Shape& shape = net.value(x).shape;
  if (!is_shaped(net, x) || net.value(x).dims() != net.value(operation.outputs[0]).dims() ||
      grouped.size() != 2 || shape[0] % grouped[0] != 0)
    return false;
  const auto channels = static_cast<std::size_t>(shape[0]);
  const Setting epsilon = setting(*norm, "epsilon", 1e-5f);
  const std::int64_t groups = grouped[0];
  operation.op = ".group_norm";
  operation.settings = {{".groups", groups}, {"epsilon", epsilon}, {".plain", std::int64_t{1}}};
  operation.inputs = {
      x, net.add_constant(make_floats({shape[0]}, std::vector<float>(channels, 1.0f))),
      net.add_constant(make_floats({shape[0]}, std::vector<float>(channels, 0.0f)))};
  return true;
}

// Pads of the positions, begins then ends, of a Pad that only adds zeros around them; none: it is
// not such a one.
std::vector<std::int64_t> zero_pads(const Net& net, const Operation& operation) {
  const bool constant = operation.op == "Pad" &&
                        text(operation, "mode", "constant") == "constant" &&
                        is_constant(net, input(operation, 1));
  if (!constant || net.batch_axes == 0 ||
      (has_input(operation, 2) && !is_filled(net, operation.inputs[2], 0.0f)))
    return {};
  std::vector<std::int64_t> pads;
  const std::vector<Integer>& all = net.value(operation.inputs[1]).constant->integers;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].batch || all[i].value < 0) return {};
    if (i % (all.size() / 2) >= 2) pads.push_back(all[i].value);
    if (i % (all.size() / 2) < 2 && all[i].value != 0) return {};
  }
  return pads;
}

bool take_pads(Net& net, const std::vector<std::vector<int>>& readers, Operation& operation) {
  if (operation.op != "Conv") return false;
  const Operation* pad = sole_producer(net, readers, operation.inputs[0]);
  const std::string own = text(operation, "auto_pad", "NOTSET");
  if (pad == nullptr || has_input(*pad, 3) || (own != "NOTSET" && own != "VALID")) return false;
  std::vector<std::int64_t> pads = zero_pads(net, *pad);
  const std::vector<std::int64_t> before =
      own == "VALID" ? std::vector<std::int64_t>{} : integers(operation, "pads");
  if (pads.empty() || (!before.empty() && before.size() != pads.size())) return false;
  for (std::size_t i = 0; i < before.size(); ++i) pads[i] += before[i];
  operation.settings.erase("auto_pad");
  operation.settings["pads"] = pads;
  operation.inputs[0] = pad->inputs[0];
  return true;
}

// Applies `change` to each operation; those it says it changed are shaped anew.
template <class Change>
int change_all(Net& net, Change change) {
  int changed = 0;
  for (Operation& operation : net.operations) {
    if (operation.outputs.empty() || operation.outputs[0] < 0 ||
        !is_shaped(net, operation.outputs[0]))
      continue;
    if (!change(operation)) continue;
    shape_outputs(net, operation);
    ++changed;
  }
  net.drop_unread();
  return changed;
}

}  // namespace

const Operation* sole_producer(const Net& net, const std::vector<std::vector<int>>& readers,
                               int value) {
  const Operation* operation = producer(net, value);
  return operation != nullptr && readers[value].size() == 1 ? operation : nullptr;
}

void note(Net& net, int count, const std::string& what) {
  if (count > 0) net.notes.push_back(std::to_string(count) + " " + what);
}

void merge_pads(Net& net) {
  const auto readers = net.readers();
  note(net,
       change_all(net, [&](Operation& operation) { return take_pads(net, readers, operation); }),
       "Pad merged into the convolution behind it");
}

void recognise_rectifiers(Net& net) {
  note(net, change_all(net, [&](Operation& operation) { return become_crelu(net, operation); }),
       "crelu recognised in its two halves");
  note(net, change_all(net, [&](Operation& operation) { return become_softplus(net, operation); }),
       "softplus recognised with the line it becomes");
  note(net, change_all(net, [&](Operation& operation) { return become_rrelu(net, operation); }),
       "rrelu recognised by its random slopes");
}

void recognise_group_norms(Net& net) {
  const auto readers = net.readers();
  note(net,
       change_all(net,
                  [&](Operation& operation) { return become_group_norm(net, readers, operation); }),
       "group_norm recognised in an instance norm of groups");
}

namespace {

// What changes no value would stand between the parts of what follows. Keras writes a Cast behind
// every operation.
void drop_casts(Net& net) {
  for (const Operation& operation : net.operations) {
    const bool one =
        operation.inputs.size() == 1 && operation.outputs.size() == 1 && operation.problem.empty();
    if ((operation.op != "Cast" && operation.op != "Identity") || !one ||
        !is_shaped(net, operation.outputs[0]))
      continue;
    if (is_shaped(net, operation.inputs[0]) &&
        net.value(operation.inputs[0]).integer == net.value(operation.outputs[0]).integer)
      net.replace(operation.outputs[0], operation.inputs[0]);
  }
  net.drop_unread();
}

}  // namespace

void recognise(Net& net) {
  drop_casts(net);
  cancel_transposes(net);
  merge_pads(net);
  recognise_formulas(net);
  recognise_rectifiers(net);
  recognise_group_norms(net);
  merge_affine(net);
  cancel_transposes(net);  // now that formulas are one operation
  restore_biases(net);
}

}  // namespace undying::onnx
