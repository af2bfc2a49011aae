// Activations: one operator where ONNX has it, else the composite that exporters write and import
// recognises.

#include <numbers>

#include "onnx/write/exporter.h"

namespace undying::onnx {
namespace {

std::string gelu(Exporter& to) {
  if (to.opset() >= 20) return to.add("Gelu", {to.input()});
  const std::string x = to.input();
  const std::string inside =
      to.add("Erf", {to.add("Div", {x, to.number(std::numbers::sqrt2_v<float>)})});
  const std::string twice = to.add("Mul", {x, to.add("Add", {inside, to.number(1.0f)})});
  return to.add("Mul", {twice, to.number(0.5f)});
}

std::string gelu_tanh(Exporter& to) {
  if (to.opset() >= 20) return to.add("Gelu", {to.input()}, {{"approximate", std::string("tanh")}});
  const std::string x = to.input();
  const std::string cube = to.add("Mul", {x, to.add("Mul", {x, x})});
  const std::string sum = to.add("Add", {x, to.add("Mul", {to.number(0.044715f), cube})});
  const std::string inside = to.add("Tanh", {to.add("Mul", {to.number(0.7978845608f), sum})});
  return to.add("Mul",
                {to.number(0.5f), to.add("Mul", {x, to.add("Add", {to.number(1.0f), inside})})});
}

std::string silu(Exporter& to) {
  if (to.opset() >= 24) return to.add("Swish", {to.input()});
  return to.add("Mul", {to.input(), to.add("Sigmoid", {to.input()})});
}

std::string mish(Exporter& to) {
  if (to.opset() >= 18) return to.add("Mish", {to.input()});
  return to.add("Mul", {to.input(), to.add("Tanh", {to.add("Softplus", {to.input()})})});
}

std::string relu6(Exporter& to) {
  return to.add("Clip", {to.input(), to.number(0.0f), to.number(6.0f)});
}

std::string crelu(Exporter& to) {
  const std::string positive = to.add("Relu", {to.input()});
  const std::string negative = to.add("Relu", {to.add("Neg", {to.input()})});
  return to.add("Concat", {positive, negative},
                {{"axis", to.channels_first() ? std::int64_t{1} : std::int64_t{-1}}});
}

std::string softplus(Exporter& to, float beta) {
  if (beta == 1.0f) return to.add("Softplus", {to.input()});
  return to.add(
      "Div", {to.add("Softplus", {to.add("Mul", {to.input(), to.number(beta)})}), to.number(beta)});
}

// In evaluation, its mean slope.
std::string rrelu(Exporter& to, std::span<const float> parameters) {
  to.note("rrelu written as LeakyRelu with its mean slope");
  return to.add("LeakyRelu", {to.input()}, {{"alpha", (parameters[0] + parameters[1]) / 2.0f}});
}

std::string prelu(Exporter& to) {
  const std::string slope = to.parameter(0);
  const bool aligned = to.tensor(0).values.size() == 1 || !to.channels_first();
  return to.add("PRelu",
                {to.input(), aligned ? slope : to.along_channels(slope, to.shape().size())});
}

}  // namespace

std::string export_activation(Exporter& to) {
  const Activation activation = to.node().attributes.get<Activation>("activation");
  const ActivationInfo& info = activation.info();
  const auto parameters = activation.parameters();
  if (info.name == "identity") return to.input();
  if (info.name == "gelu") return gelu(to);
  if (info.name == "gelu_tanh") return gelu_tanh(to);
  if (info.name == "silu") return silu(to);
  if (info.name == "mish") return mish(to);
  if (info.name == "relu6") return relu6(to);
  if (info.name == "crelu") return crelu(to);
  if (info.name == "softplus") return softplus(to, parameters[0]);
  if (info.name == "rrelu") return rrelu(to, parameters);
  if (info.learned) return prelu(to);
  if (info.onnx_operator.empty()) ops::reject(to.node(), "has no counterpart in ONNX");
  Writer::Settings settings;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    settings.emplace_back(info.onnx_attributes[i].data(), parameters[i]);
  return to.add(std::string(info.onnx_operator), {to.input()}, settings);
}

}  // namespace undying::onnx
