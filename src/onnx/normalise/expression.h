#ifndef UNDYING_ONNX_NORMALISE_EXPRESSION_H_
#define UNDYING_ONNX_NORMALISE_EXPRESSION_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace undying::onnx {

// Formulas in one variable x, in a normal form: two that exporters write in different orders (x *
// 0.5 * (1 + erf(x / sqrt2)), and 0.5 * x + ... ) become the same tree, so that a composite is
// recognised by comparing it with a template.
//
//   number   c
//   x
//   sum      c + a1 t1 + a2 t2 ...   terms are no sums and no numbers, like terms are added up
//   product  c * f1^e1 * f2^e2 ...   factors are no products and no numbers, like factors are
//                                    gathered; of a sum among several factors the coefficient of
//                                    its first term is drawn out into c
//   call     function(argument, ...) functions of one value, and those that reduce dimensions, all
//                                    of one formula the same ones
struct Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;

struct Expression {
  enum class Kind { kNumber, kVariable, kSum, kProduct, kCall } kind = Kind::kNumber;
  double number = 0.0;   // the number, c of a sum or product
  std::string function;  // of a call
  std::vector<std::pair<ExpressionPtr, double>>
      parts;        // terms with coefficients, factors with exponents, arguments with 1
  std::string key;  // the tree without its numbers, by which parts are ordered
};

ExpressionPtr make_number(double value);
ExpressionPtr make_variable();
ExpressionPtr add(const ExpressionPtr& a, const ExpressionPtr& b);
ExpressionPtr scale(const ExpressionPtr& a, double factor);
ExpressionPtr multiply(const ExpressionPtr& a, const ExpressionPtr& b);
ExpressionPtr power(const ExpressionPtr& a, double exponent);
ExpressionPtr call(std::string function, std::vector<ExpressionPtr> arguments);

// clip(x, lowest, highest), which max and min with a number become; clips of clips are one.
ExpressionPtr clip(const ExpressionPtr& a, double lowest, double highest);

// The same tree, numbers equal within a relative 1e-5: exporters write constants as float32.
bool equal(const ExpressionPtr& a, const ExpressionPtr& b);

// All numbers of a tree: what a parameter of a template may be.
std::vector<double> numbers_of(const ExpressionPtr& expression);

// Reads a template: numbers, x, p and q (the parameters), + - * / ^, calls: "x * 0.5 * (1 + erf(x /
// sqrt(2)))". Throws Error{kInternal}: templates are ours.
struct Bindings {
  double p = 0.0;
  double q = 0.0;
};
ExpressionPtr parse_template(std::string_view text, const Bindings& bindings);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_NORMALISE_EXPRESSION_H_
