// rnn, lstm, gru: recurrent layers over the positions of (positions, inputs), to (positions,
// directions hidden), with ONNX's formulas and orders of gates (Elman 1990; Hochreiter and
// Schmidhuber 1997; Cho et al. 2014). Further inputs, where there are some, are the first states,
// (directions, hidden): h, and of an lstm c; else these are 0. `reverse` runs from the last
// position to the first; two directions are one of each, side by side. With W x the weights'
// product with the input, R h the recurrent weights' with the state, and both biases in b:
//
//   rnn:  h = tanh(W x + R h' + b), or relu
//   lstm: i, o, f = sigmoid(W x + R h' + b), g = tanh(W x + R h' + b),
//         c = f c' + i g, h = o tanh(c)
//   gru:  z, r = sigmoid(W x + R h' + b), g = tanh(W x + R (r h') + b), h = (1 - z) g + z h';
//         with `reset_after`, as PyTorch has it, g = tanh(W x + b + r (R h' + b_R))
//
// With `cells` an lstm gives the last c of each direction as one more row: (positions + 1,
// directions hidden).

#include <algorithm>
#include <cmath>

#include "onednn/gemm.h"
#include "ops/linear/recurrent_sizes.h"
#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

using onednn::gemm;
using onednn::Transpose;

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

class RecurrentKernel final : public Kernel {
 public:
  RecurrentKernel(const Sizes& sizes, bool given) : s_(sizes), given_(given) {
    needs_src = true;
    needs_dst = true;
    keeps_diff = true;
    saved = s_.directions * kept();
    // Evaluation: what else is saved. Backward: gradients of gates by W x and by R h, states before
    // each position, two running gradients.
    workspace = std::max(saved, s_.positions * (2 * s_.width() + s_.hidden) + 4 * s_.hidden);
  }

  void forward(const Pass& pass, int) const override {
    for (std::int64_t n = 0; n < pass.rows; ++n)
      for (std::int64_t d = 0; d < s_.directions; ++d) run(pass, n, d);
  }

  void backward(const Pass& pass, int) const override {
    for (std::size_t p = 0; p < 3; ++p)
      std::fill_n(pass.diff_parameters[p], s_.directions * count_of(p), 0.0f);
    if (pass.diff_src[0] != nullptr)
      std::fill_n(pass.diff_src[0], pass.rows * s_.positions * s_.inputs, 0.0f);
    for (std::int64_t n = 0; n < pass.rows; ++n)
      for (std::int64_t d = 0; d < s_.directions; ++d) run_back(pass, n, d);
  }

 private:
  // Where one direction of one example finds its tensors.
  struct Place {
    const float* weight;
    const float* recurrent;
    const float* bias;  // of W x, then of R h
    float* gates;       // of all positions
    float* extra;       // lstm: c; gru: r h', or R h' + b_R
    std::int64_t n, d;
  };

  std::int64_t kept() const {
    return s_.positions * (s_.width() + (s_.kind == Cell::kRnn ? 0 : s_.hidden));
  }
  std::int64_t count_of(std::size_t p) const {
    return s_.width() * (p == 0 ? s_.inputs : p == 1 ? s_.hidden : 2);
  }

  Place place(const Pass& pass, std::int64_t n, std::int64_t d) const {
    float* gates = (pass.saved != nullptr ? pass.saved + n * saved : pass.scratch) + d * kept();
    return {.weight = pass.parameters[0] + d * count_of(0),
            .recurrent = pass.parameters[1] + d * count_of(1),
            .bias = pass.parameters[2] + d * count_of(2),
            .gates = gates,
            .extra = gates + s_.positions * s_.width(),
            .n = n,
            .d = d};
  }

