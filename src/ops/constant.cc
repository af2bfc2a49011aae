// constant: the same tensor for every example; nothing trains it.

#include <algorithm>

#include "ops/rows.h"

namespace undying::ops {
namespace {

class ConstantKernel final : public Kernel {
 public:
  explicit ConstantKernel(std::int64_t size) : size_(size) { keeps_diff = true; }

  void forward(const Pass& pass, int) const override {
    for (std::int64_t n = 0; n < pass.rows; ++n) std::copy_n(pass.parameters[0], size_, pass.dst + n * size_);
  }
  void backward(const Pass&, int) const override {}

 private:
  std::int64_t size_;
};

Shape infer(const Node& node, std::span<const Value>) {
  const Shape& shape = node.attributes.get<std::vector<std::int64_t>>("shape");
  if (shape.empty()) reject(node, "its shape is empty; expected at least one dimension, (1) for a single number");
  for (const std::int64_t extent : shape)
    if (extent < 1) reject(node, "its shape " + to_string(shape) + " has an extent below 1");
  return shape;
}

std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value>) {
  const Shape& shape = node.attributes.get<std::vector<std::int64_t>>("shape");
  return {{node.name + ".value", shape, ParameterSpec::Role::kConstant}};
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) { return std::make_unique<ConstantKernel>(element_count(request.dst.shape)); }

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  std::vector<double> dst;
  for (std::int64_t n = 0; n < args.rows; ++n) dst.insert(dst.end(), args.parameters[0].begin(), args.parameters[0].end());
  return dst;
}

}  // namespace

Operator constant_operator() { return {"constant", "Constant", LayoutRule::kPlain, 0, infer, parameters, plan, false, reference}; }

}  // namespace undying::ops
