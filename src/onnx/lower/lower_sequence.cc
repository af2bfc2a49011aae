// Attention and recurrent layers.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "onnx/lower/lower.h"
#include "onnx/names.h"
#include "onnx/normalise/evaluate.h"
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
    malformed(lowering.operation(),
              "its input " + describe(lowering.net(), lowering.operation().inputs[index]) +
                  " is not " + std::to_string(heads) + " heads (" + count + ")");
  const Shape split = {shape[0], heads, shape[1] / heads};
  const Source apart = lowering.add("reshape", {lowering.value(index)}, {{"shape", split}});
  return {lowering.add("transpose", {apart}, {{"perm", List{1, 0, 2}}}),
          {heads, split[0], split[2]}};
}

// Groups of query heads share a head of keys and values.
Source repeated(Lowering& lowering, const Heads& few, std::int64_t heads) {
  if (few.shape[0] == heads) return few.value;
  if (heads % few.shape[0] != 0)
    malformed(lowering.operation(), "its heads of queries are no multiple of those of keys");
  List indices;
  for (std::int64_t i = 0; i < heads; ++i) indices.push_back(i * few.shape[0] / heads);
  return lowering.add("take", {few.value}, {{"axis", std::int64_t{0}}, {"indices", indices}});
}

Source constant_of(Lowering& lowering, Shape dims, std::vector<float> values) {
  return lowering.add("constant", {}, {{"shape", dims}},
                      {{.constant = make_floats(dims, std::move(values)),
                        .shape = dims,
                        .trained = false,
                        .role = "value"}});
}

// Nothing for keys at most `left` positions before a query and `right` behind it, minus infinity
// for others; -1: however far.
Source window_mask(Lowering& lowering, std::int64_t queries, std::int64_t keys, std::int64_t left,
                   std::int64_t right) {
  if (queries * keys > 16 * kMostIntegers) refuse("has a mask of more elements than are computed");
  std::vector<float> mask(place(queries * keys), 0.0f);
  for (std::int64_t i = 0; i < queries; ++i)
    for (std::int64_t j = 0; j < keys; ++j)
      if ((left >= 0 && j < i - left) || (right >= 0 && j > i + right))
        mask[place(i * keys + j)] = -std::numeric_limits<float>::infinity();
  return constant_of(lowering, {queries, keys}, std::move(mask));
}

// What is added to the scores: floats as they are; of truth values, nothing where they hold and
// minus infinity elsewhere.
Source mask_of(Lowering& lowering) {
  constexpr float kMasked = -std::numeric_limits<float>::infinity();
  const std::int64_t rank = lowering.rank(0) == 3 ? 4 : lowering.rank(0);
  if (lowering.is_constant(3)) {
    const ConstantPtr& mask = lowering.constant(3);
    if (!mask->integer) return lowering.operand(mask, rank, {});
    Constant added{.dims = mask->dims};
    for (const Integer& holds : mask->integers)
      added.floats.push_back(holds.value != 0 ? 0.0f : kMasked);
    return lowering.operand(std::make_shared<Constant>(std::move(added)), rank, {});
  }
  if (lowering.rank(3) != 4)
    refuse("its mask is " + describe(lowering.net(), lowering.operation().inputs[3]) +
           "; expected 4 dimensions");
  if (!lowering.net().value(lowering.operation().inputs[3]).integer) return lowering.value(3);
  return lowering.add("where",
                      {lowering.value(3), lowering.number(0.0f), lowering.number(kMasked)});
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
    malformed(operation, "its queries, keys and values do not fit: " + ops::to_string(q.shape) +
                             ", " + ops::to_string(k.shape) + ", " + ops::to_string(v.shape));
  const std::int64_t heads = q.shape[0];
  const double scale = number(operation, "scale", 1.0 / std::sqrt(static_cast<double>(q.shape[2])));
  const Source keys =
      lowering.add("transpose", {repeated(lowering, k, heads)}, {{"perm", List{0, 2, 1}}});
  Source scores = lowering.add("matmul", {q.value, keys});
  scores = lowering.add("mul", {scores, lowering.number(static_cast<float>(scale))});
  if (const auto cap = static_cast<float>(number(operation, "softcap", 0.0)); cap != 0.0f) {
    const Source small =
        lowering.activation("tanh", lowering.add("mul", {scores, lowering.number(1.0f / cap)}));
    scores = lowering.add("mul", {small, lowering.number(cap)});
  }
  if (lowering.has(3)) scores = lowering.add("add", {scores, mask_of(lowering)});
  const std::int64_t left = integer(operation, "left_window_size", -1);
  const std::int64_t right =
      integer(operation, "is_causal", 0) != 0 ? 0 : integer(operation, "right_window_size", -1);
  if (left >= 0 || right >= 0)
    scores =
        lowering.add("add", {scores, window_mask(lowering, q.shape[1], k.shape[1], left, right)});
  Source result =
      lowering.add("matmul", {lowering.add("softmax", {scores}), repeated(lowering, v, heads)});
  if (lowering.shape(0).size() == 2) {
    result = lowering.add("transpose", {result}, {{"perm", List{1, 0, 2}}});
    result = lowering.add("reshape", {result}, {{"shape", Shape{q.shape[1], heads * v.shape[2]}}});
  }
  lowering.output(result, false);
}

