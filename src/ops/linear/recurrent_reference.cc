#include <algorithm>
#include <cmath>

#include "ops/linear/recurrent_sizes.h"

namespace undying::ops {
namespace {

// One direction of one example in double: the formulas at the head of recurrent.cc.
class Reference {
 public:
  Reference(const Sizes& sizes, const Operator::ReferenceArgs& args, std::int64_t n, std::int64_t d)
      : s_(sizes), a_(args), n_(n), d_(d) {
    h_.assign(at(s_.hidden), 0.0);
    c_ = h_;
    for (std::int64_t k = 0; k < s_.hidden && a_.src.size() > 1; ++k) {
      h_[at(k)] = a_.src[1][at((n * s_.directions + d) * s_.hidden + k)];
      if (s_.kind == Cell::kLstm)
        c_[at(k)] = a_.src[2][at((n * s_.directions + d) * s_.hidden + k)];
    }
  }

  void step(std::int64_t t) {
    std::vector<double> next(h_);
    std::vector<double> reset(h_);
    for (std::int64_t k = 0; k < s_.hidden && s_.kind == Cell::kGru; ++k)
      reset[at(k)] *= logistic(sum(t, 1, k));
    for (std::int64_t k = 0; k < s_.hidden; ++k) {
      const auto u = at(k);
      if (s_.kind == Cell::kRnn)
        next[u] = s_.relu ? std::max(sum(t, 0, k), 0.0) : std::tanh(sum(t, 0, k));
      if (s_.kind == Cell::kLstm) {
        c_[u] = logistic(sum(t, 2, k)) * c_[u] + logistic(sum(t, 0, k)) * std::tanh(sum(t, 3, k));
        next[u] = logistic(sum(t, 1, k)) * std::tanh(c_[u]);
      }
      if (s_.kind == Cell::kGru) {
        const double z = logistic(sum(t, 0, k));
        const double g = std::tanh(s_.reset_after ? by_input(t, 2, k) +
                                                        logistic(sum(t, 1, k)) * by_state(h_, 2, k)
                                                  : by_input(t, 2, k) + by_state(reset, 2, k));
        next[u] = (1.0 - z) * g + z * h_[u];
      }
    }
    h_ = next;
  }

  const std::vector<double>& h() const { return h_; }
  const std::vector<double>& c() const { return c_; }

 private:
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
  static double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }

  double by_input(std::int64_t t, std::int64_t gate, std::int64_t k) const {
    const std::int64_t unit = gate * s_.hidden + k;
    double sum = a_.parameters[2][at(2 * d_ * s_.width() + unit)];
    for (std::int64_t i = 0; i < s_.inputs; ++i)
      sum += a_.parameters[0][at((d_ * s_.width() + unit) * s_.inputs + i)] *
             a_.src[0][at((n_ * s_.positions + t) * s_.inputs + i)];
    return sum;
  }
  double by_state(const std::vector<double>& state, std::int64_t gate, std::int64_t k) const {
    const std::int64_t unit = gate * s_.hidden + k;
    double sum = a_.parameters[2][at((2 * d_ + 1) * s_.width() + unit)];
    for (std::int64_t i = 0; i < s_.hidden; ++i)
      sum += a_.parameters[1][at((d_ * s_.width() + unit) * s_.hidden + i)] * state[at(i)];
    return sum;
  }
  double sum(std::int64_t t, std::int64_t gate, std::int64_t k) const {
    return by_input(t, gate, k) + by_state(h_, gate, k);
  }

  const Sizes& s_;
  const Operator::ReferenceArgs& a_;
  std::int64_t n_, d_;
  std::vector<double> h_, c_;
};

}  // namespace

std::vector<double> recurrent_reference(const Sizes& s, const Operator::ReferenceArgs& args) {
  std::vector<double> dst(static_cast<std::size_t>(args.rows * s.rows() * s.outputs()));
  for (std::int64_t run = 0; run < args.rows * s.directions; ++run) {
    const std::int64_t d = run % s.directions;
    Reference states(s, args, run / s.directions, d);
    for (std::int64_t step = 0; step < s.positions; ++step) {
      const std::int64_t t = s.at(d, step);
      states.step(t);
      std::ranges::copy(states.h(), dst.data() + (run / s.directions * s.rows() + t) * s.outputs() +
                                        d * s.hidden);
    }
    if (s.cells)
      std::ranges::copy(
          states.c(),
          dst.data() + (run / s.directions * s.rows() + s.positions) * s.outputs() + d * s.hidden);
  }
  return dst;
}

}  // namespace undying::ops
