// square: what a contributor writes to add an operator, one file with its row.

#include "ops/rows.h"

namespace undying::ops {
namespace {

class SquareKernel final : public Kernel {
 public:
  explicit SquareKernel(std::int64_t size) : size_(size) { needs_src = keeps_diff = true; }

  void forward(const Pass& pass, int) const override {
    for (std::int64_t i = 0; i < pass.rows * size_; ++i)
      pass.dst[i] = pass.src[0][i] * pass.src[0][i];
  }

  void backward(const Pass& pass, int) const override {
    for (std::int64_t i = 0; i < pass.rows * size_ && pass.diff_src[0] != nullptr; ++i)
      pass.diff_src[0][i] = 2.0f * pass.src[0][i] * pass.diff_dst[i];
  }

 private:
  std::int64_t size_;
};

Shape infer(const Node&, std::span<const Value> src) { return src[0].shape; }

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<SquareKernel>(element_count(request.dst.shape));
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  std::vector<double> dst(args.src[0]);
  for (double& x : dst) x *= x;
  return dst;
}

Range range(const Node&) { return {.least = 0.0}; }

}  // namespace

Operator square_operator() {
  return {.name = "square",
          .layout = LayoutRule::kAny,
          .infer = infer,
          .parameters = no_parameters,
          .plan = plan,
          .reference = reference,
          .traits = {.kind = Kind::kElement, .range = range}};
}

}  // namespace undying::ops
