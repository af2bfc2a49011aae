#include "onnx/normalise/expression.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace undying::onnx {
namespace {

using Kind = Expression::Kind;
using Parts = std::vector<std::pair<ExpressionPtr, double>>;

ExpressionPtr make(Expression expression) {
  std::string& key = expression.key;
  switch (expression.kind) {
    case Kind::kNumber:
      key = "#";
      break;
    case Kind::kVariable:
      key = "x";
      break;
    case Kind::kSum:
      key = "+(";
      break;
    case Kind::kProduct:
      key = "*(";
      break;
    case Kind::kCall:
      key = expression.function + "(";
      break;
  }
  for (const auto& [part, number] : expression.parts) {
    key += part->key;
    if (expression.kind == Kind::kProduct) key += "^" + std::to_string(number);
    key += ",";
  }
  return std::make_shared<Expression>(std::move(expression));
}

bool close(double a, double b) {
  if (a == b) return true;
  return std::isfinite(a) && std::isfinite(b) &&
         std::abs(a - b) <= 1e-5 * std::max(std::abs(a), std::abs(b));
}

// Parts in one order, with the numbers of equal ones added up, and those that vanish left out.
Parts gathered(Parts parts) {
  std::ranges::stable_sort(parts, {}, [](const auto& part) { return part.first->key; });
  Parts result;
  for (auto& part : parts) {
    const auto same = std::ranges::find_if(
        result, [&](const auto& other) { return equal(other.first, part.first); });
    if (same == result.end())
      result.push_back(std::move(part));
    else
      same->second += part.second;
  }
  std::erase_if(result, [](const auto& part) { return part.second == 0.0; });
  return result;
}

ExpressionPtr make_sum(double number, Parts parts) {
  parts = gathered(std::move(parts));
  if (parts.empty()) return make_number(number);
  if (number == 0.0 && parts.size() == 1) return scale(parts[0].first, parts[0].second);
  return make({.kind = Kind::kSum, .number = number, .parts = std::move(parts)});
}

// Draws the coefficient of its first term out of a sum.
double draw_out(ExpressionPtr& factor) {
  if (factor->kind != Kind::kSum) return 1.0;
  const double leading = factor->parts.front().second;
  factor = scale(factor, 1.0 / leading);
  return leading;
}

ExpressionPtr make_product(double number, Parts parts) {
  parts = gathered(std::move(parts));
  if (number == 0.0) return make_number(0.0);
  if (parts.empty()) return make_number(number);
  if (parts.size() == 1 && parts[0].second == 1.0) {
    if (parts[0].first->kind == Kind::kSum) return scale(parts[0].first, number);
    if (number == 1.0) return parts[0].first;
  }
  return make({.kind = Kind::kProduct, .number = number, .parts = std::move(parts)});
}

// A factor as the number and the factors of a product.
double factors_of(const ExpressionPtr& a, double exponent, Parts& parts) {
  if (a->kind == Kind::kNumber) return std::pow(a->number, exponent);
  if (a->kind != Kind::kProduct) {
    ExpressionPtr factor = a;
    const double leading = draw_out(factor);
    // No real power: the sum stays as it is.
    const bool keeps = leading < 0.0 && exponent != std::round(exponent);
    parts.emplace_back(keeps ? a : factor, exponent);
    return keeps ? 1.0 : std::pow(leading, exponent);
  }
  for (const auto& [part, own] : a->parts) parts.emplace_back(part, own * exponent);
  return std::pow(a->number, exponent);
}

}  // namespace

ExpressionPtr make_number(double value) { return make({.kind = Kind::kNumber, .number = value}); }
ExpressionPtr make_variable() { return make({.kind = Kind::kVariable}); }

ExpressionPtr scale(const ExpressionPtr& a, double factor) {
  if (a->kind == Kind::kNumber) return make_number(a->number * factor);
  if (a->kind == Kind::kSum) {
    Parts parts = a->parts;
    for (auto& part : parts) part.second *= factor;
    return make_sum(a->number * factor, std::move(parts));
  }
  if (a->kind == Kind::kProduct) return make_product(a->number * factor, a->parts);
  return make_product(factor, {{a, 1.0}});
}

ExpressionPtr add(const ExpressionPtr& a, const ExpressionPtr& b) {
  double number = 0.0;
  Parts parts;
  for (const ExpressionPtr& term : {a, b}) {
    if (term->kind == Kind::kNumber || term->kind == Kind::kSum) number += term->number;
    if (term->kind == Kind::kSum) parts.insert(parts.end(), term->parts.begin(), term->parts.end());
    if (term->kind == Kind::kProduct)
      parts.emplace_back(scale(term, 1.0 / term->number), term->number);
    if (term->kind == Kind::kVariable || term->kind == Kind::kCall) parts.emplace_back(term, 1.0);
  }
  return make_sum(number, std::move(parts));
}

ExpressionPtr multiply(const ExpressionPtr& a, const ExpressionPtr& b) {
  if (a->kind == Kind::kNumber) return scale(b, a->number);
  if (b->kind == Kind::kNumber) return scale(a, b->number);
  Parts parts;
  const double left = factors_of(a, 1.0, parts);
  const double right = factors_of(b, 1.0, parts);
  return make_product(left * right, std::move(parts));
}

ExpressionPtr power(const ExpressionPtr& a, double exponent) {
  if (exponent == 1.0) return a;
  if (exponent == 0.0) return make_number(1.0);
  Parts parts;
  const double number = factors_of(a, exponent, parts);
  return make_product(number, std::move(parts));
}

ExpressionPtr call(std::string function, std::vector<ExpressionPtr> arguments) {
  Parts parts;
  for (ExpressionPtr& argument : arguments) parts.emplace_back(std::move(argument), 1.0);
  if (function == "max" || function == "min")
    std::ranges::stable_sort(parts, {}, [](const auto& part) { return part.first->key; });
  return make({.kind = Kind::kCall, .function = std::move(function), .parts = std::move(parts)});
}

ExpressionPtr clip(const ExpressionPtr& a, double lowest, double highest) {
  if (a->kind == Kind::kCall && a->function == "clip") {
    const double inner_lowest = a->parts[1].first->number;
    const double inner_highest = a->parts[2].first->number;
    if (lowest <= inner_highest && inner_lowest <= highest)
      return clip(a->parts[0].first, std::max(lowest, inner_lowest),
                  std::min(highest, inner_highest));
  }
  return call("clip", {a, make_number(lowest), make_number(highest)});
}

bool equal(const ExpressionPtr& a, const ExpressionPtr& b) {
  if (a == b) return true;
  if (a->kind != b->kind || a->function != b->function || a->parts.size() != b->parts.size() ||
      !close(a->number, b->number))
    return false;
  for (std::size_t i = 0; i < a->parts.size(); ++i)
    if (!close(a->parts[i].second, b->parts[i].second) ||
        !equal(a->parts[i].first, b->parts[i].first))
      return false;
  return true;
}

std::vector<double> numbers_of(const ExpressionPtr& expression) {
  std::vector<double> numbers = {expression->number};
  for (const auto& [part, number] : expression->parts) {
    numbers.push_back(number);
    for (const double each : numbers_of(part)) numbers.push_back(each);
  }
  return numbers;
}

}  // namespace undying::onnx