// ---- RNN, LSTM, GRU.

struct Layer {
  const char* op;
  std::int64_t gates;
  std::size_t states;  // h; of an LSTM c, too
};

struct Sequence {
  std::int64_t positions, inputs, hidden, directions;
  bool reverse, batch_first;
};

Sequence sequence_of(const Lowering& lowering) {
  const Operation& operation = lowering.operation();
  const std::string direction = text(operation, "direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    malformed(operation, "its direction is " + printable(direction));
  if (lowering.batch_axes() == 0) refuse("needs a batch dimension");
  const bool batch_first = integer(operation, "layout", 0) != 0;
  const Shape& shape = lowering.shape(0);
  if (shape.size() != 2 || lowering.batch() != Batch{.axis = batch_first ? 0 : 1})
    refuse("needs " +
           std::string(batch_first ? "(N, positions, inputs)" : "(positions, N, inputs)") +
           "; its input is " + describe(lowering.net(), operation.inputs[0]) +
           "; where an input of the model counts examples along its second dimension, --shape "
           "INPUT=20,N,8 says so");
  for (const char* name : {"clip", "activation_alpha", "activation_beta"})
    if (operation.settings.contains(name)) refuse(std::string("has its own ") + name);
  if (integer(operation, "input_forget", 0) != 0) refuse("couples its input and forget gates");
  if (lowering.has(4)) refuse("has sequences of several lengths");
  if (lowering.has(7)) refuse("has peepholes");
  return {shape[0],
          shape[1],
          integer(operation, "hidden_size", 0),
          direction == "bidirectional" ? 2 : 1,
          direction == "reverse",
          batch_first};
}

// A first state as (directions, hidden) of an example; nothing where it is absent, or 0.
std::optional<Source> first_state(Lowering& lowering, std::size_t index, const Sequence& s) {
  if (!lowering.has(index)) return std::nullopt;
  const Batch where{.axis = s.batch_first ? 0 : 1};
  if (!lowering.is_constant(index)) {
    if (lowering.batch(index) != where)
      refuse("has a first state " + describe(lowering.net(), lowering.operation().inputs[index]));
    return lowering.value(index);
  }
  const ConstantPtr& state = lowering.constant(index);
  if (!state->integer &&
      std::ranges::all_of(state->floats, [](float value) { return value == 0.0f; }))
    return std::nullopt;
  return lowering.operand(state, 3, where);
}

// All of them, where any is given.
std::vector<Source> with_states(Lowering& lowering, const Layer& layer, const Sequence& s) {
  std::vector<Source> sources = {lowering.value(0)};
  std::vector<std::optional<Source>> states;
  for (std::size_t i = 0; i < layer.states; ++i) states.push_back(first_state(lowering, 5 + i, s));
  if (std::ranges::none_of(states, [](const auto& state) { return state.has_value(); }))
    return sources;
  const Shape dims = {s.directions, s.hidden};
  for (const auto& state : states)
    sources.push_back(state
                          ? *state
                          : constant_of(lowering, dims,
                                        std::vector<float>(place(s.directions * s.hidden), 0.0f)));
  return sources;
}

Source rows_of(Lowering& lowering, Source states, std::int64_t first, std::int64_t count) {
  return lowering.add("slice", {states},
                      {{"starts", List{first}}, {"ends", List{first + count}}, {"axes", List{0}}});
}

// The last state of each direction, (directions, hidden), from (positions, directions hidden).
Source last_state(Lowering& lowering, Source states, const Sequence& s) {
  const auto at = [&](std::int64_t position, std::int64_t direction) {
    return lowering.add("slice", {states},
                        {{"starts", List{position, direction * s.hidden}},
                         {"ends", List{position + 1, (direction + 1) * s.hidden}},
                         {"axes", List{0, 1}}});
  };
  const Source forward = at(s.reverse ? 0 : s.positions - 1, 0);
  return s.directions == 1
             ? forward
             : lowering.add("concat", {forward, at(0, 1)}, {{"axis", std::int64_t{0}}});
}

void add_outputs(Lowering& lowering, Source states, const Sequence& s, bool cells) {
  const std::size_t count = lowering.operation().outputs.size();
  const Batch of_state{.axis = s.batch_first ? 0 : 1};
  const Source h = cells ? rows_of(lowering, states, 0, s.positions) : states;
  const Source apart =
      lowering.add("reshape", {h}, {{"shape", Shape{s.positions, s.directions, s.hidden}}});
  lowering.output(apart, false, {.axis = s.batch_first ? 0 : 2});
  if (count > 1) lowering.output(last_state(lowering, states, s), false, of_state);
  if (count < 3) return;
  const Source c = cells ? rows_of(lowering, states, s.positions, 1) : h;
  lowering.output(
      cells ? lowering.add("reshape", {c}, {{"shape", Shape{s.directions, s.hidden}}}) : c, false,
      of_state);
}

void recurrent(Lowering& lowering, const Layer& layer, Attributes attributes) {
  const Operation& operation = lowering.operation();
  const Sequence s = sequence_of(lowering);
  const Shape weight = {s.directions, layer.gates * s.hidden, s.inputs};
  const Shape recurrent_weight = {s.directions, layer.gates * s.hidden, s.hidden};
  const Shape bias = {s.directions, 2 * layer.gates * s.hidden};
  if (s.hidden < 1 || lowering.constant(1)->dims != weight ||
      lowering.constant(2)->dims != recurrent_weight)
    malformed(operation, "its weights " + ops::to_string(lowering.constant(1)->dims) + " and " +
                             ops::to_string(lowering.constant(2)->dims) + " do not fit " +
                             std::to_string(s.hidden) + " hidden units");
  const ConstantPtr given =
      lowering.has(3) ? lowering.constant(3)
                      : make_floats(bias, std::vector<float>(place(ops::element_count(bias))));
  if (given->dims != bias)
    malformed(operation,
              "its bias is " + ops::to_string(given->dims) + "; expected " + ops::to_string(bias));
  attributes.set("hidden", s.hidden);
  if (s.directions == 2) attributes.set("directions", s.directions);
  if (s.reverse) attributes.set("reverse", std::int64_t{1});
  const bool cells = operation.outputs.size() > 2 && operation.outputs[2] >= 0;
  if (cells) attributes.set("cells", std::int64_t{1});
  const std::vector<Source> sources = with_states(lowering, layer, s);
  const Source states = lowering.add(
      layer.op, sources, std::move(attributes),
      {{.constant = lowering.constant(1), .shape = weight, .role = "weight"},
       {.constant = lowering.constant(2), .shape = recurrent_weight, .role = "recurrent_weight"},
       {.constant = given, .shape = bias, .role = "bias"}});
  add_outputs(lowering, states, s, cells);
}

// Its activations as ONNX lists them, one of each kind a direction, all of which are `usual`.
bool has_activations(const Lowering& lowering, const std::vector<std::string>& usual) {
  const auto given = setting<std::vector<std::string>>(lowering.operation(), "activations", {});
  for (std::size_t i = 0; i < given.size(); ++i) {
    std::string name = given[i];
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name != usual[i % usual.size()]) return false;
  }
  return true;
}

