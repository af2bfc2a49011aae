#include "onnx/normalise/formulas.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "onnx/normalise/patterns.h"

namespace undying::onnx {
namespace {

constexpr std::array kTemplates = {
    Template{"gelu", "x * (1 + erf(x / sqrt(2))) / 2"},
    Template{"gelu_tanh", "x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x^3))) / 2"},
    Template{"gelu_tanh", "x * (1 + tanh(0.7978845608028654 * x * (1 + 0.044715 * x^2))) / 2"},
    Template{"silu", "x * sigmoid(x)"},
    Template{"silu", "x / (1 + exp(-x))"},
    Template{"mish", "x * tanh(softplus(x))"},
    Template{"mish", "x * tanh(log(1 + exp(x)))"},
    Template{"hardswish", "x * clip(x / 6 + 0.5, 0, 1)"},
    Template{"hardswish", "x * clip(x + 3, 0, 6) / 6"},
    Template{"sigmoid", "1 / (1 + exp(-x))"},
    Template{"relu", "clip(x, 0, inf)"},
    Template{"relu", "(x + abs(x)) / 2"},
    Template{"relu6", "clip(x, 0, 6)"},
    Template{.name = "hardsigmoid", .formula = "clip(x + 3, 0, 6) / 6", .p = 1.0 / 6.0, .q = 0.5},
    Template{.name = "hardsigmoid", .formula = "clip(p * x + q, 0, 1)", .parameters = 2},
    Template{.name = "softplus", .formula = "softplus(p * x) / p", .parameters = 1},
    Template{.name = "softplus", .formula = "log(1 + exp(p * x)) / p", .parameters = 1},
    Template{.name = "celu", .formula = "p * elu(x / p, 1)", .parameters = 1},
    Template{.name = "celu",
             .formula = "clip(x, 0, inf) + clip(p * (exp(x / p) - 1), -inf, 0)",
             .parameters = 1},
    Template{.name = "leaky_relu", .formula = "max(x, p * x)", .parameters = 1},
    Template{.name = "leaky_relu", .formula = "relu(x) - p * relu(-x)", .parameters = 1},
    Template{.name = "layer_norm",
             .formula = "(x - mean(x)) / sqrt(mean((x - mean(x))^2) + p)",
             .parameters = 1},
    Template{.name = "layer_norm",
             .formula = "(x - mean(x)) / sqrt(mean(x^2) - mean(x)^2 + p)",
             .parameters = 1},
    Template{"softmax", "exp(x - max_of(x)) / sum(exp(x - max_of(x)))"},
    Template{"softmax", "exp(x) / sum(exp(x))"},
    Template{"log_softmax", "x - max_of(x) - log(sum(exp(x - max_of(x))))"},
    Template{"log_softmax", "log(softmax(x))"},
};

bool is_usable(const Template& known, const Bindings& bindings) {
  if (known.name == "leaky_relu" && known.formula.starts_with("max"))
    return bindings.p >= 0.0 && bindings.p <= 1.0;
  if (known.name == "layer_norm") return bindings.p >= 0.0;
  return known.parameters == 0 || bindings.p != 0.0;
}

// The keys a template may have: parameters of 0 and 1 leave parts out.
using Keys = std::vector<std::string>;
Keys keys_of(const Template& known) {
  Keys keys;
  for (const double p : {0.0, 1.0, 2.0})
    for (const double q : {0.0, 2.0}) keys.push_back(parse_template(known.formula, {p, q})->key);
  return keys;
}

bool may_be(std::size_t index, const ExpressionPtr& expression) {
  static const std::vector<Keys> kKeys = [] {
    std::vector<Keys> all;
    for (const Template& known : kTemplates) all.push_back(keys_of(known));
    return all;
  }();
  return std::ranges::find(kKeys[index], expression->key) != kKeys[index].end();
}

// What a parameter may be: any number of the expression, its reciprocal or its opposite.
std::vector<double> candidates_of(const ExpressionPtr& expression) {
  std::vector<double> candidates = {1.0};
  for (const double number : numbers_of(expression))
    for (const double each : {number, 1.0 / number, -number})
      if (std::abs(each) < kInfinity && std::ranges::find(candidates, each) == candidates.end())
        candidates.push_back(each);
  return candidates;
}

}  // namespace

Match match(const ExpressionPtr& expression) {
  for (std::size_t i = 0; i < kTemplates.size(); ++i) {
    const Template& known = kTemplates[i];
    if (!may_be(i, expression)) continue;
    const std::vector<double> candidates = candidates_of(expression);
    const std::vector<double> fixed_p = {known.p};
    const std::vector<double> fixed_q = {known.q};
    for (const double p : known.parameters >= 1 ? candidates : fixed_p) {
      for (const double q : known.parameters >= 2 ? candidates : fixed_q) {
        const Bindings bindings{p, q};
        if (is_usable(known, bindings) &&
            equal(expression, parse_template(known.formula, bindings)))
          return {&known, bindings};
      }
    }
  }
  return {};
}

std::string specification(const Template& known, const Bindings& bindings) {
  const auto written = [](double value) { return as_written(static_cast<float>(value)); };
  if (known.name == "hardsigmoid")
    return fmt::format("{}:{},{}", known.name, written(bindings.p), written(bindings.q));
  return known.parameters == 0 ? std::string(known.name)
                               : fmt::format("{}:{}", known.name, written(bindings.p));
}

bool is_activation(const Template& known) {
  return known.name != "layer_norm" && known.name != "softmax" && known.name != "log_softmax";
}
}  // namespace undying::onnx
