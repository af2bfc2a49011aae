// Attention and recurrent layers.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "onnx/evaluate.h"
#include "onnx/lower.h"
#include "onnx/names.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

using List = std::vector<std::int64_t>;

std::size_t place(std::int64_t index) { return static_cast<std::size_t>(index); }

// ---- Attention: softmax(scale q k^T + mask) v.

struct Heads {
  Source value;
  Shape shape;  // (heads, positions, features)
};

// An input as heads: (N, heads, positions, features), or (N, positions, heads features).
Heads heads_of(Lowering& lowering, std::size_t index, const char* count) {
  const Shape& shape = lowering.shape(index);
  if (shape.size() == 3) return {lowering.value(index), shape};
  const std::int64_t heads = integer(lowering.operation(), count, 0);
  if (shape.size() != 2 || heads < 1 || shape[1] % heads != 0)
    malformed(lowering.operation(), "its input " + describe(lowering.net(), lowering.operation().inputs[index]) + " is not " +
                                        std::to_string(heads) + " heads (" + count + ")");
  const Shape split = {shape[0], heads, shape[1] / heads};
  const Source apart = lowering.add("reshape", {lowering.value(index)}, {{"shape", split}});
  return {lowering.add("transpose", {apart}, {{"perm", List{1, 0, 2}}}), {heads, split[0], split[2]}};
}

// Groups of query heads share a head of keys and values.
Source repeated(Lowering& lowering, const Heads& few, std::int64_t heads) {
  if (few.shape[0] == heads) return few.value;
  if (heads % few.shape[0] != 0) malformed(lowering.operation(), "its heads of queries are no multiple of those of keys");
  List indices;
  for (std::int64_t i = 0; i < heads; ++i) indices.push_back(i * few.shape[0] / heads);
  return lowering.add("take", {few.value}, {{"axis", std::int64_t{0}}, {"indices", indices}});
}

Source constant_of(Lowering& lowering, Shape dims, std::vector<float> values) {
  return lowering.add("constant", {}, {{"shape", dims}},
                      {{.constant = make_floats(dims, std::move(values)), .shape = dims, .trained = false, .role = "value"}});
}

Source causal_mask(Lowering& lowering, std::int64_t queries, std::int64_t keys) {
  if (queries * keys > 16 * kMostIntegers) refuse("has a mask of more elements than are computed");
  std::vector<float> mask(place(queries * keys), 0.0f);
  for (std::int64_t i = 0; i < queries; ++i)
    for (std::int64_t j = i + 1; j < keys; ++j) mask[place(i * keys + j)] = -std::numeric_limits<float>::infinity();
  return constant_of(lowering, {queries, keys}, std::move(mask));
}

// What is added to the scores: floats as they are; of truth values, nothing where they hold and minus infinity elsewhere.
Source mask_of(Lowering& lowering) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::int64_t rank = lowering.rank(0) == 3 ? 4 : lowering.rank(0);
  if (lowering.is_constant(3)) {
    const ConstantPtr& mask = lowering.constant(3);
    if (!mask->integer) return lowering.operand(mask, rank, {});
    Constant added{.dims = mask->dims};
    for (const Integer& holds : mask->integers) added.floats.push_back(holds.value != 0 ? 0.0f : -kInfinity);
    return lowering.operand(std::make_shared<Constant>(std::move(added)), rank, {});
  }
  if (lowering.rank(3) != 4) refuse("its mask is " + describe(lowering.net(), lowering.operation().inputs[3]) + "; expected 4 dimensions");
  if (!lowering.net().value(lowering.operation().inputs[3]).integer) return lowering.value(3);
  return lowering.add("where", {lowering.value(3), lowering.number(0.0f), lowering.number(-kInfinity)});
}

void attention(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  for (std::size_t i = 4; i < operation.inputs.size(); ++i)
    if (lowering.has(i)) refuse("has keys and values of the past, or their lengths");
  lowering.only_first_output();
  if (lowering.batch_axes() == 0) refuse("needs a batch dimension");
  const Heads q = heads_of(lowering, 0, "q_num_heads");
  const Heads k = heads_of(lowering, 1, "kv_num_heads");
  const Heads v = heads_of(lowering, 2, "kv_num_heads");
  if (q.shape[2] != k.shape[2] || k.shape[1] != v.shape[1] || k.shape[0] != v.shape[0])
    malformed(operation, "its queries, keys and values do not fit: " + ops::to_string(q.shape) + ", " + ops::to_string(k.shape) + ", " +
                             ops::to_string(v.shape));
  const std::int64_t heads = q.shape[0];
  const double scale = number(operation, "scale", 1.0 / std::sqrt(static_cast<double>(q.shape[2])));
  const Source keys = lowering.add("transpose", {repeated(lowering, k, heads)}, {{"perm", List{0, 2, 1}}});
  Source scores = lowering.add("matmul", {q.value, keys});
  scores = lowering.add("mul", {scores, lowering.number(static_cast<float>(scale))});
  if (const auto cap = static_cast<float>(number(operation, "softcap", 0.0)); cap != 0.0f) {
    const Source small = lowering.activation("tanh", lowering.add("mul", {scores, lowering.number(1.0f / cap)}));
    scores = lowering.add("mul", {small, lowering.number(cap)});
  }
  if (lowering.has(3)) scores = lowering.add("add", {scores, mask_of(lowering)});
  if (integer(operation, "is_causal", 0) != 0) scores = lowering.add("add", {scores, causal_mask(lowering, q.shape[1], k.shape[1])});
  Source result = lowering.add("matmul", {lowering.add("softmax", {scores}), repeated(lowering, v, heads)});
  if (lowering.shape(0).size() == 2) {
    result = lowering.add("transpose", {result}, {{"perm", List{1, 0, 2}}});
    result = lowering.add("reshape", {result}, {{"shape", Shape{q.shape[1], heads * v.shape[2]}}});
  }
  lowering.output(result, false);
}

