// activation: dst = f(src), elementwise, f any member of the rectifier family.

#include "ops/activation_step.h"
#include "ops/rows.h"
#include "undying/error.h"

namespace undying::ops {
namespace {

std::int64_t slope_count(const Activation& activation, std::int64_t units) {
  if (!activation.info().learned) return 0;
  const auto values = activation.parameters();
  return values.size() > 1 && values[1] != 0.0f ? units : 1;
}

const Activation& activation_of(const Node& node) { return node.attributes.get<Activation>("activation"); }

class ActivationKernel final : public Kernel {
 public:
  ActivationKernel(const Node& node, std::int64_t units) : step_(&node, units, 0) {
    using activations::Saves;
    const bool narrow = step_.width() == 1;
    needs_dst = step_.saves() == Saves::kOutput;
    in_place = needs_dst && narrow;
    saved = needs_dst ? 0 : units;
  }

  void forward(const Pass& pass, int) const override { step_.forward(pass, pass.src, nullptr); }

  void backward(const Pass& pass, int) const override {
    float* diff_z = pass.diff_src;
    if (diff_z == nullptr && step_.width() > 1) return;  // on the input of the network, with nothing to learn
    if (diff_z == nullptr) diff_z = pass.diff_dst;
    step_.backward(pass, pass.saved != nullptr ? pass.saved : pass.dst, diff_z, nullptr);
  }

 private:
  ActivationStep step_;
};

Shape infer(const Node& node, const Shape& src) {
  Shape dst = src;
  dst.back() *= activation_of(node).info().width;
  return dst;
}

std::vector<ParameterSpec> parameters(const Node& node, const Shape& src) { return slope_parameters(node, unit_count(src)); }

std::unique_ptr<Kernel> plan(const Node& node, const Shape& src, const Node*) {
  return std::make_unique<ActivationKernel>(node, unit_count(src));
}

// The scalar definition of the family; its own oracle stands in activations/.
std::vector<double> reference(const Node& node, const Shape& src_shape, std::int64_t rows, const std::vector<double>& src,
                              const std::vector<std::vector<double>>& parameters, const Pass&) {
  const Activation& activation = activation_of(node);
  const auto units = static_cast<std::size_t>(unit_count(src_shape));
  const auto width = static_cast<std::size_t>(activation.info().width);
  const std::size_t count = static_cast<std::size_t>(rows * element_count(src_shape));
  std::vector<double> dst(count * width);
  for (std::size_t i = 0; i < count; ++i) {
    const double z = src[i];
    if (activation.info().learned) {
      const std::vector<double>& slopes = parameters[0];
      dst[i] = z > 0 ? z : slopes[slopes.size() == 1 ? 0 : i % units] * z;
    } else if (width == 2) {
      dst[i / units * 2 * units + i % units] = z > 0 ? z : 0;
      dst[i / units * 2 * units + units + i % units] = z < 0 ? -z : 0;
    } else {
      dst[i] = activation.value(static_cast<float>(z));
    }
  }
  return dst;
}

}  // namespace

ActivationStep::ActivationStep(const Node* node, std::int64_t units, std::size_t first_parameter)
    : activation_(node == nullptr ? Activation("identity") : activation_of(*node)),
      kernels_(&activations::kernels(activation_)),
      saves_(activations::saves(activation_)),
      units_(units),
      first_parameter_(first_parameter),
      slope_count_(slope_count(activation_, units)),
      sequence_(node == nullptr || !node->attributes.has("sequence")
                    ? 0
                    : static_cast<std::uint32_t>(node->attributes.get<std::int64_t>("sequence"))) {}

void ActivationStep::forward(const Pass& pass, const float* z, const float* bias) const {
  activations::ForwardArgs args{.rows = pass.rows, .units = units_, .z = z, .bias = bias, .h = pass.dst, .saved = pass.saved};
  if (slope_count_ > 0) args.slopes = pass.parameters[first_parameter_];
  args.slope_count = slope_count_;
  args.training = pass.training;
  args.random = {.seed = pass.seed, .sequence = sequence_, .step = pass.step, .first_row = pass.first_row};
  args.counters = pass.counters;
  if (pass.census != nullptr) return kernels_->census(activation_, args, *pass.census);
  kernels_->forward(activation_, args);
}

void ActivationStep::backward(const Pass& pass, const float* saved, float* diff_z, float* diff_bias) const {
  activations::BackwardArgs args{
      .rows = pass.rows, .units = units_, .saved = saved, .diff_h = pass.diff_dst, .diff_z = diff_z, .diff_bias = diff_bias};
  if (slope_count_ > 0) {
    args.slopes = pass.parameters[first_parameter_];
    args.diff_slopes = pass.diff_parameters[first_parameter_];
  }
  args.slope_count = slope_count_;
  args.counters = pass.counters;
  kernels_->backward(activation_, args);
}

std::vector<ParameterSpec> slope_parameters(const Node& node, std::int64_t units) {
  const Activation& activation = activation_of(node);
  const std::int64_t count = slope_count(activation, units);
  if (count == 0) return {};
  const std::string& layer = node.attributes.get<std::string>("layer");
  return {{layer + ".slope", {count}, ParameterSpec::Role::kSlope, activation.parameters()[0]}};
}

Operator activation_operator() { return {"activation", "", infer, parameters, plan, false, reference}; }

}  // namespace undying::ops
