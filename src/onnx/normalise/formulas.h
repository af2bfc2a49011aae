#ifndef UNDYING_ONNX_NORMALISE_FORMULAS_H_
#define UNDYING_ONNX_NORMALISE_FORMULAS_H_

#include <limits>
#include <string>
#include <string_view>

#include "onnx/normalise/expression.h"

// The formulas that are recognised, in the ways exporters write them.
namespace undying::onnx {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Template {
  std::string_view name;  // an activation, or one of "layer_norm", "softmax", "log_softmax"
  std::string_view formula;
  double p = 0.0;  // where fixed; 0: any number of the expression
  double q = 0.0;
  int parameters = 0;  // how many of p and q are open
};

struct Match {
  const Template* found = nullptr;
  Bindings bindings;
};

// The first of them that an expression of x equals; none: found is null.
Match match(const ExpressionPtr& expression);

// The activation it is, with its parameters: "leaky_relu:0.1".
std::string specification(const Template& known, const Bindings& bindings);
bool is_activation(const Template& known);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_NORMALISE_FORMULAS_H_
