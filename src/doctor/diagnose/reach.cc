// Whether the end of a network can put out what the loss asks for: intervals carried through the
// operators behind its last weights.

#include "doctor/diagnose/reach.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "doctor/network.h"

namespace undying::doctor {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTolerance = 0.01;  // of the targets' spread
// For a label: what cannot be told apart from a doubt.
constexpr double kProbabilityTolerance = 0.2;

bool bounded(const Interval& interval) {
  return interval.least > -kInfinity || interval.greatest < kInfinity;
}

Interval hull(const Interval& a, const Interval& b) {
  return {std::min(a.least, b.least), std::max(a.greatest, b.greatest)};
}

// The hull of a * b over both; 0 * infinity is 0 here.
Interval product(const Interval& a, const Interval& b) {
  Interval all{kInfinity, -kInfinity};
  for (const double x : {a.least, a.greatest})
    for (const double y : {b.least, b.greatest}) {
      const double value = x == 0.0 || y == 0.0 ? 0.0 : x * y;
      all = hull(all, {value, value});
    }
  return all;
}

Interval inverse(const Interval& a) {
  if (a.least <= 0.0 && a.greatest >= 0.0) return {-kInfinity, kInfinity};
  return {1.0 / a.greatest, 1.0 / a.least};
}

Interval negative(const Interval& a) { return {-a.greatest, -a.least}; }

struct Bound {
  Interval interval{-kInfinity, kInfinity};
  int node = -1;  // that makes it
};

class Bounds {
 public:
  explicit Bounds(const engine::Model& model) : model_(model) {
    for (int at = 0; at < static_cast<int>(model.graph().nodes().size()); ++at)
      all_.push_back(bound(at));
  }

  const Bound& of(int at) const { return all_[at]; }

 private:
  // From those of the nodes before.
  Bound bound(int at) const {
    const Node& node = model_.graph().nodes()[at];
    const ops::Traits& traits = ops::traits_of(node);
    if (const Activation* activation = ops::activation_of(node); activation != nullptr)
      return {range_of(*activation), at};
    if (traits.range != nullptr)
      return {{traits.range(node).least, traits.range(node).greatest}, at};
    if (is_constant(at)) return {constant(at), at};
    if (traits.within_inputs)
      return joined(node, traits.counts_zeros != nullptr && traits.counts_zeros(node));
    return arithmetic(node, traits.arithmetic);
  }

  bool is_constant(int at) const {
    return ops::traits_of(model_.graph().nodes()[at]).kind == ops::Kind::kTensor &&
           !model_.parameters()[model_.parameters_of(at)[0]].trained;
  }

  Interval constant(int at) const {
    const engine::Parameter& parameter = model_.parameters()[model_.parameters_of(at)[0]];
    const auto [least, greatest] =
        std::minmax_element(model_.values(parameter), model_.values(parameter) + parameter.size);
    return {*least, *greatest};
  }

  Bound joined(const Node& node, bool with_zeros) const {
    Bound all = of(node.inputs[0]);
    if (with_zeros) all.interval = hull(all.interval, {0.0, 0.0});
    for (const int input : node.inputs) all.interval = hull(all.interval, of(input).interval);
    return all;
  }

  Bound arithmetic(const Node& node, ops::Arithmetic arithmetic) const {
    using ops::Arithmetic;
    if (arithmetic == Arithmetic::kNone || arithmetic == Arithmetic::kProduct) return {};
    const Bound a = of(node.inputs[0]), b = of(node.inputs[1]);
    const int maker = is_constant(node.inputs[0]) ? b.node : a.node;
    if (arithmetic == Arithmetic::kMultiply) return {product(a.interval, b.interval), maker};
    if (arithmetic == Arithmetic::kDivide) return {product(a.interval, inverse(b.interval)), maker};
    const Interval second = arithmetic == Arithmetic::kSubtract ? negative(b.interval) : b.interval;
    return {{a.interval.least + second.least, a.interval.greatest + second.greatest}, maker};
  }

