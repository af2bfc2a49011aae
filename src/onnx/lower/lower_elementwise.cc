// Arithmetic, softmax and dropout.

#include <fmt/format.h>

#include <array>
#include <limits>

#include "onnx/lower/lower.h"
#include "onnx/normalise/evaluate.h"
#include "ops/operator.h"

namespace undying::onnx {
namespace {

// Of several values, the one with most dimensions.
int widest_of(const Lowering& lowering) {
  int widest = -1;
  for (std::size_t i = 0; i < lowering.operation().inputs.size(); ++i) {
    if (lowering.is_constant(i) || (lowering.batch_axes() > 0 && !lowering.counts(i))) continue;
    const int id = lowering.operation().inputs[i];
    if (widest < 0 || lowering.net().rank(id) > lowering.net().rank(widest)) widest = id;
  }
  if (widest < 0) refuse("depends on constants only");
  return widest;
}

// Operands of one elementwise operation: values computed at run time as they are, constants as
// constants that fit them. Values meet from their last dimension on, where all must count examples
// at the same one.
std::vector<Source> operands(Lowering& lowering) {
  const Net& net = lowering.net();
  const std::vector<int>& inputs = lowering.operation().inputs;
  const int widest = widest_of(lowering);
  const std::int64_t rank = net.rank(widest);
  const Batch& batch = net.value(widest).batch;
  std::vector<Source> sources;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (lowering.counts(i) && lowering.batch_axes() > 0 &&
        (net.value(inputs[i]).batch.axis - lowering.rank(i) != batch.axis - rank ||
         lowering.batch(i).before != batch.before))
      refuse("combines " + describe(net, widest) + " and " + describe(net, inputs[i]) +
             ", which would mix the examples of a batch");
    sources.push_back(lowering.meeting(i, rank, batch));
  }
  return sources;
}

void combined(Lowering& lowering, Source result) {
  const Value& widest = lowering.net().value(widest_of(lowering));
  lowering.output(result, widest.scalar, widest.batch);
}

template <const char* kOp>
void binary(Lowering& lowering) {
  combined(lowering, lowering.add(kOp, operands(lowering)));
}
constexpr char kMaximum[] = "maximum";
constexpr char kMinimum[] = "minimum";
constexpr char kGreater[] = "greater";
constexpr char kLess[] = "less";
constexpr char kEqual[] = "equal";
constexpr char kAdd[] = "add";
constexpr char kSub[] = "sub";
constexpr char kMul[] = "mul";
constexpr char kDiv[] = "div";

Source sum_of(Lowering& lowering) {
  const auto sources = operands(lowering);
  Source sum = sources[0];
  for (std::size_t i = 1; i < sources.size(); ++i) sum = lowering.add("add", {sum, sources[i]});
  return sum;
}

void sum(Lowering& lowering) { combined(lowering, sum_of(lowering)); }

void mean(Lowering& lowering) {
  const auto count = static_cast<float>(lowering.operation().inputs.size());
  const Source total = sum_of(lowering);
  combined(lowering,
           count == 1.0f ? total : lowering.add("mul", {total, lowering.number(1.0f / count)}));
}

float scalar(const Lowering& lowering, std::size_t index) {
  const ConstantPtr& constant = lowering.constant(index);
  if (constant->integer || constant->count() != 1)
    refuse("input " + std::to_string(index) + " is not one number");
  return constant->floats[0];
}

// Bounds that are members of the family become these.
Source clipped(Lowering& lowering, Source src, float lowest, float highest) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  if (lowest == 0.0f && highest >= kLargest) return lowering.activation("relu", src);
  if (lowest == 0.0f && highest == 6.0f) return lowering.activation("relu6", src);
  if (lowest != lowest || highest != highest)
    malformed(lowering.operation(), "clips at a bound that is not a number");
  if (lowest <= -kLargest && highest >= kLargest) return src;
  Attributes attributes;
  if (lowest > -kLargest) attributes.set("min", as_written(lowest));
  if (highest < kLargest) attributes.set("max", as_written(highest));
  return lowering.add("clip", {src}, std::move(attributes));
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Between bounds of which one is computed at run time, each a single number.
void clip_between_values(Lowering& lowering) {
  Source result = lowering.value(0);
  for (const std::size_t i : {std::size_t{1}, std::size_t{2}}) {
    if (!lowering.has(i)) continue;
    if (lowering.counts(i) && lowering.batch_axes() > 0)
      refuse("clips at a bound that counts examples; expected one number");
    result = lowering.add(i == 1 ? kMaximum : kMinimum,
                          {result, lowering.meeting(i, lowering.rank(0), lowering.batch())});
  }
  lowering.output(result, lowering.is_scalar(0), lowering.batch());
}

void clip(Lowering& lowering) {
  const auto is_computed = [&](std::size_t index) {
    return lowering.has(index) && !lowering.is_constant(index);
  };
  if (is_computed(1) || is_computed(2)) return clip_between_values(lowering);
  const float lowest = lowering.has(1) ? scalar(lowering, 1) : -kInfinity;
  const float highest = lowering.has(2) ? scalar(lowering, 2) : kInfinity;
  lowering.output(clipped(lowering, lowering.value(0), lowest, highest));
}

// max(x, number) and min(x, number) are clips.
void bound(Lowering& lowering, bool from_below) {
  const std::size_t count = lowering.operation().inputs.size();
  if (count == 1) return lowering.output(lowering.value(0));
  const std::size_t constant = lowering.is_constant(0) ? 0 : 1;
  if (count == 2 && lowering.is_constant(constant) && lowering.constant(constant)->count() == 1) {
    const float number = scalar(lowering, constant);
    return lowering.output(clipped(lowering, lowering.value(1 - constant),
                                   from_below ? number : -kInfinity,
                                   from_below ? kInfinity : number));
  }
  const auto sources = operands(lowering);
  Source result = sources[0];
  for (std::size_t i = 1; i < count; ++i)
    result = lowering.add(from_below ? kMaximum : kMinimum, {result, sources[i]});
  combined(lowering, result);
}

void maximum(Lowering& lowering) { bound(lowering, true); }
void minimum(Lowering& lowering) { bound(lowering, false); }

// A product with -1.
void negative(Lowering& lowering) {
  lowering.output(lowering.add("mul", {lowering.value(0), lowering.number(-1.0f)}));
}

template <const char* kOp>
void function(Lowering& lowering) {
  lowering.output(lowering.add(kOp, {lowering.value(0)}));
}

Source negated(Lowering& lowering, Source src) {
  return lowering.add("mul", {src, lowering.number(-1.0f)});
}
void ceiling(Lowering& lowering) {
  lowering.output(negated(lowering, lowering.add("floor", {negated(lowering, lowering.value(0))})));
}

// Of one known exponent.
void power(Lowering& lowering) {
  if (lowering.is_constant(0) || lowering.constant(1)->count() != 1)
    refuse("raises to a power that is not one known number");
  const Constant& exponent = *lowering.constant(1);
  const double number = exponent.integer
                            ? static_cast<double>(plain_integers(lowering.operation(), exponent)[0])
                            : as_written(exponent.floats[0]);
  if (number == 1.0) return lowering.output(lowering.value(0));
  lowering.output(lowering.add("pow", {lowering.value(0)}, {{"exponent", number}}));
}

Source opposite(Lowering& lowering, Source truth) {
  return lowering.add("sub", {lowering.number(1.0f), truth});
}

// What holds is 1, what does not 0.
void greater_or_equal(Lowering& lowering) {
  combined(lowering, opposite(lowering, lowering.add("less", operands(lowering))));
}
void less_or_equal(Lowering& lowering) {
  combined(lowering, opposite(lowering, lowering.add("greater", operands(lowering))));
}
void not_operator(Lowering& lowering) { lowering.output(opposite(lowering, lowering.value(0))); }
void xor_operator(Lowering& lowering) {
  combined(lowering, opposite(lowering, lowering.add("equal", operands(lowering))));
}
void is_nan(Lowering& lowering) {
  lowering.output(
      opposite(lowering, lowering.add("equal", {lowering.value(0), lowering.value(0)})));
}
void where(Lowering& lowering) { combined(lowering, lowering.add("where", operands(lowering))); }

// x / (1 + |x|).
void softsign(Lowering& lowering) {
  const Source x = lowering.value(0);
  const Source size = lowering.add("add", {lowering.add("abs", {x}), lowering.number(1.0f)});
  lowering.output(lowering.add("div", {x, size}));
}

// Before opset 13: of the rows of a matrix, the dimensions from `axis` on being one.
Source softmax_of_rows(Lowering& lowering, const char* op, std::int64_t axis) {
  const Shape shape = lowering.shape(0);
  if (axis == static_cast<std::int64_t>(shape.size()) - 1)
    return lowering.add(op, {lowering.value(0)});
  Shape rows(shape.begin(), shape.begin() + axis);
  rows.push_back(-1);
  const Source flat = lowering.add("reshape", {lowering.value(0)}, {{"shape", rows}});
  return lowering.add("reshape", {lowering.add(op, {flat})}, {{"shape", shape}});
}

void softmax_along(Lowering& lowering, const char* op) {
  const Operation& operation = lowering.operation();
  const std::int64_t axis = lowering.example_axis(integer(operation, "axis", -1), lowering.rank(0));
  const bool rows = operation.settings.contains(".rows");
  if (rows && lowering.batch_axes() > 0 && lowering.batch() != Batch{}) refuse(kExamplesFirst);
  if (rows) return lowering.output(softmax_of_rows(lowering, op, axis));
  const std::int64_t from_last = axis - static_cast<std::int64_t>(lowering.shape(0).size());
  lowering.output(lowering.add(op, {lowering.value(0)},
                               from_last == -1 ? Attributes{} : Attributes{{"axis", from_last}}));
}

void softmax(Lowering& lowering) { softmax_along(lowering, "softmax"); }
void log_softmax(Lowering& lowering) { softmax_along(lowering, "log_softmax"); }

// Trains as dropout whatever mode the model was exported in; where the ratio is 0 nothing is
// dropped.
void dropout(Lowering& lowering) {
  lowering.only_first_output();
  const float ratio = lowering.has(1) ? scalar(lowering, 1) : 0.5f;
  if (!(ratio >= 0.0f && ratio < 1.0f))
    malformed(lowering.operation(), fmt::format("its ratio is {}; expected 0 <= ratio < 1", ratio));
  lowering.output(ratio == 0.0f
                      ? lowering.value(0)
                      : lowering.add("dropout", {lowering.value(0)}, {{"p", as_written(ratio)}}));
}

// Ours: a known tensor as a value of every example.
void known_value(Lowering& lowering) {
  const auto constant = setting<ConstantPtr>(lowering.operation(), ".value", nullptr);
  lowering.output(lowering.operand(constant, static_cast<std::int64_t>(constant->dims.size())),
                  constant->dims.empty(), {});
}

void identity(Lowering& lowering) { lowering.output(lowering.value(0)); }

// Floats of any width are float32 here, whole numbers and truth values are floats that are whole.
void cast(Lowering& lowering) {
  constexpr std::int64_t kBool = 9;
  const std::int64_t to = integer(lowering.operation(), "to", 0);
  const Source src = lowering.value(0);
  if (to == kBool)
    return lowering.output(opposite(lowering, lowering.add("equal", {src, lowering.number(0.0f)})));
  const bool cuts =
      is_integer_type(to) && !lowering.net().value(lowering.operation().inputs[0]).integer;
  if (cuts) {  // towards 0
    const Source size = lowering.add("floor", {lowering.add("abs", {src})});
    return lowering.output(lowering.add("mul", {lowering.add("sign", {src}), size}));
  }
  if (!is_integer_type(to) && to != 1 && to != 10 && to != 11 && to != 16)
    refuse("casts values to type number " + std::to_string(to));
  lowering.output(src);
}

constexpr char kExp[] = "exp";
constexpr char kLog[] = "log";
constexpr char kSqrt[] = "sqrt";
constexpr char kReciprocal[] = "reciprocal";
constexpr char kAbs[] = "abs";
constexpr char kSign[] = "sign";
constexpr char kSin[] = "sin";
constexpr char kCos[] = "cos";
constexpr char kErf[] = "erf";
constexpr char kFloor[] = "floor";
constexpr char kRound[] = "round";

constexpr std::array kElementwiseRules = {
    Rule{"Add", 2, 2, "", binary<kAdd>},
    Rule{"Sub", 2, 2, "", binary<kSub>},
    Rule{"Mul", 2, 2, "", binary<kMul>},
    Rule{"Div", 2, 2, "", binary<kDiv>},
    Rule{"Neg", 1, 1, "", negative},
    Rule{"Exp", 1, 1, "", function<kExp>},
    Rule{"Log", 1, 1, "", function<kLog>},
    Rule{"Sqrt", 1, 1, "", function<kSqrt>},
    Rule{"Reciprocal", 1, 1, "", function<kReciprocal>},
    Rule{"Abs", 1, 1, "", function<kAbs>},
    Rule{"Sign", 1, 1, "", function<kSign>},
    Rule{"Sin", 1, 1, "", function<kSin>},
    Rule{"Cos", 1, 1, "", function<kCos>},
    Rule{"Erf", 1, 1, "", function<kErf>},
    Rule{"Floor", 1, 1, "", function<kFloor>},
    Rule{"Ceil", 1, 1, "", ceiling},
    Rule{"Round", 1, 1, "", function<kRound>},
    Rule{"Pow", 2, 2, "", power},
    Rule{"Greater", 2, 2, "", binary<kGreater>},
    Rule{"Less", 2, 2, "", binary<kLess>},
    Rule{"Equal", 2, 2, "", binary<kEqual>},
    Rule{"GreaterOrEqual", 2, 2, "", greater_or_equal},
    Rule{"LessOrEqual", 2, 2, "", less_or_equal},
    Rule{"Not", 1, 1, "", not_operator},
    Rule{"And", 2, 2, "", binary<kMul>},
    Rule{"Or", 2, 2, "", binary<kMaximum>},
    Rule{"Xor", 2, 2, "", xor_operator},
    Rule{"IsNaN", 1, 1, "", is_nan},
    Rule{"Where", 3, 3, "", where},
    Rule{"Softsign", 1, 1, "", softsign},
    Rule{"Sum", 1, -1, "", sum},
    Rule{"Mean", 1, -1, "", mean},
    Rule{"Clip", 1, 3, "", clip},
    Rule{"Max", 1, -1, "", maximum},
    Rule{"Min", 1, -1, "", minimum},
    Rule{"Softmax", 1, 1, "axis", softmax},
    Rule{"LogSoftmax", 1, 1, "axis", log_softmax},
    Rule{"Dropout", 1, 3, "seed", dropout},
    Rule{".constant", 0, 0, "", known_value},
    Rule{"Identity", 1, 1, "", identity},
    Rule{"Cast", 1, 1, "round_mode saturate to", cast},
};

}  // namespace

std::span<const Rule> elementwise_rules() { return kElementwiseRules; }

}  // namespace undying::onnx