  float* row(float* values, const Place& p, std::int64_t step) const {
    return values + (p.n * s_.rows() + s_.at(p.d, step)) * s_.outputs() + p.d * s_.hidden;
  }
  // Of the last c of a direction.
  float* cell_row(float* values, const Place& p) const {
    return values + (p.n * s_.rows() + s_.positions) * s_.outputs() + p.d * s_.hidden;
  }
  const float* first_state(const Pass& pass, const Place& p, std::size_t which) const {
    return given_ ? pass.src[which] + (p.n * s_.directions + p.d) * s_.hidden : nullptr;
  }
  const float* h_before(const Pass& pass, const Place& p, std::int64_t step) const {
    return step > 0 ? row(pass.dst, p, step - 1) : first_state(pass, p, 1);
  }
  const float* c_before(const Pass& pass, const Place& p, std::int64_t step) const {
    return step > 0 ? p.extra + s_.at(p.d, step - 1) * s_.hidden : first_state(pass, p, 2);
  }
  // Gates whose pre-activation is the sum of both products as it is.
  std::int64_t summed() const { return s_.kind == Cell::kGru ? 2 * s_.hidden : s_.width(); }

  void run(const Pass& pass, std::int64_t n, std::int64_t d) const {
    const Place p = place(pass, n, d);
    const std::int64_t w = s_.width();
    for (std::int64_t t = 0; t < s_.positions; ++t)
      for (std::int64_t k = 0; k < w; ++k)
        p.gates[t * w + k] = p.bias[k] + (s_.reset_after && k >= summed() ? 0.0f : p.bias[w + k]);
    gemm(Transpose::kNo, Transpose::kYes, s_.positions, w, s_.inputs,
         pass.src[0] + n * s_.positions * s_.inputs, s_.inputs, p.weight, s_.inputs, 1.0f, p.gates,
         w);
    for (std::int64_t step = 0; step < s_.positions; ++step) {
      const std::int64_t t = s_.at(d, step);
      const float* before = h_before(pass, p, step);
      float* z = p.gates + t * w;
      float* extra = p.extra + t * s_.hidden;
      float* h = row(pass.dst, p, step);
      if (before != nullptr) add_product(before, p.recurrent, summed(), z);
      if (s_.kind == Cell::kRnn)
        for (std::int64_t k = 0; k < s_.hidden; ++k)
          h[k] = z[k] = s_.relu ? std::max(z[k], 0.0f) : std::tanh(z[k]);
      if (s_.kind == Cell::kLstm) advance_lstm(z, c_before(pass, p, step), extra, h);
      if (s_.kind == Cell::kGru) advance_gru(p, z, before, extra, h);
    }
    if (s_.cells) std::copy_n(c_before(pass, p, s_.positions), s_.hidden, cell_row(pass.dst, p));
  }

  // to (rows) += matrix (rows, hidden) h.
  void add_product(const float* h, const float* matrix, std::int64_t rows, float* to) const {
    gemm(Transpose::kNo, Transpose::kYes, 1, rows, s_.hidden, h, s_.hidden, matrix, s_.hidden, 1.0f,
         to, rows);
  }

  void advance_lstm(float* z, const float* before, float* cell, float* dst) const {
    const std::int64_t h = s_.hidden;
    for (std::int64_t k = 0; k < h; ++k) {
      for (std::int64_t gate = 0; gate < 3; ++gate) z[gate * h + k] = sigmoid(z[gate * h + k]);
      z[3 * h + k] = std::tanh(z[3 * h + k]);
      cell[k] = z[k] * z[3 * h + k] + (before != nullptr ? z[2 * h + k] * before[k] : 0.0f);
      dst[k] = z[h + k] * std::tanh(cell[k]);
    }
  }

  void advance_gru(const Place& p, float* z, const float* before, float* extra, float* dst) const {
    const std::int64_t h = s_.hidden;
    for (std::int64_t k = 0; k < 2 * h; ++k) z[k] = sigmoid(z[k]);
    float* g = z + 2 * h;
    const float* matrix = p.recurrent + 2 * h * h;
    for (std::int64_t k = 0; k < h; ++k)
      extra[k] = s_.reset_after      ? p.bias[s_.width() + 2 * h + k]
                 : before != nullptr ? z[h + k] * before[k]
                                     : 0.0f;
    if (s_.reset_after && before != nullptr) add_product(before, matrix, h, extra);
    if (!s_.reset_after && before != nullptr) add_product(extra, matrix, h, g);
    for (std::int64_t k = 0; k < h; ++k) {
      g[k] = std::tanh(g[k] + (s_.reset_after ? z[h + k] * extra[k] : 0.0f));
      dst[k] = (1.0f - z[k]) * g[k] + (before != nullptr ? z[k] * before[k] : 0.0f);
    }
  }