void lstm(Lowering& lowering) {
  if (!has_activations(lowering, {"sigmoid", "tanh", "tanh"})) refuse("has its own activations");
  recurrent(lowering, {"lstm", 4, 2}, {});
}

void gru(Lowering& lowering) {
  if (!has_activations(lowering, {"sigmoid", "tanh"})) refuse("has its own activations");
  const bool after = integer(lowering.operation(), "linear_before_reset", 0) != 0;
  recurrent(lowering, {"gru", 3, 1},
            after ? Attributes{{"reset_after", std::int64_t{1}}} : Attributes{});
}

void rnn(Lowering& lowering) {
  const bool relu =
      lowering.operation().settings.contains("activations") && has_activations(lowering, {"relu"});
  if (!relu && !has_activations(lowering, {"tanh"})) refuse("has its own activations");
  recurrent(lowering, {"rnn", 1, 1}, relu ? Attributes{{"relu", std::int64_t{1}}} : Attributes{});
}

constexpr std::array kSequenceRules = {
    Rule{"Attention", 3, 7,
         "is_causal kv_num_heads left_window_size q_num_heads qk_matmul_output_mode "
         "right_window_size scale softcap softmax_precision",
         attention, true},
    Rule{"LSTM", 3, 8,
         "activation_alpha activation_beta activations clip direction hidden_size input_forget "
         "layout",
         lstm},
    Rule{"GRU", 3, 6,
         "activation_alpha activation_beta activations clip direction hidden_size layout "
         "linear_before_reset",
         gru},
    Rule{"RNN", 3, 6,
         "activation_alpha activation_beta activations clip direction hidden_size layout", rnn},
};

}  // namespace

std::span<const Rule> sequence_rules() { return kSequenceRules; }

}  // namespace undying::onnx
