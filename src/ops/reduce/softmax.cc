// softmax and log_softmax along one axis: dst = exp(src) / sum(exp(src)), and its logarithm. The
// maximum is taken off first.

#include <algorithm>
#include <cmath>

#include "ops/doubles.h"
#include "ops/reduce/exponential.h"
#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

// The axis splits one example into (outer, extent, inner).
struct Split {
  std::int64_t outer, extent, inner;

  std::int64_t block() const { return extent * inner; }
};

std::size_t axis_of(const Node& node, const Shape& shape) {
  return axis_in(node, node.attributes.get_or<std::int64_t>("axis", -1), shape);
}

Split split_of(const Node& node, const Shape& shape) {
  const std::size_t axis = axis_of(node, shape);
  return {extent_product(shape, 0, axis), shape[axis],
          extent_product(shape, axis + 1, shape.size())};
}

// Works on one block of (extent, inner) at a time: a sum or a maximum for each of `inner`.
class SoftmaxKernel final : public Kernel {
 public:
  SoftmaxKernel(Split split, bool logarithm) : split_(split), logarithm_(logarithm) {
    needs_dst = true;
    in_place = true;
    keeps_diff = true;
    workspace = kFloatsOfDouble * split.inner + split.inner + split.block();
  }

  void forward(const Pass& pass, int) const override {
    for_blocks(pass, [&](std::int64_t at) {
      logarithm_ ? forward_logarithm(pass, at) : forward_plain(pass, at);
    });
  }

  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] == nullptr) return;
    for_blocks(pass, [&](std::int64_t at) {
      const float* g = pass.diff_dst + at;
      const float* y = pass.dst + at;
      logarithm_ ? backward_logarithm(pass, g, y, pass.diff_src[0] + at)
                 : backward_plain(pass, g, y, pass.diff_src[0] + at);
    });
  }

 private:
  double* sums(const Pass& pass) const { return doubles(pass.scratch); }
  float* maxima(const Pass& pass) const { return pass.scratch + kFloatsOfDouble * split_.inner; }
  float* block(const Pass& pass) const { return maxima(pass) + split_.inner; }

  template <class Body>
  void for_blocks(const Pass& pass, const Body& body) const {
    for (std::int64_t k = 0; k < pass.rows * split_.outer; ++k) body(k * split_.block());
  }

  // Calls body(index in the block, index in `inner`).
  template <class Body>
  void for_elements(const Body& body) const {
    for (std::int64_t e = 0; e < split_.block(); e += split_.inner)
      for (std::int64_t i = 0; i < split_.inner; ++i) body(e + i, i);
  }

  // exponentials = exp(src - maximum), and their sums.
  void exponentiate(const Pass& pass, const float* src, float* exponentials) const {
    float* maximum = maxima(pass);
    std::copy_n(src, split_.inner, maximum);
    for_elements(
        [&](std::int64_t e, std::int64_t i) { maximum[i] = std::max(maximum[i], src[e]); });
    for_elements([&](std::int64_t e, std::int64_t i) { exponentials[e] = src[e] - maximum[i]; });
    exponential(split_.block(), exponentials);
    add_up(pass, [&](std::int64_t e) { return exponentials[e]; });
  }

  template <class Term>
  void add_up(const Pass& pass, const Term& term) const {
    double* sum = sums(pass);
    std::fill_n(sum, split_.inner, 0.0);
    for_elements([&](std::int64_t e, std::int64_t i) { sum[i] += term(e); });
  }

  void forward_plain(const Pass& pass, std::int64_t at) const {
    float* dst = pass.dst + at;
    exponentiate(pass, pass.src[0] + at, dst);
    float* factor = maxima(pass);
    for (std::int64_t i = 0; i < split_.inner; ++i)
      factor[i] = static_cast<float>(1.0 / sums(pass)[i]);
    for_elements([&](std::int64_t e, std::int64_t i) { dst[e] *= factor[i]; });
  }

  void forward_logarithm(const Pass& pass, std::int64_t at) const {
    const float* src = pass.src[0] + at;
    exponentiate(pass, src, block(pass));
    double* shift = sums(pass);
    for (std::int64_t i = 0; i < split_.inner; ++i) shift[i] = std::log(shift[i]) + maxima(pass)[i];
    for_elements([&](std::int64_t e, std::int64_t i) {
      pass.dst[at + e] = static_cast<float>(src[e] - shift[i]);
    });
  }

  // diff_src = y * (g - sum(g * y)).
  void backward_plain(const Pass& pass, const float* g, const float* y, float* diff) const {
    add_up(pass, [&](std::int64_t e) { return static_cast<double>(g[e]) * y[e]; });
    float* mean = maxima(pass);
    std::copy_n(sums(pass), split_.inner, mean);
    for_elements([&](std::int64_t e, std::int64_t i) { diff[e] = y[e] * (g[e] - mean[i]); });
  }

  // diff_src = g - exp(y) * sum(g).
  void backward_logarithm(const Pass& pass, const float* g, const float* y, float* diff) const {
    float* exponentials = block(pass);
    std::copy_n(y, split_.block(), exponentials);
    exponential(split_.block(), exponentials);
    add_up(pass, [&](std::int64_t e) { return g[e]; });
    float* total = maxima(pass);
    std::copy_n(sums(pass), split_.inner, total);
    for_elements(
        [&](std::int64_t e, std::int64_t i) { diff[e] = g[e] - exponentials[e] * total[i]; });
  }

  Split split_;
  bool logarithm_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  axis_of(node, src[0].shape);
  return src[0].shape;
}

template <bool kLogarithm>
std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<SoftmaxKernel>(split_of(request.node, request.dst.shape), kLogarithm);
}

template <bool kLogarithm>
std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Split split = split_of(args.node, args.values[0].shape);
  const std::vector<double>& src = args.src[0];
  std::vector<double> dst(src.size());
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(src.size()); ++i) {
    const std::int64_t first = i / split.block() * split.block() + i % split.inner;
    double sum = 0.0;
    for (std::int64_t e = 0; e < split.extent; ++e) sum += std::exp(src[first + e * split.inner]);
    const double x = src[i];
    dst[i] = kLogarithm ? x - std::log(sum) : std::exp(x) / sum;
  }
  return dst;
}

Range from_0_to_1(const Node&) { return {0.0, 1.0}; }
Range at_most_0(const Node&) { return {.greatest = 0.0}; }

}  // namespace

Operator softmax_operator() {
  return {.name = "softmax",
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan<false>,
          .reference = reference<false>,
          .traits = {.kind = Kind::kAxis, .sums_to_one = true, .range = from_0_to_1}};
}
Operator log_softmax_operator() {
  return {.name = "log_softmax",
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan<true>,
          .reference = reference<true>,
          .traits = {.kind = Kind::kAxis, .range = at_most_0}};
}

}  // namespace undying::ops