  void run_back(const Pass& pass, std::int64_t n, std::int64_t d) const {
    const Place p = place(pass, n, d);
    const std::int64_t w = s_.width();
    const std::int64_t h = s_.hidden;
    float* diff_gates = pass.scratch;                       // by W x
    float* diff_recurrent = diff_gates + s_.positions * w;  // by R h
    float* befores = diff_recurrent + s_.positions * w;     // h'
    float* diff_h = befores + s_.positions * h;
    float* diff_c = diff_h + h;
    float* direct = diff_c + h;  // what reaches h' past R
    std::fill_n(diff_h, 2 * h, 0.0f);
    if (s_.cells) std::copy_n(cell_row(pass.diff_dst, p), h, diff_c);
    for (std::int64_t step = s_.positions; step-- > 0;) {
      const std::int64_t t = s_.at(d, step);
      const float* before = h_before(pass, p, step);
      const float* g = row(pass.diff_dst, p, step);
      for (std::int64_t k = 0; k < h; ++k) {
        diff_h[k] += g[k];
        befores[t * h + k] = before != nullptr ? before[k] : 0.0f;
        direct[k] = 0.0f;
      }
      const float* z = p.gates + t * w;
      float* diff_z = diff_gates + t * w;
      if (s_.kind == Cell::kRnn)
        for (std::int64_t k = 0; k < h; ++k)
          diff_z[k] = diff_h[k] * (s_.relu ? (z[k] > 0.0f ? 1.0f : 0.0f) : 1.0f - z[k] * z[k]);
      if (s_.kind == Cell::kLstm)
        retreat_lstm(z, c_before(pass, p, step), p.extra + t * h, diff_h, diff_c, diff_z);
      if (s_.kind == Cell::kGru)
        retreat_gru(p, z, befores + t * h, p.extra + t * h, diff_h, diff_z, direct);
      through_recurrent(p, z, diff_z, diff_recurrent + t * w, direct, diff_h);
    }
    for (std::size_t i = 1; given_ && i <= s_.states(); ++i)
      if (pass.diff_src[i] != nullptr)
        std::copy_n(i == 1 ? diff_h : diff_c, h, pass.diff_src[i] + (n * s_.directions + d) * h);
    gather(pass, p, diff_gates, diff_recurrent, befores);
  }

  // From the gates of a step to h', which fed them: through R, and past it.
  void through_recurrent(const Place& p, const float* z, const float* diff_z, float* diff_r,
                         const float* direct, float* diff_h) const {
    const std::int64_t w = s_.width();
    const std::int64_t h = s_.hidden;
    std::copy_n(diff_z, w, diff_r);
    if (s_.reset_after)
      for (std::int64_t k = 0; k < h; ++k) diff_r[2 * h + k] *= z[h + k];
    const std::int64_t rows = s_.reset_after ? w : summed();
    gemm(Transpose::kNo, Transpose::kNo, 1, h, rows, diff_r, rows, p.recurrent, h, 0.0f, diff_h, h);
    for (std::int64_t k = 0; k < h; ++k) diff_h[k] += direct[k];
  }