  const engine::Model& model_;
  std::vector<Bound> all_;
};

// The values the loss compares an output with: classes as 0 and 1, one an output.
template <class Visit>
void for_each_target(const Dataset& data, std::int64_t outputs, const Visit& visit) {
  if (data.classes == 0)
    for (const float value : data.targets) visit(static_cast<double>(value));
  for (const std::int32_t label : data.labels) {
    if (outputs == 1) visit(static_cast<double>(label));
    for (std::int64_t j = 0; outputs > 1 && j < outputs; ++j) visit(label == j ? 1.0 : 0.0);
  }
}

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// The largest probability that a softmax can give one of `classes` outputs.
double most_certain(const Interval& logits, std::int64_t classes) {
  return 1.0 / (1.0 + static_cast<double>(classes - 1) * std::exp(logits.least - logits.greatest));
}

Interval as_the_loss_compares(const Interval& outputs, Loss loss, std::int64_t width) {
  switch (kind(loss)) {
    case LossKind::kProbabilities:
      return {sigmoid(outputs.least), sigmoid(outputs.greatest)};
    case LossKind::kClasses:
      return {0.0, most_certain(outputs, width)};
    case LossKind::kValues:
      break;
  }
  return outputs;
}

void measure(const Dataset& data, Loss loss, std::int64_t width, OutputReach& reach) {
  reach.targets = {kInfinity, -kInfinity};
  std::int64_t count = 0, out = 0;
  for_each_target(data, width, [&](double value) {
    reach.targets = hull(reach.targets, {value, value});
    ++count;
  });
  const bool classes = kind(loss) == LossKind::kClasses;
  const double tolerance = kind(loss) == LossKind::kValues
                               ? kTolerance * (reach.targets.greatest - reach.targets.least)
                               : kProbabilityTolerance;
  for_each_target(data, width, [&](double value) {
    // The others follow from it.
    const bool asked = !classes || value == 1.0;
    out += asked &&
           (value < reach.outputs.least - tolerance || value > reach.outputs.greatest + tolerance);
  });
  reach.share = static_cast<double>(out) / static_cast<double>(classes ? data.size : count);
}

}  // namespace

// Where the output grows with its argument to the end there is no bound.
Interval range_of(const Activation& activation) {
  if (activation.info().learned) return {-kInfinity, kInfinity};
  const auto f = [&](double x) {
    return static_cast<double>(activation.value(static_cast<float>(x)));
  };
  Interval range{f(0.0), f(0.0)};
  constexpr int kSteps = 32 * 256;
  for (int i = -kSteps; i <= kSteps; ++i) range = hull(range, {f(i / 256.0), f(i / 256.0)});
  constexpr double kFar = 1e38;
  for (const double end : {-kFar, kFar}) {
    const double value = f(end);
    const bool grows = std::fabs(value) > 1.0 && std::fabs(value) > 2.0 * std::fabs(f(0.1 * end));
    const double bound = grows ? std::copysign(kInfinity, value) : value;
    range = hull(range, {bound, bound});
  }
  return range;
}

std::optional<OutputReach> reach_of(const engine::Model& model, const Dataset& data, Loss loss) {
  if (!has_targets(data)) return std::nullopt;
  const Bounds bounds(model);
  const Bound& bound = bounds.of(model.graph().outputs().front());
  if (bound.node < 0 || !bounded(bound.interval)) return std::nullopt;
  const Node& node = model.graph().nodes()[bound.node];
  const std::int64_t width = ops::element_count(model.graph().output_shape());
  const bool takes_logits = kind(loss) != LossKind::kValues;
  const Activation* activation = ops::activation_of(node);
  OutputReach reach{.node = activation != nullptr
                                ? node.attributes.get_or<std::string>("layer", node.name)
                                : node.name,
                    .what = activation != nullptr ? activation->specification() : node.op,
                    .outputs = as_the_loss_compares(bound.interval, loss, width),
                    .twice = takes_logits && ops::head_of(node) != ops::Head::kNone};
  measure(data, loss, width, reach);
  return reach;
}

}  // namespace undying::doctor
