// linear: dst = src W^T + b, with src (rows, ..., inputs), W (outputs, inputs), b (outputs); ONNX
// Gemm with transB = 1.
//
// The bias, and the activation that follows where there is one, are applied in one pass over the
// product: h = f(z + b). The backward pass of that activation gives diff_z and its column sums, the
// bias gradient, in one pass too.

#include "activations/kernels.h"
#include "onednn/gemm.h"
#include "ops/elementwise/activation_step.h"
#include "ops/linear/fold.h"
#include "ops/linear/linear_bfloat16.h"
#include "ops/linear/linear_divided.h"
#include "ops/rows.h"

namespace undying::ops {
namespace {

using onednn::gemm;
using onednn::Transpose;

bool has_bias(const Node& node) { return node.attributes.get_or<std::int64_t>("bias", 1) != 0; }

class LinearKernel final : public Kernel {
 public:
  explicit LinearKernel(const PlanRequest& request)
      : inputs_(unit_count(request.src[0])),
        outputs_(request.dst.shape.back()),
        positions_(position_count(request.src[0])),
        bias_(has_bias(request.node)),
        fold_(request),
        training_(request.training),
        activation_(request.follower, {.units = outputs_, .positions = positions_}, fold_.end()) {
    needs_src = true;
    // Without an activation behind it nothing of the output is needed, so that what follows may
    // work in place.
    const bool keeps_output = activation_.saves() == activations::Saves::kOutput;
    needs_dst = keeps_output && request.follower != nullptr;
    saved = keeps_output ? 0 : positions_ * outputs_;
    scratch = activation_.width() == 1 ? 0 : positions_ * outputs_;
    workspace = fold_.workspace();
  }

  void forward(const Pass& pass, int) const override {
    float* z = pass.saved != nullptr     ? pass.saved
               : activation_.width() > 1 ? pass.scratch
                                         : pass.dst;
    const Folded own = folded(pass);
    gemm(Transpose::kNo, Transpose::kYes, pass.rows * positions_, outputs_, inputs_, pass.src[0],
         inputs_, own.weights, inputs_, 0.0f, z, outputs_);
    activation_.forward(pass, z, own.bias);
  }

  void backward(const Pass& pass, int) const override {
    float* diff_z = activation_.width() == 1 ? pass.diff_dst : pass.scratch;
    float* diff_bias = fold_.folds() ? space(pass) : bias_ ? pass.diff_parameters[1] : nullptr;
    // Its bias is not read: the gradient may lie there.
    const float* weights = folded(pass).weights;
    activation_.backward(pass, pass.saved != nullptr ? pass.saved : pass.dst, diff_z, diff_bias);
    const std::int64_t rows = pass.rows * positions_;
    gemm(Transpose::kYes, Transpose::kNo, outputs_, inputs_, rows, diff_z, outputs_, pass.src[0],
         inputs_, 0.0f, pass.diff_parameters[0], inputs_);
    if (pass.diff_src[0] != nullptr)
      gemm(Transpose::kNo, Transpose::kNo, rows, inputs_, outputs_, diff_z, outputs_, weights,
           inputs_, 0.0f, pass.diff_src[0], inputs_);
    if (fold_.folds()) fold_.unfold(pass, outputs_, outputs_ * inputs_, diff_bias);
  }

 private:
  float* space(const Pass& pass) const { return pass.scratch + pass.rows * scratch; }

  // What the product takes: of a plan that is not frozen, the parameters as they are.
  Folded folded(const Pass& pass) const {
    if (training_ && !fold_.folds())
      return {pass.parameters[0], bias_ ? pass.parameters[1] : nullptr};
    return fold_.apply(pass, outputs_, outputs_ * inputs_, space(pass));
  }

  std::int64_t inputs_;
  std::int64_t outputs_;
  std::int64_t positions_;
  bool bias_;
  Fold fold_;
  bool training_;
  ActivationStep activation_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  const std::int64_t outputs = node.attributes.get<std::int64_t>("outputs");
  if (outputs < 1) reject(node, "outputs is " + std::to_string(outputs) + "; expected at least 1");
  Shape dst = src[0].shape;
  dst.back() = outputs;
  return dst;
}

std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value> src) {
  const std::int64_t outputs = node.attributes.get<std::int64_t>("outputs");
  std::vector<ParameterSpec> specs = {
      {node.name + ".weight", {outputs, src[0].shape.back()}, ParameterSpec::Role::kWeight}};
  if (has_bias(node)) specs.push_back({node.name + ".bias", {outputs}, ParameterSpec::Role::kBias});
  return specs;
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  if (divides_linear(request)) return divided_linear_kernel(request);
  if (request.training && request.precision == Precision::kBfloat16)
    return linear_bfloat16_kernel(request);
  return std::make_unique<LinearKernel>(request);
}

std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const std::vector<double>& src = args.src[0];
  const auto& parameters = args.parameters;
  const Node& node = args.node;
  const std::int64_t inputs = args.values[0].shape.back();
  const std::int64_t rows = args.rows * position_count(args.values[0]);
  const std::int64_t outputs = node.attributes.get<std::int64_t>("outputs");
  std::vector<double> dst(static_cast<std::size_t>(rows * outputs));
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t j = 0; j < outputs; ++j) {
      double sum = has_bias(node) ? parameters[1][j] : 0.0;
      for (std::int64_t i = 0; i < inputs; ++i)
        sum += src[row * inputs + i] * parameters[0][j * inputs + i];
      dst[row * outputs + j] = sum;
    }
  }
  return dst;
}

}  // namespace

Operator linear_operator() {
  return {.name = "linear",
          .infer = infer,
          .parameters = parameters,
          .plan = plan,
          .fuses_activation = true,
          .reference = reference,
          .folds_batch_norm = true,
          .training_differs = rounds_factors,
          .traits = {.kind = Kind::kWeights, .multiply_adds = weights_at_each_position}};
}

}  // namespace undying::ops