// ---- LSTM.

void only_zeros(const Lowering& lowering, std::size_t index, const char* what) {
  if (!lowering.has(index)) return;
  const ConstantPtr& state = lowering.constant(index);
  if (state->integer || std::ranges::any_of(state->floats, [](float value) { return value != 0.0f; }))
    refuse(std::string("has ") + what + " that is not 0");
}

// The last state of each direction, (directions, hidden), from (positions, directions hidden).
Source last_state(Lowering& lowering, Source states, std::int64_t positions, std::int64_t hidden, std::int64_t directions, bool reverse) {
  const auto at = [&](std::int64_t position, std::int64_t direction) {
    return lowering.add(
        "slice", {states},
        {{"starts", List{position, direction * hidden}}, {"ends", List{position + 1, (direction + 1) * hidden}}, {"axes", List{0, 1}}});
  };
  const Source first = at(reverse ? 0 : positions - 1, 0);
  return directions == 1 ? first : lowering.add("concat", {first, at(0, 1)}, {{"axis", std::int64_t{0}}});
}

void lstm(Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const bool batch_first = integer(operation, "layout", 0) != 0;
  const std::string direction = text(operation, "direction", "forward");
  const std::int64_t directions = direction == "bidirectional" ? 2 : 1;
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    malformed(operation, "its direction is " + printable(direction));
  if (lowering.batch_axes() == 0) refuse("needs a batch dimension");
  const Shape shape = lowering.shape(0);
  if (shape.size() != 2 || lowering.batch() != Batch{.axis = batch_first ? 0 : 1})
    refuse("needs (positions, N, inputs); its input is " + describe(lowering.net(), operation.inputs[0]));
  for (const char* name : {"activations", "clip", "activation_alpha", "activation_beta"})
    if (operation.settings.contains(name)) refuse(std::string("has its own ") + name);
  if (integer(operation, "input_forget", 0) != 0) refuse("couples its input and forget gates");
  if (lowering.has(4)) refuse("has sequences of several lengths");
  if (lowering.has(7)) refuse("has peepholes");
  only_zeros(lowering, 5, "a first state");
  only_zeros(lowering, 6, "a first cell");
  if (operation.outputs.size() > 2 && operation.outputs[2] >= 0) refuse("its last cell is used");
  const std::int64_t hidden = integer(operation, "hidden_size", 0);
  const Shape weight = {directions, 4 * hidden, shape[1]};
  const Shape recurrent = {directions, 4 * hidden, hidden};
  const Shape bias = {directions, 8 * hidden};
  if (hidden < 1 || lowering.constant(1)->dims != weight || lowering.constant(2)->dims != recurrent)
    malformed(operation, "its weights " + ops::to_string(lowering.constant(1)->dims) + " and " +
                             ops::to_string(lowering.constant(2)->dims) + " do not fit " + std::to_string(hidden) + " hidden units");
  const ConstantPtr given = lowering.has(3) ? lowering.constant(3) : make_floats(bias, std::vector<float>(place(directions * 8 * hidden)));
  if (given->dims != bias) malformed(operation, "its bias is " + ops::to_string(given->dims) + "; expected " + ops::to_string(bias));
  Attributes attributes = {{"hidden", hidden}};
  if (directions == 2) attributes.set("directions", directions);
  if (direction == "reverse") attributes.set("reverse", std::int64_t{1});
  const Source states = lowering.add("lstm", {lowering.value(0)}, std::move(attributes),
                                     {{.constant = lowering.constant(1), .shape = weight, .role = "weight"},
                                      {.constant = lowering.constant(2), .shape = recurrent, .role = "recurrent_weight"},
                                      {.constant = given, .shape = bias, .role = "bias"}});
  const Source apart = lowering.add("reshape", {states}, {{"shape", Shape{shape[0], directions, hidden}}});
  lowering.output(apart, false, {.axis = batch_first ? 0 : 2});
  if (operation.outputs.size() > 1 && operation.outputs[1] >= 0)
    lowering.output(last_state(lowering, states, shape[0], hidden, directions, direction == "reverse"), false,
                    {.axis = batch_first ? 0 : 1});
}

constexpr std::array kRules = {
    Rule{"Attention", 3, 7, "is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap softmax_precision", attention},
    Rule{"LSTM", 3, 8, "activation_alpha activation_beta activations clip direction hidden_size input_forget layout", lstm},
};

}  // namespace

std::span<const Rule> sequence_rules() { return kRules; }

}  // namespace undying::onnx
