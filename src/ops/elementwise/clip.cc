// clip: dst = min(max(src, min), max); the gradient passes where min <= src <= max, bounds
// included, as PyTorch's clamp has it.

#include <limits>

#include "ops/rows.h"

namespace undying::ops {
namespace {

struct Bounds {
  float min, max;
};

Bounds bounds_of(const Node& node) {
  using Limits = std::numeric_limits<float>;
  return {static_cast<float>(node.attributes.get_or<double>("min", Limits::lowest())),
          static_cast<float>(node.attributes.get_or<double>("max", Limits::max()))};
}

class ClipKernel final : public Kernel {
 public:
  ClipKernel(Bounds bounds, std::int64_t size) : bounds_(bounds), size_(size) {
    needs_src = true;  // the output does not tell an input at a bound from one beyond it
    in_place = true;
    keeps_diff = true;
  }

  // Written so that NaN passes.
  void forward(const Pass& pass, int) const override {
    const auto [min, max] = bounds_;
    for (std::int64_t i = 0; i < pass.rows * size_; ++i) {
      const float raised = pass.src[0][i] < min ? min : pass.src[0][i];
      pass.dst[i] = raised > max ? max : raised;
    }
  }

  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] == nullptr) return;
    const auto [min, max] = bounds_;
    for (std::int64_t i = 0; i < pass.rows * size_; ++i) {
      const float x = pass.src[0][i];
      pass.diff_src[0][i] = ((x >= min) & (x <= max)) ? pass.diff_dst[i] : 0.0f;
    }
  }

 private:
  Bounds bounds_;
  std::int64_t size_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  const auto [min, max] = bounds_of(node);
  if (!(min <= max))
    reject(node, "min is " + std::to_string(min) + ", max is " + std::to_string(max) +
                     "; expected min <= max");
  return src[0].shape;
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<ClipKernel>(bounds_of(request.node), element_count(request.dst.shape));
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const auto [min, max] = bounds_of(args.node);
  std::vector<double> dst(args.src[0]);
  for (double& x : dst) x = x < min ? min : x > max ? max : x;
  return dst;
}

Range range(const Node& node) {
  return {node.attributes.get_or<double>("min", Range{}.least),
          node.attributes.get_or<double>("max", Range{}.greatest)};
}

}  // namespace

Operator clip_operator() {
  return {.name = "clip",
          .layout = LayoutRule::kAny,
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kElement, .range = range}};
}

}  // namespace undying::ops
