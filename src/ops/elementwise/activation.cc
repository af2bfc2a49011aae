// activation: dst = f(src), elementwise, f any member of the rectifier family.

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "activations/reference.h"
#include "ops/elementwise/activation_step.h"
#include "ops/rows.h"
#include "undying/error.h"

namespace undying::ops {
namespace {

std::int64_t slope_count(const Activation& activation, std::int64_t units) {
  if (!activation.info().learned) return 0;
  const auto values = activation.parameters();
  return values.size() > 1 && values[1] != 0.0f ? units : 1;
}

class ActivationKernel final : public Kernel {
 public:
  ActivationKernel(const Node& node, Extent extent) : step_(&node, extent, 0) {
    using activations::Saves;
    const bool narrow = step_.width() == 1;
    needs_dst = step_.saves() == Saves::kOutput;
    in_place = needs_dst && narrow;
    saved = needs_dst ? 0 : extent.units * extent.positions;
  }

  void forward(const Pass& pass, int) const override { step_.forward(pass, pass.src[0], nullptr); }

  void backward(const Pass& pass, int) const override {
    float* diff_z = pass.diff_src[0];
    if (diff_z == nullptr && step_.width() > 1)
      return;  // on the input of the network, with nothing to learn
    if (diff_z == nullptr) diff_z = pass.diff_dst;
    step_.backward(pass, pass.saved != nullptr ? pass.saved : pass.dst, diff_z, nullptr);
  }

