// constant, parameter: the same tensor for every example; the latter is trained, as a class token
// or positions of a transformer are.

#include <algorithm>

#include "ops/rows.h"

namespace undying::ops {
namespace {

class ConstantKernel final : public Kernel {
 public:
  ConstantKernel(std::int64_t size, bool trained) : size_(size), trained_(trained) {
    keeps_diff = true;
  }

  void forward(const Pass& pass, int) const override {
    for (std::int64_t n = 0; n < pass.rows; ++n)
      std::copy_n(pass.parameters[0], size_, pass.dst + n * size_);
  }
  void backward(const Pass& pass, int) const override {
    if (!trained_) return;
    float* diff = pass.diff_parameters[0];
    std::fill_n(diff, size_, 0.0f);
    for (std::int64_t n = 0; n < pass.rows; ++n)
      for (std::int64_t i = 0; i < size_; ++i) diff[i] += pass.diff_dst[n * size_ + i];
  }

 private:
  std::int64_t size_;
  bool trained_;
};

Shape infer(const Node& node, std::span<const Value>) {
  const Shape& shape = node.attributes.get<std::vector<std::int64_t>>("shape");
  if (shape.empty())
    reject(node, "its shape is empty; expected at least one dimension, (1) for a single number");
  for (const std::int64_t extent : shape)
    if (extent < 1) reject(node, "its shape " + to_string(shape) + " has an extent below 1");
  return shape;
}

template <ParameterSpec::Role kRole>
std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value>) {
  return {{node.name + ".value", node.attributes.get<std::vector<std::int64_t>>("shape"), kRole}};
}

template <bool kTrained>
std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<ConstantKernel>(element_count(request.dst.shape), kTrained);
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  std::vector<double> dst;
  for (std::int64_t n = 0; n < args.rows; ++n)
    dst.insert(dst.end(), args.parameters[0].begin(), args.parameters[0].end());
  return dst;
}

void set_shape(Node& node, std::span<const Shape>, const Shape& dst) {
  node.attributes.set("shape", dst);
}

}  // namespace

Operator constant_operator() {
  using Role = ParameterSpec::Role;
  return {.name = "constant",
          .inputs = 0,
          .infer = infer,
          .parameters = parameters<Role::kConstant>,
          .plan = plan<false>,
          .reference = reference,
          .traits = {.kind = Kind::kTensor, .reshape = set_shape}};
}
Operator parameter_operator() {
  using Role = ParameterSpec::Role;
  return {.name = "parameter",
          .inputs = 0,
          .infer = infer,
          .parameters = parameters<Role::kWeight>,
          .plan = plan<true>,
          .reference = reference,
          .traits = {.kind = Kind::kTensor, .reshape = set_shape}};
}

}  // namespace undying::ops
