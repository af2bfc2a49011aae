// How each operator of the engine that computes is written. Shapes of ours are those of an example;
// ONNX counts the batch as dimension 0.

#include <algorithm>
#include <array>
#include <limits>

#include "onnx/constant.h"
#include "onnx/write/export_settings.h"
#include "onnx/write/exporter.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

// Of vectors, a Gemm; of more dimensions, a product and a sum over the last.
std::string linear(Exporter& to) {
  const bool bias = integer_of(to, "bias", 1) != 0;
  if (to.shape().size() == 1) {
    std::vector<std::string> inputs = {to.input(), to.parameter(0)};
    if (bias) inputs.push_back(to.parameter(1));
    return to.add("Gemm", inputs, {{"transB", std::int64_t{1}}});
  }
  const std::string weight = to.add("Transpose", {to.parameter(0)}, {{"perm", List{1, 0}}});
  const std::string product = to.add("MatMul", {to.input(), weight});
  return bias ? to.add("Add", {product, to.parameter(1)}) : product;
}

// What convolutions and pools share.
Writer::Settings window(const Exporter& to) {
  const List kernel = list_of(to, "kernel");
  Writer::Settings settings = {{"kernel_shape", kernel},
                               {"strides", list_of(to, "strides", List(kernel.size(), 1))}};
  std::string pad = to.node().attributes.get_or<std::string>("auto_pad", "notset");
  std::ranges::transform(pad, pad.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (pad == "NOTSET")
    settings.emplace_back("pads", list_of(to, "pads", List(2 * kernel.size(), 0)));
  if (pad != "NOTSET") settings.emplace_back("auto_pad", pad);
  return settings;
}

List dilations_of(const Exporter& to) {
  return list_of(to, "dilations", List(list_of(to, "kernel").size(), 1));
}

std::string convolution(Exporter& to, const char* op) {
  Writer::Settings settings = window(to);
  settings.emplace_back("dilations", dilations_of(to));
  settings.emplace_back("group", integer_of(to, "groups", 1));
  for (const char* name : {"output_padding", "output_shape"})
    if (to.node().attributes.has(name)) settings.emplace_back(name, list_of(to, name));
  std::vector<std::string> inputs = {to.input(), to.parameter(0)};
  if (integer_of(to, "bias", 1) != 0) inputs.push_back(to.parameter(1));
  return to.add(op, inputs, settings);
}

std::string conv(Exporter& to) { return convolution(to, "Conv"); }
std::string conv_transpose(Exporter& to) { return convolution(to, "ConvTranspose"); }

std::string max_pool(Exporter& to) {
  Writer::Settings settings = window(to);
  settings.emplace_back("dilations", dilations_of(to));
  settings.emplace_back("ceil_mode", integer_of(to, "ceil_mode", 0));
  return to.add("MaxPool", {to.input()}, settings);
}

std::string average_pool(Exporter& to) {
  const List dilations = dilations_of(to);
  const bool dilated = std::ranges::any_of(dilations, [](std::int64_t each) { return each != 1; });
  if (dilated && to.opset() < 19)
    throw Error(ErrorCode::kUnsupported, "average_pool " + to.node().name,
                "has dilations, which AveragePool has from opset 19 on");
  Writer::Settings settings = window(to);
  if (dilated) settings.emplace_back("dilations", dilations);
  settings.emplace_back("ceil_mode", integer_of(to, "ceil_mode", 0));
  settings.emplace_back("count_include_pad", integer_of(to, "count_include_pad", 0));
  return to.add("AveragePool", {to.input()}, settings);
}

std::string global_average_pool(Exporter& to) { return to.add("GlobalAveragePool", {to.input()}); }
std::string global_max_pool(Exporter& to) { return to.add("GlobalMaxPool", {to.input()}); }

std::string batch_norm(Exporter& to) {
  return to.add(
      "BatchNormalization",
      {to.input(), to.parameter(0), to.parameter(1), to.parameter(2), to.parameter(3)},
      {{"epsilon", number_of(to, "epsilon", 1e-5)}, {"momentum", number_of(to, "momentum", 0.9)}});
}

std::string layer_norm(Exporter& to) {
  std::vector<std::string> inputs = {to.input(), to.parameter(0)};
  if (integer_of(to, "bias", 1) != 0) inputs.push_back(to.parameter(1));
  return to.add("LayerNormalization", inputs,
                {{"axis", to.axis(integer_of(to, "axis", -1), to.shape().size())},
                 {"epsilon", number_of(to, "epsilon", 1e-5)}});
}

std::string instance_norm(Exporter& to) {
  return to.add("InstanceNormalization", {to.input(), to.parameter(0), to.parameter(1)},
                {{"epsilon", number_of(to, "epsilon", 1e-5)}});
}

// Before opset 21 there is none with a scale for each channel: each group as one channel of an
// instance norm, then scale and bias.
std::string group_norm(Exporter& to) {
  const std::int64_t groups = integer_of(to, "groups", 1);
  if (to.opset() >= 21)
    return to.add("GroupNormalization", {to.input(), to.parameter(0), to.parameter(1)},
                  {{"epsilon", number_of(to, "epsilon", 1e-5)}, {"num_groups", groups}});
  const std::string grouped = to.reshape(to.input(), {groups, -1});
  const std::string normal =
      to.add("InstanceNormalization", {grouped, to.filled(1.0f, groups), to.filled(0.0f, groups)},
             {{"epsilon", number_of(to, "epsilon", 1e-5)}});
  const std::size_t rank = to.shape().size();
  const std::string scaled =
      to.add("Mul", {to.reshape(normal, to.shape()), to.along_channels(to.parameter(0), rank)});
  return to.add("Add", {scaled, to.along_channels(to.parameter(1), rank)});
}

// Operands of fewer dimensions than the result get dimensions of extent 1 behind the batch;
// constants have no batch and need none.
std::vector<std::string> aligned(Exporter& to) {
  std::vector<std::string> operands;
  std::size_t rank = 0;
  for (std::size_t i = 0; i < to.node().inputs.size(); ++i)
    rank = std::max(rank, to.shape(i).size());
  for (std::size_t i = 0; i < to.node().inputs.size(); ++i) {
    const std::size_t missing = rank - to.shape(i).size();
    const bool aligned = missing == 0 || to.is_constant(i);
    operands.push_back(aligned ? to.input(i)
                               : to.add("Unsqueeze", {to.input(i), to.list(all_axes(missing))}));
  }
  return operands;
}

void check_operands(const Exporter& to) {
  if (to.is_constant(0) && to.is_constant(1))
    throw Error(ErrorCode::kUnsupported, to.node().op + " " + to.node().name, "has two constants");
}

template <const char* kOp>
std::string binary(Exporter& to) {
  check_operands(to);
  return to.add(kOp, aligned(to));
}
constexpr char kAdd[] = "Add";
constexpr char kSub[] = "Sub";
constexpr char kMul[] = "Mul";
constexpr char kDiv[] = "Div";
constexpr char kMax[] = "Max";
constexpr char kMin[] = "Min";

// What holds is true in ONNX, and 1 here.
template <const char* kOp>
std::string comparison(Exporter& to) {
  check_operands(to);
  return to.add("Cast", {to.add(kOp, aligned(to))}, {{"to", std::int64_t{pb::TensorProto::FLOAT}}});
}
constexpr char kGreater[] = "Greater";
constexpr char kLess[] = "Less";
constexpr char kEqual[] = "Equal";

std::string where(Exporter& to) {
  std::vector<std::string> operands = aligned(to);
  operands[0] = to.add("Cast", {operands[0]}, {{"to", std::int64_t{pb::TensorProto::BOOL}}});
  return to.add("Where", operands);
}

template <const char* kOp>
std::string function(Exporter& to) {
  return to.add(kOp, {to.input()});
}
constexpr char kExp[] = "Exp";
constexpr char kLog[] = "Log";
constexpr char kSqrt[] = "Sqrt";
constexpr char kReciprocal[] = "Reciprocal";
constexpr char kAbs[] = "Abs";
constexpr char kSign[] = "Sign";
constexpr char kSin[] = "Sin";
constexpr char kCos[] = "Cos";
constexpr char kErf[] = "Erf";
constexpr char kFloor[] = "Floor";
constexpr char kRound[] = "Round";

std::string power(Exporter& to) {
  return to.add("Pow", {to.input(), to.number(number_of(to, "exponent", 1.0))});
}

std::string rms_norm(Exporter& to) {
  const std::int64_t axis = to.axis(integer_of(to, "axis", -1), to.shape().size());
  const float epsilon = number_of(to, "epsilon", 1e-5);
  if (to.opset() >= 23)
    return to.add("RMSNormalization", {to.input(), to.parameter(0)},
                  {{"axis", axis}, {"epsilon", epsilon}});
  List axes;
  for (std::int64_t each = axis; each <= static_cast<std::int64_t>(to.shape().size()); ++each)
    axes.push_back(each);
  const std::string squares = to.add("Pow", {to.input(), to.number(2.0f)});
  const std::string mean = to.opset() < 18 ? to.add("ReduceMean", {squares}, {{"axes", axes}})
                                           : to.add("ReduceMean", {squares, to.list(axes)});
  const std::string rms = to.add("Sqrt", {to.add("Add", {mean, to.number(epsilon)})});
  return to.add("Mul", {to.add("Mul", {to.input(), to.add("Reciprocal", {rms})}), to.parameter(0)});
}

std::string embedding(Exporter& to) {
  if (to.is_whole(0)) return to.add("Gather", {to.parameter(0), to.input()});
  return to.add("Gather",
                {to.parameter(0),
                 to.add("Cast", {to.input()}, {{"to", std::int64_t{pb::TensorProto::INT64}}})});
}

// (N, positions, inputs) to (positions, N, inputs), first states to (directions, N, hidden), and
// from (positions, directions, N, hidden) back.
std::string recurrent(Exporter& to, const char* op, Writer::Settings settings) {
  const bool cells = integer_of(to, "cells", 0) != 0;
  const std::int64_t directions = integer_of(to, "directions", 1);
  const char* direction = directions == 2                     ? "bidirectional"
                          : integer_of(to, "reverse", 0) != 0 ? "reverse"
                                                              : "forward";
  std::vector<std::string> inputs = {to.add("Transpose", {to.input()}, {{"perm", List{1, 0, 2}}}),
                                     to.parameter(0), to.parameter(1), to.parameter(2)};
  if (to.node().inputs.size() > 1) inputs.emplace_back();
  for (std::size_t i = 1; i < to.node().inputs.size(); ++i) {
    const std::string state =
        to.is_same_for_all(i) ? to.repeated(to.input(i), to.shape(i)) : to.input(i);
    inputs.push_back(to.add("Transpose", {state}, {{"perm", List{1, 0, 2}}}));
  }
  settings.emplace_back("hidden_size", integer_of(to, "hidden", 1));
  settings.emplace_back("direction", std::string(direction));
  const std::vector<std::string> states = to.add_several(op, inputs, cells ? 3 : 1, settings);
  Shape rows = to.result();
  rows[0] -= cells ? 1 : 0;
  std::string h = to.reshape(to.add("Transpose", {states[0]}, {{"perm", List{2, 0, 1, 3}}}), rows);
  if (!cells) return h;
  const std::string c =
      to.reshape(to.add("Transpose", {states[2]}, {{"perm", List{1, 0, 2}}}), {1, rows[1]});
  return to.add("Concat", {h, c}, {{"axis", std::int64_t{1}}});
}

std::string lstm(Exporter& to) { return recurrent(to, "LSTM", {}); }
std::string gru(Exporter& to) {
  return recurrent(to, "GRU", {{"linear_before_reset", integer_of(to, "reset_after", 0)}});
}
std::string rnn(Exporter& to) {
  const std::size_t directions = static_cast<std::size_t>(integer_of(to, "directions", 1));
  if (integer_of(to, "relu", 0) == 0) return recurrent(to, "RNN", {});
  return recurrent(to, "RNN", {{"activations", std::vector<std::string>(directions, "Relu")}});
}

// Where they stand are whole numbers in ONNX, and floats here. Of an example of one number a
// dimension stays.
std::string arg_max(Exporter& to) {
  const std::int64_t axis = to.axis(integer_of(to, "axis", -1), to.shape().size());
  const std::int64_t keeps = to.shape().size() == 1 ? 1 : integer_of(to, "keepdims", 1);
  const std::string places = to.add(
      "ArgMax", {to.input()},
      {{"axis", axis}, {"keepdims", keeps}, {"select_last_index", integer_of(to, "last", 0)}});
  return to.add("Cast", {places}, {{"to", std::int64_t{pb::TensorProto::FLOAT}}});
}

std::string top_k(Exporter& to) {
  const std::vector<std::string> both =
      to.add_several("TopK", {to.input(), to.list({integer_of(to, "k", 1)})}, 2,
                     {{"axis", to.axis(integer_of(to, "axis", -1), to.shape().size())},
                      {"largest", integer_of(to, "largest", 1)}});
  if (integer_of(to, "indices", 0) == 0) return both[0];
  return to.add("Cast", {both[1]}, {{"to", std::int64_t{pb::TensorProto::FLOAT}}});
}

// Sizes are written, unless rounding makes other scales of them than those that are meant.
std::string resize(Exporter& to) {
  const auto text = [&](const char* name, const char* otherwise) {
    return to.node().attributes.get_or<std::string>(name, otherwise);
  };
  const List sizes = list_of(to, "sizes");
  std::vector<float> scales = {1.0f};
  for (std::size_t i = 0; i < sizes.size(); ++i)
    scales.push_back(
        static_cast<float>(static_cast<double>(sizes[i]) / static_cast<double>(to.shape()[i])));
  const auto given = to.node().attributes.get_or<std::vector<double>>("scales", {});
  for (std::size_t i = 0; i < given.size(); ++i) scales[i + 1] = static_cast<float>(given[i]);
  const std::string written = to.floats(scales);
  return to.add("Resize", {to.input(), "", written},
                {{"mode", text("mode", "nearest")},
                 {"coordinate_transformation_mode", text("coordinates", "half_pixel")},
                 {"nearest_mode", text("nearest", "round_prefer_floor")},
                 {"cubic_coeff_a", number_of(to, "cubic", -0.75)},
                 {"exclude_outside", integer_of(to, "exclude_outside", 0)}});
}

// Operands of one dimension are a row on the left and a column on the right: behind the batch they
// are written as the matrices they are. Constants have no batch, and one that is a matrix on the
// right meets the rows of all examples at once.
std::string matmul(Exporter& to) {
  check_operands(to);
  const auto is_vector = [&](std::size_t i) {
    return to.shape(i).size() == 1 && !to.is_constant(i);
  };
  const bool rows = is_vector(0) && to.is_constant(1) && to.shape(1).size() == 2;
  if (rows) return to.add("MatMul", {to.input(0), to.input(1)});
  if (!is_vector(0) && !is_vector(1)) return to.add("MatMul", aligned(to));
  const std::size_t rank = std::max({to.shape(0).size(), to.shape(1).size(), std::size_t{2}});
  std::vector<std::string> operands;
  for (std::size_t i = 0; i < 2; ++i) {
    Shape matrix = to.shape(i);
    if (is_vector(i)) matrix.insert(i == 0 ? matrix.begin() : matrix.end(), 1);
    matrix.insert(matrix.begin(), rank - std::min(rank, matrix.size()), 1);
    operands.push_back(
        to.is_constant(i) || matrix == to.shape(i) ? to.input(i) : to.reshape(to.input(i), matrix));
  }
  const std::string product = to.add("MatMul", operands);
  const bool is_result = to.shape(0) == to.shape(1) &&
                         (to.is_constant(0) || to.is_constant(1));  // the constant left (N, 1)
  return is_result ? product : to.reshape(product, to.result());
}

std::string softmax_of(Exporter& to, const char* op) {
  return to.add(op, {to.input()},
                {{"axis", to.axis(integer_of(to, "axis", -1), to.shape().size())}});
}
std::string softmax(Exporter& to) { return softmax_of(to, "Softmax"); }
std::string log_softmax(Exporter& to) { return softmax_of(to, "LogSoftmax"); }

std::string clip(Exporter& to) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  const float lowest = number_of(to, "min", -kLargest);
  const float highest = number_of(to, "max", kLargest);
  return to.add("Clip", {to.input(), to.number(lowest), to.number(highest)});
}