 private:
  ActivationStep step_;
};

Shape infer(const Node& node, std::span<const Value> src) {
  Shape dst = src[0].shape;
  (src[0].layout == Layout::kPlain ? dst.back() : dst.front()) *= activation_of(node)->info().width;
  return dst;
}

std::vector<ParameterSpec> parameters(const Node& node, std::span<const Value> src) {
  return slope_parameters(node, unit_count(src[0]));
}

std::unique_ptr<Kernel> plan(const PlanRequest& request) {
  return std::make_unique<ActivationKernel>(request.node, extent_of(request.src[0]));
}

// The scalar definition of the family; its own oracle stands in activations/.
std::vector<double> reference(const Operator::ReferenceArgs& args) {
  const Activation& activation = *activation_of(args.node);
  const std::vector<double>& src = args.src[0];
  const Value& value = args.values[0];
  const auto units = static_cast<std::size_t>(unit_count(value));
  const auto width = static_cast<std::size_t>(activation.info().width);
  const std::size_t count = src.size();
  // How many neighbours in plain order belong to one unit.
  const std::size_t run =
      value.layout == Layout::kPlain ? 1 : static_cast<std::size_t>(position_count(value));
  std::vector<double> dst(count * width);
  for (std::size_t i = 0; i < count; ++i) {
    const double z = src[i];
    if (activation.info().learned) {
      const std::vector<double>& slopes = args.parameters[0];
      dst[i] = z > 0 ? z : slopes[slopes.size() == 1 ? 0 : i / run % units] * z;
    } else if (width == 2) {
      const std::size_t group = units * run;
      dst[i / group * 2 * group + i % group] = z > 0 ? z : 0;
      dst[i / group * 2 * group + group + i % group] = z < 0 ? -z : 0;
    } else {
      dst[i] = activations::reference_value(activation, z);
    }
  }
  return dst;
}

bool draws_slopes(const Node& node, Precision) { return activation_of(node)->info().random; }

}  // namespace

Extent extent_of(const Value& value) {
  return {.units = unit_count(value), .positions = position_count(value)};
}

ActivationStep::ActivationStep(const Node* node, Extent extent, std::size_t first_parameter)
    : activation_(node == nullptr ? Activation("identity") : *activation_of(*node)),
      kernels_(&activations::kernels(activation_)),
      saves_(activations::saves(activation_)),
      extent_(extent),
      first_parameter_(first_parameter),
      slope_count_(slope_count(activation_, extent.units)),
      sequence_(node == nullptr ? 0
                                : static_cast<std::uint32_t>(
                                      node->attributes.get_or<std::int64_t>("sequence", 0))),
      anneal_(node == nullptr ? 0 : static_cast<std::uint64_t>(anneal_steps(*node))) {}

// Through the notation, which is the one way to make an activation; without memory from the heap.
Activation ActivationStep::activation_at(std::uint64_t step) const {
  if (step >= anneal_) return activation_;
  constexpr std::string_view kName = "leaky_relu:";
  std::array<char, 64> text;
  std::ranges::copy(kName, text.begin());
  const double slope = static_cast<double>(activation_.parameters()[0]) *
                       static_cast<double>(step) / static_cast<double>(anneal_);
  const auto end =
      std::to_chars(text.begin() + kName.size(), text.end(), static_cast<float>(slope)).ptr;
  return std::string_view(text.begin(), end);
}

void ActivationStep::forward(const Pass& pass, const float* z, const float* bias, Rows rows) const {
  const std::int64_t at = rows.first * extent_.units;
  activations::ForwardArgs args{.rows = rows.count,
                                .units = extent_.units,
                                .z = z + at,
                                .bias = bias,
                                .h = pass.dst + at * width(),
                                .saved = pass.saved == nullptr ? nullptr : pass.saved + at};
  if (slope_count_ > 0) args.slopes = pass.parameters[first_parameter_];
  args.slope_count = slope_count_;
  args.training = pass.training;
  args.random = {.seed = pass.seed,
                 .sequence = sequence_,
                 .step = pass.step,
                 .first_row = pass.first_row * extent_.positions + rows.first};
  args.counters = pass.counters;
  const Activation activation = activation_at(pass.step);
  if (pass.census != nullptr) kernels_->census(activation, args, *pass.census);
  // What a backward pass needs of the input, a census does not keep.
  if (pass.census == nullptr || args.saved != nullptr) kernels_->forward(activation, args);
}

void ActivationStep::backward(const Pass& pass, const float* saved, float* diff_z, float* diff_bias,
                              Rows rows) const {
  const std::int64_t at = rows.first * extent_.units;
  const bool saves_output = saves_ == activations::Saves::kOutput;
  activations::BackwardArgs args{.rows = rows.count,
                                 .units = extent_.units,
                                 .saved = saved + (saves_output ? at * width() : at),
                                 .diff_h = pass.diff_dst + at * width(),
                                 .diff_z = diff_z + at,
                                 .diff_bias = diff_bias};
  if (slope_count_ > 0) {
    args.slopes = pass.parameters[first_parameter_];
    args.diff_slopes = pass.diff_parameters[first_parameter_];
  }
  args.slope_count = slope_count_;
  args.counters = pass.counters;
  kernels_->backward(activation_at(pass.step), args);
}

std::int64_t anneal_steps(const Node& node) {
  const auto steps = node.attributes.get_or<std::int64_t>("anneal", 0);
  const Activation& activation = *activation_of(node);
  if (steps < 0 ||
      (steps > 0 && (activation.info().name != "leaky_relu" || activation.parameters()[0] < 0.0f)))
    throw Error(ErrorCode::kInvalidArgument, node.name,
                "anneal is " + std::to_string(steps) + " of " + activation.specification() +
                    "; expected a number of steps >= 0, of leaky_relu with a slope >= 0");
  return steps;
}

std::vector<ParameterSpec> slope_parameters(const Node& node, std::int64_t units) {
  const Activation& activation = *activation_of(node);
  const std::int64_t count = slope_count(activation, units);
  if (count == 0) return {};
  const std::string& layer = node.attributes.get<std::string>("layer");
  return {{layer + ".slope", {count}, ParameterSpec::Role::kSlope, activation.parameters()[0]}};
}

Operator activation_operator() {
  return {.name = "activation",
          .layout = LayoutRule::kAny,
          .infer = infer,
          .parameters = parameters,
          .plan = plan,
          .reference = reference,
          .training_differs = draws_slopes,
          .traits = {.kind = Kind::kActivation}};
}

}  // namespace undying::ops
