// exp, log, sqrt, reciprocal, abs, sign, sin, cos, erf, floor, round (half to even): one function
// of each element; and pow, of a fixed exponent.

#include <cmath>
#include <numbers>
#include <type_traits>

#include "ops/rows.h"

namespace undying::ops {
namespace {

// Each: its value, and its slope at x where that is y. The slope where there is none is 0; a step
// has none anywhere.
struct Step {
  static float slope(float, float) { return 0.0f; }
};
struct Exp {
  static float value(float x) { return std::exp(x); }
  static float slope(float, float y) { return y; }
  static double exact(double x) { return std::exp(x); }
};
struct Log {
  static float value(float x) { return std::log(x); }
  static float slope(float x, float) { return 1.0f / x; }
  static double exact(double x) { return std::log(x); }
};
struct Sqrt {
  static float value(float x) { return std::sqrt(x); }
  static float slope(float, float y) { return 0.5f / y; }
  static double exact(double x) { return std::sqrt(x); }
};
struct Reciprocal {
  static float value(float x) { return 1.0f / x; }
  static float slope(float, float y) { return -y * y; }
  static double exact(double x) { return 1.0 / x; }
};
struct Abs {
  static float value(float x) { return std::fabs(x); }
  static float slope(float x, float) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f; }
  static double exact(double x) { return std::fabs(x); }
};
struct Sign : Step {
  static float value(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; }
  static double exact(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0; }
};
struct Sin {
  static float value(float x) { return std::sin(x); }
  static float slope(float x, float) { return std::cos(x); }
  static double exact(double x) { return std::sin(x); }
};
struct Cos {
  static float value(float x) { return std::cos(x); }
  static float slope(float x, float) { return -std::sin(x); }
  static double exact(double x) { return std::cos(x); }
};
struct Floor : Step {
  static float value(float x) { return std::floor(x); }
  static double exact(double x) { return std::floor(x); }
};
struct Round : Step {
  static float value(float x) { return std::nearbyint(x); }
  static double exact(double x) { return std::nearbyint(x); }
};
struct Erf {
  static float value(float x) { return std::erf(x); }
  static float slope(float x, float) {
    return 2.0f * std::numbers::inv_sqrtpi_v<float> * std::exp(-x * x);
  }
  static double exact(double x) { return std::erf(x); }
};

template <class Function>
class UnaryKernel final : public Kernel {
 public:
  explicit UnaryKernel(std::int64_t size) : size_(size) {
    needs_src = true;
    needs_dst = true;
    keeps_diff = true;
  }

  void forward(const Pass& pass, int) const override {
    for (std::int64_t i = 0; i < pass.rows * size_; ++i)
      pass.dst[i] = Function::value(pass.src[0][i]);
  }

  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] == nullptr) return;
    for (std::int64_t i = 0; i < pass.rows * size_; ++i)
      pass.diff_src[0][i] = pass.diff_dst[i] * Function::slope(pass.src[0][i], pass.dst[i]);
  }

 private:
  std::int64_t size_;
};

double exponent_of(const Node& node) { return node.attributes.get<double>("exponent"); }

class PowKernel final : public Kernel {
 public:
  PowKernel(float exponent, std::int64_t size) : exponent_(exponent), size_(size) {
    needs_src = true;
    keeps_diff = true;
  }

  void forward(const Pass& pass, int) const override {
    for (std::int64_t i = 0; i < pass.rows * size_; ++i) {
      const float x = pass.src[0][i];
      pass.dst[i] = exponent_ == 2.0f ? x * x : std::pow(x, exponent_);
    }
  }

  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] == nullptr) return;
    for (std::int64_t i = 0; i < pass.rows * size_; ++i) {
      const float x = pass.src[0][i];
      const float slope = exponent_ == 0.0f   ? 0.0f
                          : exponent_ == 2.0f ? 2.0f * x
                                              : exponent_ * std::pow(x, exponent_ - 1.0f);
      pass.diff_src[0][i] = pass.diff_dst[i] * slope;
    }
  }

 private:
  float exponent_;
  std::int64_t size_;
};

Shape same(const Node&, std::span<const Value> src) { return src[0].shape; }

template <class Function>
std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<UnaryKernel<Function>>(element_count(request.dst.shape));
}

template <class Function>
std::vector<double> reference(const Operator::ReferenceArgs& args) {
  std::vector<double> dst(args.src[0]);
  for (double& x : dst) x = Function::exact(x);
  return dst;
}

template <class Function>
Operator row(std::string_view name) {
  return {.name = name,
          .layout = LayoutRule::kAny,
          .infer = same,
          .parameters = no_parameters,
          .plan = plan<Function>,
          .reference = reference<Function>,
          .traits = {.kind = Kind::kElement, .passes_gradient = [](const Node&, std::size_t) {
                       return !std::is_base_of_v<Step, Function>;
                     }}};
}

Shape infer_pow(const Node& node, std::span<const Value> src) {
  exponent_of(node);
  return src[0].shape;
}

std::unique_ptr<Kernel> plan_pow(const PlanRequest& request) {
  return std::make_unique<PowKernel>(static_cast<float>(exponent_of(request.node)),
                                     element_count(request.dst.shape));
}

std::vector<double> reference_pow(const Operator::ReferenceArgs& args) {
  std::vector<double> dst(args.src[0]);
  for (double& x : dst) x = std::pow(x, exponent_of(args.node));
  return dst;
}

}  // namespace

Operator exp_operator() { return row<Exp>("exp"); }
Operator log_operator() { return row<Log>("log"); }
Operator sqrt_operator() { return row<Sqrt>("sqrt"); }
Operator reciprocal_operator() { return row<Reciprocal>("reciprocal"); }
Operator abs_operator() { return row<Abs>("abs"); }
Operator sign_operator() { return row<Sign>("sign"); }
Operator sin_operator() { return row<Sin>("sin"); }
Operator cos_operator() { return row<Cos>("cos"); }
Operator erf_operator() { return row<Erf>("erf"); }
Operator floor_operator() { return row<Floor>("floor"); }
Operator round_operator() { return row<Round>("round"); }
Operator pow_operator() {
  return {.name = "pow",
          .layout = LayoutRule::kAny,
          .infer = infer_pow,
          .parameters = no_parameters,
          .plan = plan_pow,
          .reference = reference_pow,
          .traits = {.kind = Kind::kElement, .passes_gradient = [](const Node& node, std::size_t) {
                       return exponent_of(node) != 0.0;
                     }}};
}

}  // namespace undying::ops