std::string dropout(Exporter& to) {
  to.note(to.node().op + " left out");
  return to.input();
}

// Stands as an initializer where it is read. Of what computes a weight, a node has the values.
std::string constant(Exporter& to) {
  const auto own = to.node().attributes.get_or<std::vector<double>>("values", {});
  return own.empty() ? to.parameter(0) : to.constant({own.begin(), own.end()});
}

constexpr std::array kComputing = {
    Export{"abs", function<kAbs>},
    Export{"activation", export_activation},
    Export{"add", binary<kAdd>},
    Export{"arg_max", arg_max},
    Export{"average_pool", average_pool},
    Export{"batch_norm", batch_norm},
    Export{"clip", clip},
    Export{"constant", constant},
    Export{"conv", conv},
    Export{"conv_transpose", conv_transpose},
    Export{"cos", function<kCos>},
    Export{"div", binary<kDiv>},
    Export{"dropout", dropout},
    Export{"dropout_2d", dropout},
    Export{"embedding", embedding},
    Export{"equal", comparison<kEqual>},
    Export{"erf", function<kErf>},
    Export{"exp", function<kExp>},
    Export{"floor", function<kFloor>},
    Export{"global_average_pool", global_average_pool},
    Export{"global_max_pool", global_max_pool},
    Export{"greater", comparison<kGreater>},
    Export{"group_norm", group_norm},
    Export{"gru", gru},
    Export{"instance_norm", instance_norm},
    Export{"layer_norm", layer_norm},
    Export{"less", comparison<kLess>},
    Export{"linear", linear},
    Export{"log", function<kLog>},
    Export{"lstm", lstm},
    Export{"log_softmax", log_softmax},
    Export{"matmul", matmul},
    Export{"max_pool", max_pool},
    Export{"maximum", binary<kMax>},
    Export{"minimum", binary<kMin>},
    Export{"mul", binary<kMul>},
    Export{"parameter", constant},
    Export{"pow", power},
    Export{"reciprocal", function<kReciprocal>},
    Export{"resize", resize},
    Export{"rms_norm", rms_norm},
    Export{"rnn", rnn},
    Export{"round", function<kRound>},
    Export{"sign", function<kSign>},
    Export{"sin", function<kSin>},
    Export{"softmax", softmax},
    Export{"sqrt", function<kSqrt>},
    Export{"sub", binary<kSub>},
    Export{"top_k", top_k},
    Export{"where", where},
};

}  // namespace

std::span<const Export> computing_exports() { return kComputing; }

}  // namespace undying::onnx
