// The reader of templates: a recursive descent over
//
//   sum      = product { ("+" | "-") product }
//   product  = power { ("*" | "/") power }
//   power    = ["-"] atom [ "^" number ]
//   atom     = number | "inf" | "x" | "p" | "q" | "(" sum ")" | name "(" sum { "," sum } ")"

#include <cctype>
#include <charconv>
#include <limits>

#include "onnx/normalise/expression.h"
#include "undying/error.h"

namespace undying::onnx {
namespace {

class Reader {
 public:
  Reader(std::string_view text, const Bindings& bindings)
      : all_(text), rest_(text), bindings_(bindings) {}

  ExpressionPtr read() {
    ExpressionPtr result = sum();
    skip();
    if (!rest_.empty()) fail();
    return result;
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::kInternal, "template",
                std::string(all_) + " cannot be read at \"" + std::string(rest_) + "\"");
  }

  void skip() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
  }

  bool take(char wanted) {
    skip();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  ExpressionPtr sum() {
    ExpressionPtr result = product();
    for (;;) {
      if (take('+'))
        result = add(result, product());
      else if (take('-'))
        result = add(result, scale(product(), -1.0));
      else
        return result;
    }
  }

  ExpressionPtr product() {
    ExpressionPtr result = powered();
    for (;;) {
      if (take('*'))
        result = multiply(result, powered());
      else if (take('/'))
        result = multiply(result, power(powered(), -1.0));
      else
        return result;
    }
  }

  ExpressionPtr powered() {
    if (take('-')) return scale(powered(), -1.0);
    ExpressionPtr result = atom();
    if (take('^')) result = power(result, number());
    return result;
  }

  double number() {
    skip();
    double value = 0.0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) fail();
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  ExpressionPtr atom() {
    skip();
    if (rest_.empty()) fail();
    if (take('(')) {
      ExpressionPtr result = sum();
      if (!take(')')) fail();
      return result;
    }
    if (std::isalpha(static_cast<unsigned char>(rest_.front())) == 0) return make_number(number());
    std::size_t length = 0;
    while (length < rest_.size() &&
           (std::isalpha(static_cast<unsigned char>(rest_[length])) != 0 || rest_[length] == '_'))
      ++length;
    const std::string name(rest_.substr(0, length));
    rest_.remove_prefix(length);
    if (name == "x") return make_variable();
    if (name == "p") return make_number(bindings_.p);
    if (name == "q") return make_number(bindings_.q);
    if (name == "inf") return make_number(std::numeric_limits<double>::infinity());
    return called(name);
  }

  ExpressionPtr called(const std::string& name) {
    if (!take('(')) fail();
    std::vector<ExpressionPtr> arguments = {sum()};
    while (take(',')) arguments.push_back(sum());
    if (!take(')')) fail();
    if (name == "sqrt") return power(arguments[0], 0.5);
    if (name == "clip") return clip(arguments[0], arguments[1]->number, arguments[2]->number);
    if (name == "relu") return clip(arguments[0], 0.0, std::numeric_limits<double>::infinity());
    return call(name, std::move(arguments));
  }

  std::string_view all_;
  std::string_view rest_;
  const Bindings& bindings_;
};

}  // namespace

ExpressionPtr parse_template(std::string_view text, const Bindings& bindings) {
  return Reader(text, bindings).read();
}

}  // namespace undying::onnx
