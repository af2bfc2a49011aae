// layer_norm: dst = (src - mean) / sqrt(var + epsilon) * weight + bias, mean and population
// variance over the dimensions from `axis` on (Ba et al. 2016).

#include <algorithm>
#include <cmath>

#include "ops/doubles.h"
#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

using Role = ParameterSpec::Role;

double epsilon_of(const Node& node) { return node.attributes.get_or<double>("epsilon", 1e-5); }
bool has_bias(const Node& node) { return node.attributes.get_or<std::int64_t>("bias", 1) != 0; }
std::size_t axis_of(const Node& node, const Shape& shape) {
  return axis_in(node, node.attributes.get_or<std::int64_t>("axis", -1), shape);
}

// An example is `outer` vectors of `size`, each normalised by itself; mean and 1 / sd of each are
// saved.
class LayerNormKernel final : public Kernel {
 public:
  LayerNormKernel(std::int64_t outer, std::int64_t size, double epsilon, bool bias)
      : outer_(outer), size_(size), epsilon_(epsilon), bias_(bias) {
    needs_src = true;
    keeps_diff = true;
    saved = 2 * outer;
    workspace = 2 * kFloatsOfDouble * size;
  }

  void forward(const Pass& pass, int) const override {
    for (std::int64_t v = 0; v < pass.rows * outer_; ++v) {
      const float* src = pass.src[0] + v * size_;
      const double mean =
          lane_sum(size_, [&](std::int64_t i) { return src[i]; }) / static_cast<double>(size_);
      const double squares =
          lane_sum(size_, [&](std::int64_t i) { return (src[i] - mean) * (src[i] - mean); });
      const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(size_) + epsilon_);
      if (pass.saved != nullptr) {
        pass.saved[2 * v] = static_cast<float>(mean);
        pass.saved[2 * v + 1] = static_cast<float>(inverse);
      }
      normalise(pass, src, static_cast<float>(mean), static_cast<float>(inverse),
                pass.dst + v * size_);
    }
  }

  // With h = g weight: diff_src = (h - mean(h) - x^ mean(h x^)) / sd.
  void backward(const Pass& pass, int) const override {
    double* diff_weight = doubles(pass.scratch);
    double* diff_bias = diff_weight + size_;
    std::fill_n(diff_weight, 2 * size_, 0.0);
    for (std::int64_t v = 0; v < pass.rows * outer_; ++v) {
      const float* src = pass.src[0] + v * size_;
      const float* g = pass.diff_dst + v * size_;
      const float mean = pass.saved[2 * v];
      const float inverse = pass.saved[2 * v + 1];
      for (std::int64_t i = 0; i < size_; ++i) {
        diff_weight[i] += g[i] * ((src[i] - mean) * inverse);
        diff_bias[i] += g[i];
      }
      if (pass.diff_src[0] != nullptr)
        gradient(src, g, pass.parameters[0], mean, inverse, pass.diff_src[0] + v * size_);
    }
    std::copy_n(diff_weight, size_, pass.diff_parameters[0]);
    if (bias_) std::copy_n(diff_bias, size_, pass.diff_parameters[1]);
  }

 private:
  void normalise(const Pass& pass, const float* src, float mean, float inverse, float* dst) const {
    const float* weight = pass.parameters[0];
    const float* bias = bias_ ? pass.parameters[1] : nullptr;
    for (std::int64_t i = 0; i < size_; ++i) dst[i] = (src[i] - mean) * inverse * weight[i];
    for (std::int64_t i = 0; bias_ && i < size_; ++i) dst[i] += bias[i];
  }

  void gradient(const float* src, const float* g, const float* weight, float mean, float inverse,
                float* diff) const {
    const double count = static_cast<double>(size_);
    const auto shift = static_cast<float>(
        lane_sum(size_, [&](std::int64_t i) { return g[i] * weight[i]; }) / count);
    const auto slope = static_cast<float>(
        lane_sum(size_,
                 [&](std::int64_t i) { return g[i] * weight[i] * ((src[i] - mean) * inverse); }) /
        count);
    for (std::int64_t i = 0; i < size_; ++i)
      diff[i] = (g[i] * weight[i] - shift - (src[i] - mean) * inverse * slope) * inverse;
  }

  std::int64_t outer_;
  std::int64_t size_;
  double epsilon_;
  bool bias_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  axis_of(node, src[0].shape);
  return src[0].shape;
}

std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value> src) {
  const Shape& shape = src[0].shape;
  const Shape own(shape.begin() + static_cast<std::ptrdiff_t>(axis_of(node, shape)), shape.end());
  std::vector<ParameterSpec> specs = {{node.name + ".weight", own, Role::kScale, 1.0f}};
  if (has_bias(node)) specs.push_back({node.name + ".bias", own, Role::kShift, 0.0f});
  return specs;
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  const Shape& shape = request.dst.shape;
  const std::size_t axis = axis_of(request.node, shape);
  return std::make_unique<LayerNormKernel>(extent_product(shape, 0, axis),
                                           extent_product(shape, axis, shape.size()),
                                           epsilon_of(request.node), has_bias(request.node));
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Shape& shape = args.values[0].shape;
  const auto size =
      static_cast<std::size_t>(extent_product(shape, axis_of(args.node, shape), shape.size()));
  std::vector<double> dst(args.src[0]);
  for (std::size_t first = 0; first < dst.size(); first += size) {
    double mean = 0.0;
    double variance = 0.0;
    for (std::size_t i = 0; i < size; ++i) mean += dst[first + i] / static_cast<double>(size);
    for (std::size_t i = 0; i < size; ++i)
      variance += (dst[first + i] - mean) * (dst[first + i] - mean) / static_cast<double>(size);
    for (std::size_t i = 0; i < size; ++i) {
      double& x = dst[first + i];
      x = (x - mean) / std::sqrt(variance + epsilon_of(args.node)) * args.parameters[0][i];
      if (has_bias(args.node)) x += args.parameters[1][i];
    }
  }
  return dst;
}

}  // namespace

Operator layer_norm_operator() {
  return {.name = "layer_norm",
          .infer = infer,
          .parameters = parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kAxis, .norm = Norm::kExample, .keeps_spread = true}};
}

}  // namespace undying::ops