  // diff_c comes from the step behind and goes to the one before.
  void retreat_lstm(const float* z, const float* before, const float* cell, const float* diff_h,
                    float* diff_c, float* diff_z) const {
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

  void retreat_gru(const Place& p, const float* z, const float* before, const float* extra,
                   const float* diff_h, float* diff_z, float* direct) const {
    const std::int64_t h = s_.hidden;
    for (std::int64_t k = 0; k < h; ++k) {
      const float update = z[k], g = z[2 * h + k];
      diff_z[k] = diff_h[k] * (before[k] - g) * update * (1.0f - update);
      diff_z[2 * h + k] = diff_h[k] * (1.0f - update) * (1.0f - g * g);
      direct[k] = diff_h[k] * update;
    }
    // By r h', where r works before R; its place is that of r's own gradient.
    float* diff_product = diff_z + h;
    if (!s_.reset_after)
      gemm(Transpose::kNo, Transpose::kNo, 1, h, h, diff_z + 2 * h, h, p.recurrent + 2 * h * h, h,
           0.0f, diff_product, h);
    for (std::int64_t k = 0; k < h; ++k) {
      const float reset = z[h + k];
      if (!s_.reset_after) direct[k] += diff_product[k] * reset;
      const float by_reset =
          s_.reset_after ? diff_z[2 * h + k] * extra[k] : diff_product[k] * before[k];
      diff_z[h + k] = by_reset * reset * (1.0f - reset);
    }
  }

  void gather(const Pass& pass, const Place& p, const float* diff_gates,
              const float* diff_recurrent, const float* befores) const {
    const std::int64_t w = s_.width();
    const std::int64_t h = s_.hidden;
    const std::int64_t t = s_.positions;
    const float* src = pass.src[0] + p.n * t * s_.inputs;
    float* diff_recurrent_weight = pass.diff_parameters[1] + p.d * count_of(1);
    gemm(Transpose::kYes, Transpose::kNo, w, s_.inputs, t, diff_gates, w, src, s_.inputs, 1.0f,
         pass.diff_parameters[0] + p.d * count_of(0), s_.inputs);
    const std::int64_t rows = s_.reset_after ? w : summed();
    gemm(Transpose::kYes, Transpose::kNo, rows, h, t, diff_recurrent, w, befores, h, 1.0f,
         diff_recurrent_weight, h);
    if (rows < w)
      gemm(Transpose::kYes, Transpose::kNo, h, h, t, diff_recurrent + rows, w, p.extra, h, 1.0f,
           diff_recurrent_weight + rows * h, h);
    float* diff_bias = pass.diff_parameters[2] + p.d * count_of(2);
    for (std::int64_t i = 0; i < t; ++i)
      for (std::int64_t k = 0; k < w; ++k) {
        diff_bias[k] += diff_gates[i * w + k];
        diff_bias[w + k] += diff_recurrent[i * w + k];
      }
    if (pass.diff_src[0] != nullptr)
      gemm(Transpose::kNo, Transpose::kNo, t, s_.inputs, w, diff_gates, w, p.weight, s_.inputs,
           1.0f, pass.diff_src[0] + p.n * t * s_.inputs, s_.inputs);
  }

  Sizes s_;
  bool given_;  // first states
};

template <Cell kCell>
Shape infer(const Node& node, std::span<const Value> src) {
  const Sizes sizes = sizes_of<kCell>(node, src);
  return {sizes.rows(), sizes.outputs()};
}

template <Cell kCell>
std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value> src) {
  const Sizes s = sizes_of<kCell>(node, src);
  return {{node.name + ".weight", {s.directions, s.width(), s.inputs}},
          {node.name + ".recurrent_weight", {s.directions, s.width(), s.hidden}},
          {node.name + ".bias", {s.directions, 2 * s.width()}, ParameterSpec::Role::kBias}};
}

template <Cell kCell>
std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<RecurrentKernel>(sizes_of<kCell>(request.node, request.src),
                                           request.src.size() > 1);
}

template <Cell kCell>
std::vector<double> reference(const Operator::ReferenceArgs& args) {
  return recurrent_reference(sizes_of<kCell>(args.node, args.values), args);
}

template <Cell kCell>
Operator row_of(std::string_view name, std::span<const std::string_view> gates) {
  return {.name = name,
          .inputs = -1,
          .infer = infer<kCell>,
          .parameters = parameters<kCell>,
          .plan = plan<kCell>,
          .reference = reference<kCell>,
          .traits = {.recurrent = true, .gates = gates}};
}

constexpr std::string_view kLstmGates[] = {"input", "output", "forget"};
constexpr std::string_view kGruGates[] = {"update", "reset"};

}  // namespace

Operator rnn_operator() { return row_of<Cell::kRnn>("rnn", {}); }
Operator lstm_operator() { return row_of<Cell::kLstm>("lstm", kLstmGates); }
Operator gru_operator() { return row_of<Cell::kGru>("gru", kGruGates); }

}  // namespace undying::ops
