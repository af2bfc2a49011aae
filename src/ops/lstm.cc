// lstm: a long short-term memory over the positions of (positions, inputs), to (positions, directions hidden) (Hochreiter and Schmidhuber
// 1997, with ONNX's order of gates: input, output, forget, cell). States start at 0. `reverse` runs from the last position to the first;
// two directions are one of each, side by side.
//
//   i, o, f = sigmoid(W x + R h + b), c~ = tanh(W x + R h + b), c = f c' + i c~, h = o tanh(c)

#include <algorithm>
#include <cmath>

#include "onednn/gemm.h"
#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

using onednn::gemm;
using onednn::Transpose;

struct Sizes {
  std::int64_t positions, inputs, hidden, directions;
  bool reverse;

  std::int64_t gates() const { return 4 * hidden; }
  std::int64_t outputs() const { return directions * hidden; }
};

Sizes sizes_of(const Node& node, const Shape& shape) {
  if (shape.size() != 2) reject(node, "src " + to_string(shape) + " is not (positions, inputs)");
  const Sizes sizes{shape[0], shape[1], node.attributes.get<std::int64_t>("hidden"), node.attributes.get_or<std::int64_t>("directions", 1),
                    node.attributes.get_or<std::int64_t>("reverse", 0) != 0};
  if (sizes.hidden < 1 || (sizes.directions != 1 && sizes.directions != 2))
    reject(node, "has " + std::to_string(sizes.hidden) + " hidden units in " + std::to_string(sizes.directions) +
                     " directions; expected at least one in 1 or 2");
  return sizes;
}

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

class LstmKernel final : public Kernel {
 public:
  explicit LstmKernel(const Sizes& sizes) : s_(sizes) {
    needs_src = true;
    needs_dst = true;
    keeps_diff = true;
    saved = s_.directions * s_.positions * (s_.gates() + s_.hidden);
    scratch = 0;
    workspace = saved + s_.positions * s_.gates() + s_.positions * s_.hidden + 2 * s_.hidden;
  }

  void forward(const Pass& pass, int) const override {
    for (std::int64_t n = 0; n < pass.rows; ++n)
      for (std::int64_t d = 0; d < s_.directions; ++d) run(pass, n, d);
  }

  void backward(const Pass& pass, int) const override {
    for (std::size_t p = 0; p < 3; ++p) std::fill_n(pass.diff_parameters[p], s_.directions * count_of(p), 0.0f);
    if (pass.diff_src[0] != nullptr) std::fill_n(pass.diff_src[0], pass.rows * s_.positions * s_.inputs, 0.0f);
    for (std::int64_t n = 0; n < pass.rows; ++n)
      for (std::int64_t d = 0; d < s_.directions; ++d) run_back(pass, n, d);
  }

 private:
  std::int64_t count_of(std::size_t parameter) const { return s_.gates() * (parameter == 0 ? s_.inputs : parameter == 1 ? s_.hidden : 2); }
  const float* parameter(const Pass& pass, std::size_t p, std::int64_t d) const { return pass.parameters[p] + d * count_of(p); }
  bool backwards(std::int64_t d) const { return s_.reverse || d == 1; }
  std::int64_t at(std::int64_t d, std::int64_t step) const { return backwards(d) ? s_.positions - 1 - step : step; }

  // The gates of all positions, then the cells: kept for the backward pass.
  float* states(const Pass& pass, std::int64_t n, std::int64_t d) const {
    float* base = pass.saved != nullptr ? pass.saved + n * saved : pass.scratch;
    return base + d * s_.positions * (s_.gates() + s_.hidden);
  }

