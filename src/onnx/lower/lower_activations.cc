// Activations: ONNX's own, and those that were recognised by their formula.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>

#include "onnx/lower/lower.h"

namespace undying::onnx {
namespace {

template <const char* kSpecification>
void plain_activation(Lowering& lowering) {
  lowering.output(lowering.activation(kSpecification, lowering.value(0)));
}

std::string with(const char* name, std::initializer_list<double> parameters) {
  return fmt::format("{}:{}", name, fmt::join(parameters, ","));
}

// The ONNX operators of the family that take parameters, with ONNX's defaults.
void leaky_relu(Lowering& lowering) {
  lowering.output(lowering.activation(
      with("leaky_relu", {number(lowering.operation(), "alpha", 0.01)}), lowering.value(0)));
}
void elu(Lowering& lowering) {
  lowering.output(lowering.activation(with("elu", {number(lowering.operation(), "alpha", 1.0)}),
                                      lowering.value(0)));
}
void celu(Lowering& lowering) {
  lowering.output(lowering.activation(with("celu", {number(lowering.operation(), "alpha", 1.0)}),
                                      lowering.value(0)));
}
void thresholded_relu(Lowering& lowering) {
  lowering.output(lowering.activation(
      with("thresholded_relu", {number(lowering.operation(), "alpha", 1.0)}), lowering.value(0)));
}
void hardsigmoid(Lowering& lowering) {
  const double alpha = number(lowering.operation(), "alpha", 0.2);
  const double beta = number(lowering.operation(), "beta", 0.5);
  lowering.output(lowering.activation(with("hardsigmoid", {alpha, beta}), lowering.value(0)));
}

// The family's member has the parameters of the paper, which are ONNX's defaults too; gamma elu(x,
// alpha) has any.
void selu(Lowering& lowering) {
  const double alpha = number(lowering.operation(), "alpha", 1.67326324);
  const double gamma = number(lowering.operation(), "gamma", 1.05070099);
  if (std::abs(alpha - 1.67326324) < 1e-5 && std::abs(gamma - 1.05070099) < 1e-5)
    return lowering.output(lowering.activation("selu", lowering.value(0)));
  const Source curve = lowering.activation(with("elu", {alpha}), lowering.value(0));
  lowering.output(lowering.add("mul", {curve, lowering.number(static_cast<float>(gamma))}));
}

void gelu(Lowering& lowering) {
  const std::string approximate = text(lowering.operation(), "approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    malformed(lowering.operation(), "its approximate is none of none and tanh");
  lowering.output(
      lowering.activation(approximate == "none" ? "gelu" : "gelu_tanh", lowering.value(0)));
}

// x sigmoid(alpha x).
void swish(Lowering& lowering) {
  const auto alpha = static_cast<float>(number(lowering.operation(), "alpha", 1.0));
  const Source x = lowering.value(0);
  if (alpha == 1.0f) return lowering.output(lowering.activation("silu", x));
  const Source gate =
      lowering.activation("sigmoid", lowering.add("mul", {x, lowering.number(alpha)}));
  lowering.output(lowering.add("mul", {x, gate}));
}

// Ours: a recognised composite.
void activation(Lowering& lowering) {
  const Source result = lowering.activation(
      text(lowering.operation(), ".specification", "identity"), lowering.value(0));
  lowering.last().unit_axis = integer(lowering.operation(), ".unit_axis", -1);
  lowering.output(result);
}

constexpr char kRelu[] = "relu";
constexpr char kSigmoid[] = "sigmoid";
constexpr char kTanh[] = "tanh";
constexpr char kSoftplus[] = "softplus";
constexpr char kHardswish[] = "hardswish";
constexpr char kMish[] = "mish";

constexpr std::array kActivationsRules = {
    Rule{"Gelu", 1, 1, "approximate", gelu},
    Rule{"Mish", 1, 1, "", plain_activation<kMish>},
    Rule{"Swish", 1, 1, "alpha", swish},
    Rule{"Relu", 1, 1, "", plain_activation<kRelu>},
    Rule{"LeakyRelu", 1, 1, "alpha", leaky_relu},
    Rule{"Elu", 1, 1, "alpha", elu},
    Rule{"Selu", 1, 1, "alpha gamma", selu},
    Rule{"Celu", 1, 1, "alpha", celu},
    Rule{"ThresholdedRelu", 1, 1, "alpha", thresholded_relu},
    Rule{"HardSigmoid", 1, 1, "alpha beta", hardsigmoid},
    Rule{"HardSwish", 1, 1, "", plain_activation<kHardswish>},
    Rule{"Sigmoid", 1, 1, "", plain_activation<kSigmoid>},
    Rule{"Tanh", 1, 1, "", plain_activation<kTanh>},
    Rule{"Softplus", 1, 1, "", plain_activation<kSoftplus>},
    Rule{".activation", 1, 1, "", activation},
};

}  // namespace

std::span<const Rule> activation_rules() { return kActivationsRules; }

}  // namespace undying::onnx
