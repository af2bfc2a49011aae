// rms_norm: dst = src / sqrt(mean(src^2) + epsilon) * weight, the mean over the dimensions from
// `axis` on (Zhang and Sennrich 2019).

#include <algorithm>
#include <cmath>

#include "ops/doubles.h"
#include "ops/rows.h"
#include "ops/shapes.h"

namespace undying::ops {
namespace {

double epsilon_of(const Node& node) { return node.attributes.get_or<double>("epsilon", 1e-5); }
std::size_t axis_of(const Node& node, const Shape& shape) {
  return axis_in(node, node.attributes.get_or<std::int64_t>("axis", -1), shape);
}

// An example is `outer` vectors of `size`; 1 / rms of each is saved.
class RmsNormKernel final : public Kernel {
 public:
  RmsNormKernel(std::int64_t outer, std::int64_t size, double epsilon)
      : outer_(outer), size_(size), epsilon_(epsilon) {
    needs_src = true;
    keeps_diff = true;
    saved = outer;
    workspace = kFloatsOfDouble * size;
  }

  void forward(const Pass& pass, int) const override {
    const float* weight = pass.parameters[0];
    for (std::int64_t v = 0; v < pass.rows * outer_; ++v) {
      const float* src = pass.src[0] + v * size_;
      const double squares =
          lane_sum(size_, [&](std::int64_t i) { return static_cast<double>(src[i]) * src[i]; });
      const auto inverse =
          static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(size_) + epsilon_));
      if (pass.saved != nullptr) pass.saved[v] = inverse;
      for (std::int64_t i = 0; i < size_; ++i)
        pass.dst[v * size_ + i] = src[i] * inverse * weight[i];
    }
  }

  // With h = g weight and x^ = src / rms: diff_src = (h - x^ mean(h x^)) / rms.
  void backward(const Pass& pass, int) const override {
    const float* weight = pass.parameters[0];
    double* diff_weight = doubles(pass.scratch);
    std::fill_n(diff_weight, size_, 0.0);
    for (std::int64_t v = 0; v < pass.rows * outer_; ++v) {
      const float* src = pass.src[0] + v * size_;
      const float* g = pass.diff_dst + v * size_;
      const float inverse = pass.saved[v];
      for (std::int64_t i = 0; i < size_; ++i) diff_weight[i] += g[i] * (src[i] * inverse);
      if (pass.diff_src[0] == nullptr) continue;
      const double sum = lane_sum(size_, [&](std::int64_t i) {
        return static_cast<double>(g[i] * weight[i]) * (src[i] * inverse);
      });
      const auto mean = static_cast<float>(sum / static_cast<double>(size_));
      float* diff = pass.diff_src[0] + v * size_;
      for (std::int64_t i = 0; i < size_; ++i)
        diff[i] = (g[i] * weight[i] - src[i] * inverse * mean) * inverse;
    }
    std::copy_n(diff_weight, size_, pass.diff_parameters[0]);
  }

 private:
  std::int64_t outer_;
  std::int64_t size_;
  double epsilon_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  axis_of(node, src[0].shape);
  return src[0].shape;
}

std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value> src) {
  const Shape& shape = src[0].shape;
  const Shape own(shape.begin() + static_cast<std::ptrdiff_t>(axis_of(node, shape)), shape.end());
  return {{node.name + ".weight", own, ParameterSpec::Role::kScale, 1.0f}};
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  const Shape& shape = request.dst.shape;
  const std::size_t axis = axis_of(request.node, shape);
  return std::make_unique<RmsNormKernel>(extent_product(shape, 0, axis),
                                         extent_product(shape, axis, shape.size()),
                                         epsilon_of(request.node));
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Shape& shape = args.values[0].shape;
  const auto size =
      static_cast<std::size_t>(extent_product(shape, axis_of(args.node, shape), shape.size()));
  std::vector<double> dst(args.src[0]);
  for (std::size_t first = 0; first < dst.size(); first += size) {
    double mean = 0.0;
    for (std::size_t i = 0; i < size; ++i)
      mean += dst[first + i] * dst[first + i] / static_cast<double>(size);
    for (std::size_t i = 0; i < size; ++i)
      dst[first + i] *= args.parameters[0][i] / std::sqrt(mean + epsilon_of(args.node));
  }
  return dst;
}

}  // namespace

Operator rms_norm_operator() {
  return {.name = "rms_norm",
          .infer = infer,
          .parameters = parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kAxis, .norm = Norm::kExample}};
}

}  // namespace undying::ops