  void run(const Pass& pass, std::int64_t n, std::int64_t d) const {
    const std::int64_t g = s_.gates();
    const float* bias = parameter(pass, 2, d);
    float* gates = states(pass, n, d);
    float* cells = gates + s_.positions * g;
    for (std::int64_t t = 0; t < s_.positions; ++t)
      for (std::int64_t k = 0; k < g; ++k) gates[t * g + k] = bias[k] + bias[g + k];
    gemm(Transpose::kNo, Transpose::kYes, s_.positions, g, s_.inputs, pass.src[0] + n * s_.positions * s_.inputs, s_.inputs,
         parameter(pass, 0, d), s_.inputs, 1.0f, gates, g);
    float* dst = pass.dst + n * s_.positions * s_.outputs() + d * s_.hidden;
    for (std::int64_t step = 0; step < s_.positions; ++step) {
      const std::int64_t t = at(d, step);
      float* z = gates + t * g;
      if (step > 0)
        gemm(Transpose::kNo, Transpose::kYes, 1, g, s_.hidden, dst + at(d, step - 1) * s_.outputs(), s_.hidden, parameter(pass, 1, d),
             s_.hidden, 1.0f, z, g);
      advance(z, step > 0 ? cells + at(d, step - 1) * s_.hidden : nullptr, cells + t * s_.hidden, dst + t * s_.outputs());
    }
  }

  void advance(float* z, const float* before, float* cell, float* dst) const {
    const std::int64_t h = s_.hidden;
    for (std::int64_t k = 0; k < h; ++k) {
      for (std::int64_t gate = 0; gate < 3; ++gate) z[gate * h + k] = sigmoid(z[gate * h + k]);
      z[3 * h + k] = std::tanh(z[3 * h + k]);
      cell[k] = z[k] * z[3 * h + k] + (before != nullptr ? z[2 * h + k] * before[k] : 0.0f);
      dst[k] = z[h + k] * std::tanh(cell[k]);
    }
  }

  void run_back(const Pass& pass, std::int64_t n, std::int64_t d) const {
    const std::int64_t g = s_.gates();
    const std::int64_t h = s_.hidden;
    const float* gates = states(pass, n, d);
    const float* cells = gates + s_.positions * g;
    const float* dst = pass.dst + n * s_.positions * s_.outputs() + d * h;
    const float* diff_dst = pass.diff_dst + n * s_.positions * s_.outputs() + d * h;
    float* diff_gates = pass.scratch + saved;
    float* states_before = diff_gates + s_.positions * g;  // of h
    float* diff_h = states_before + s_.positions * h;
    float* diff_c = diff_h + h;
    std::fill_n(diff_h, 2 * h, 0.0f);
    for (std::int64_t step = s_.positions; step-- > 0;) {
      const std::int64_t t = at(d, step);
      for (std::int64_t k = 0; k < h; ++k) {
        diff_h[k] += diff_dst[t * s_.outputs() + k];
        states_before[t * h + k] = step > 0 ? dst[at(d, step - 1) * s_.outputs() + k] : 0.0f;
      }
      retreat(gates + t * g, step > 0 ? cells + at(d, step - 1) * h : nullptr, cells + t * h, diff_h, diff_c, diff_gates + t * g);
      gemm(Transpose::kNo, Transpose::kNo, 1, h, g, diff_gates + t * g, g, parameter(pass, 1, d), h, 0.0f, diff_h, h);
    }
    gather(pass, n, d, diff_gates, states_before);
  }

  // diff_c comes from the step behind and goes to the one before.
  void retreat(const float* z, const float* before, const float* cell, const float* diff_h, float* diff_c, float* diff_z) const {
    const std::int64_t h = s_.hidden;
    for (std::int64_t k = 0; k < h; ++k) {
      const float i = z[k], o = z[h + k], f = z[2 * h + k], candidate = z[3 * h + k];
      const float c = std::tanh(cell[k]);
      diff_c[k] += diff_h[k] * o * (1.0f - c * c);
      diff_z[k] = diff_c[k] * candidate * i * (1.0f - i);
      diff_z[h + k] = diff_h[k] * c * o * (1.0f - o);
      diff_z[2 * h + k] = before != nullptr ? diff_c[k] * before[k] * f * (1.0f - f) : 0.0f;
      diff_z[3 * h + k] = diff_c[k] * i * (1.0f - candidate * candidate);
      diff_c[k] *= f;
    }
  }

  void gather(const Pass& pass, std::int64_t n, std::int64_t d, const float* diff_gates, const float* states_before) const {
    const std::int64_t g = s_.gates();
    const float* src = pass.src[0] + n * s_.positions * s_.inputs;
    gemm(Transpose::kYes, Transpose::kNo, g, s_.inputs, s_.positions, diff_gates, g, src, s_.inputs, 1.0f,
         pass.diff_parameters[0] + d * count_of(0), s_.inputs);
    gemm(Transpose::kYes, Transpose::kNo, g, s_.hidden, s_.positions, diff_gates, g, states_before, s_.hidden, 1.0f,
         pass.diff_parameters[1] + d * count_of(1), s_.hidden);
    float* diff_bias = pass.diff_parameters[2] + d * count_of(2);
    for (std::int64_t t = 0; t < s_.positions; ++t)
      for (std::int64_t k = 0; k < 2 * g; ++k) diff_bias[k] += diff_gates[t * g + k % g];
    if (pass.diff_src[0] != nullptr)
      gemm(Transpose::kNo, Transpose::kNo, s_.positions, s_.inputs, g, diff_gates, g, parameter(pass, 0, d), s_.inputs, 1.0f,
           pass.diff_src[0] + n * s_.positions * s_.inputs, s_.inputs);
  }

  Sizes s_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  const Sizes sizes = sizes_of(node, src[0].shape);
  return {sizes.positions, sizes.outputs()};
}

std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value> src) {
  const Sizes s = sizes_of(node, src[0].shape);
  return {{node.name + ".weight", {s.directions, s.gates(), s.inputs}},
          {node.name + ".recurrent_weight", {s.directions, s.gates(), s.hidden}},
          {node.name + ".bias", {s.directions, 2 * s.gates()}, ParameterSpec::Role::kBias}};
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<LstmKernel>(sizes_of(request.node, request.src[0].shape));
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Sizes s = sizes_of(args.node, args.values[0].shape);
  std::vector<double> dst(static_cast<std::size_t>(args.rows * s.positions * s.outputs()));
  for (std::int64_t run = 0; run < args.rows * s.directions; ++run) {
    const std::int64_t n = run / s.directions;
    const std::int64_t d = run % s.directions;
    std::vector<double> h(static_cast<std::size_t>(s.hidden), 0.0);
    std::vector<double> c(h);
    for (std::int64_t step = 0; step < s.positions; ++step) {
      const std::int64_t t = s.reverse || d == 1 ? s.positions - 1 - step : step;
      const auto gate = [&](std::int64_t which, std::int64_t k) {
        const std::int64_t row = d * s.gates() + which * s.hidden + k;
        const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
        double sum = args.parameters[2][at(2 * d * s.gates() + which * s.hidden + k)] +
                     args.parameters[2][at((2 * d + 1) * s.gates() + which * s.hidden + k)];
        for (std::int64_t i = 0; i < s.inputs; ++i)
          sum += args.parameters[0][at(row * s.inputs + i)] * args.src[0][at((n * s.positions + t) * s.inputs + i)];
        for (std::int64_t i = 0; i < s.hidden; ++i) sum += args.parameters[1][at(row * s.hidden + i)] * h[at(i)];
        return which == 3 ? std::tanh(sum) : 1.0 / (1.0 + std::exp(-sum));
      };
      std::vector<double> next(h);
      for (std::int64_t k = 0; k < s.hidden; ++k) {
        const auto unit = static_cast<std::size_t>(k);
        c[unit] = gate(2, k) * c[unit] + gate(0, k) * gate(3, k);
        next[unit] = gate(1, k) * std::tanh(c[unit]);
        dst[static_cast<std::size_t>((n * s.positions + t) * s.outputs() + d * s.hidden + k)] = next[unit];
      }
      h = next;
    }
  }
  return dst;
}

}  // namespace

Operator lstm_operator() { return {"lstm", "LSTM", LayoutRule::kPlain, 1, infer, parameters, plan, false, reference}; }

}  // namespace undying::ops
