// What can be said before training: second moments carried forward and backward through the graph,
// as if units were independent and pre-activations normal (the mean-field view of Poole et al. 2016
// and Schoenholz et al. 2017), and the bound on being born dead.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "doctor/diagnose/finding_names.h"
#include "engine/model.h"
#include "undying/doctor.h"

namespace undying {
namespace {

using Role = ops::ParameterSpec::Role;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLost = 1e-4;  // of the input's second moment, at the last layer
constexpr double kGrown = 1e4;

// E g(sqrt(q) Z), Z ~ N(0, 1), by the trapezoid rule, which is exact to rounding for smooth g and
// good to 1e-4 at a kink.
template <class G>
double normal_mean(double q, G g) {
  constexpr int kHalf = 4000;
  constexpr double kEnd = 8.0;
  const double scale = std::sqrt(q);
  double sum = 0.0, weights = 0.0;
  for (int i = -kHalf; i <= kHalf; ++i) {
    const double z = kEnd * i / kHalf;
    const double weight = std::exp(-0.5 * z * z);
    sum += weight * g(scale * z);
    weights += weight;
  }
  return sum / weights;
}

double square(double x) { return x * x; }

class Forecaster {
 public:
  Forecaster(const Graph& graph, Initializer initializer)
      : model_(graph), graph_(model_.graph()), initializer_(initializer) {
    moment_.resize(graph_.nodes().size());
    slope_.resize(graph_.nodes().size(), 0.0);
  }

  Forecast run() {
    for (std::size_t i = 0; i < moment_.size(); ++i) moment_[i] = forward(static_cast<int>(i));
    go_back();
    for (const engine::Layer& layer : model_.layers()) {
      const auto at = static_cast<std::size_t>(layer.node);
      const auto z = static_cast<std::size_t>(graph_.nodes()[at].inputs[0]);
      found_.layers.push_back(
          {layer.name, layer.activation, layer.units, moment_[z], moment_[at], gradient_[z]});
    }
    bound_born_dead();
    look();
    return std::move(found_);
  }

 private:
  const Node& node(int at) const { return graph_.nodes()[at]; }
  double input(const Node& node, std::size_t k = 0) const { return moment_[node.inputs[k]]; }

  void note(const std::string& text) {
    if (std::ranges::find(found_.notes, text) == found_.notes.end()) found_.notes.push_back(text);
  }

  // E w^2 of the weights a node is drawn with, and how many of them an output sums.
  struct Draw {
    double square = 0.0;
    double fan_in = 0.0;
    double fan_out = 0.0;
  };
  Draw draw_of(int at) const {
    const engine::Parameter& weight = model_.parameters()[model_.parameters_of(at)[0]];
    const auto outputs = static_cast<double>(weight.shape[0]);
    Draw draw{.fan_in = static_cast<double>(weight.size) / outputs};
    const double groups =
        static_cast<double>(node(at).attributes.get_or<std::int64_t>("groups", 1));
    draw.fan_out = static_cast<double>(weight.size) / static_cast<double>(weight.shape[1]) / groups;
    const double gain = model_.activation_behind(at).gain();
    switch (initializer_) {
      case Initializer::kXavierNormal:
      case Initializer::kXavierUniform:
        draw.square = 2.0 / (draw.fan_in + outputs);
        break;
      case Initializer::kLecunNormal:
        draw.square = 1.0 / draw.fan_in;
        break;
      case Initializer::kRandomizedAsymmetric:  // Beta(2, 1) has E b^2 = 1/2
        draw.square = (square(0.6007) + 0.5) / (draw.fan_in + 1.0);
        break;
      case Initializer::kKaimingNormal:
      case Initializer::kKaimingUniform:
      case Initializer::kOrthogonal:
        draw.square = gain * gain / draw.fan_in;
    }
    return draw;
  }

  bool is_constant(int at) const {
    return ops::traits_of(node(at)).kind == ops::Kind::kTensor &&
           !model_.parameters()[model_.parameters_of(at)[0]].trained;
  }

  double forward(int at) {
    const Node& here = node(at);
    const ops::Traits& traits = ops::traits_of(here);
    if (is_constant(at)) note("constants are taken to have E x^2 = 1");
    if (traits.transposed)
      note(
          "a transposed convolution is taken to sum as many numbers as its kernel has, whatever "
          "its stride");
    using ops::Arithmetic;
    const bool sums =
        traits.arithmetic == Arithmetic::kAdd || traits.arithmetic == Arithmetic::kSubtract;
    if ((traits.arithmetic != Arithmetic::kNone && !sums) || traits.kind == ops::Kind::kConcat)
      note(
          "products, quotients and concatenations are taken to have the second moment of their "
          "first input");
    if (here.inputs.empty()) return 1.0;
    if (ops::makes_units(here)) {
      const Draw draw = draw_of(at);
      return draw.square * draw.fan_in * input(here);
    }
    if (traits.norm != ops::Norm::kNone) return 1.0;
    if (const Activation* f = ops::activation_of(here); f != nullptr) {
      slope_[at] = normal_mean(
          input(here), [&](double z) { return square(f->derivative(static_cast<float>(z))); });
      return normal_mean(input(here),
                         [&](double z) { return square(f->value(static_cast<float>(z))); });
    }
    if (sums) return input(here, 0) + input(here, 1);
    if (traits.pool != ops::Pool::kNone)
      note(
          "pooling is taken to leave second moments as they are: a max pool raises them, an "
          "average lowers them");
    return input(here);
  }

  // E of the squared gradient of every node's output, relative to that of the network's output.
  void go_back() {
    gradient_.assign(moment_.size(), 0.0);
    gradient_[graph_.outputs().front()] = 1.0;
    for (int at = static_cast<int>(moment_.size()); at-- > 0;) {
      const auto here = static_cast<std::size_t>(at);
      for (const int src : node(at).inputs) gradient_[src] += gradient_[here] * factor(at);
    }
  }

  double factor(int at) const {
    if (ops::makes_units(node(at))) {
      const Draw draw = draw_of(at);
      return draw.square * draw.fan_out;
    }
    if (ops::traits_of(node(at)).norm != ops::Norm::kNone)
      return input(node(at)) > 0.0 ? 1.0 / input(node(at)) : 0.0;
    return ops::activation_of(node(at)) != nullptr ? slope_[at] : 1.0;
  }

  // A chain of linear layers with ReLU behind all but the last, and no norm; dropout and views do
  // not matter.
  bool is_relu_chain() const {
    for (int at = 0; at < static_cast<int>(moment_.size()); ++at) {
      const Node& here = node(at);
      const Activation* f = ops::activation_of(here);
      if (f != nullptr && f->info().name != "relu") return false;
      const bool linear = ops::makes_units(here) && !ops::has_channels(here);
      const bool known = ops::is_input(here) || linear || f != nullptr ||
                         (ops::is_view(here) && ops::keeps_units(here));
      if (!known || (at > 0 && here.inputs != std::vector<int>{at - 1})) return false;
    }
    return !model_.layers().empty() && initializer_ != Initializer::kRandomizedAsymmetric;
  }

  void bound_born_dead() {
    found_.born_dead_bound = found_.born_dead_lower = kNan;
    if (!is_relu_chain())
      return note(
          "the bound on being born dead is of fully connected ReLU networks with symmetric weights "
          "and zero biases");
    double alive = 1.0;
    bool equal = true;
    for (const engine::Layer& layer : model_.layers()) {
      alive *= 1.0 - std::exp2(-static_cast<double>(layer.units));
      equal = equal && layer.units == model_.layers()[0].units;
    }
    found_.born_dead_bound = 1.0 - alive;
    if (!equal || ops::element_count(graph_.input_shape()) != 1) return;
    const auto n = static_cast<double>(model_.layers()[0].units);
    const double hidden = static_cast<double>(model_.layers().size());  // L - 1
    const double a1 = 1.0 - std::exp2(-n);
    const double a2 = 1.0 - std::exp2(1.0 - n) - (n - 1.0) * std::exp2(-2.0 * n);
    const double factor = (1.0 - std::exp2(1.0 - n)) * a1 / (1.0 + (n - 1.0) * std::exp2(-n));
    found_.born_dead_lower = 1.0 - std::pow(a1, hidden - 1.0) +
                             factor * (std::pow(a2, hidden - 1.0) - std::pow(a1, hidden - 1.0));
  }

  void add(std::string_view what, const std::string& layer, double cost, std::string evidence,
           std::string remedy) {
    found_.findings.push_back(
        {std::string(what), layer, {}, cost, std::move(evidence), std::move(remedy)});
  }

  void look() {
    if (found_.born_dead_bound > 0.01)
      add("born dead", "", found_.born_dead_bound,
          fmt::format("the network is dead at a given input with probability {:.3g}, an upper "
                      "bound on being born dead (Lu et al. 2019)",
                      found_.born_dead_bound),
          "wider or fewer layers, leaky_relu, or the randomized asymmetric draw");
    if (found_.layers.empty()) return;
    const LayerForecast& first = found_.layers.front();
    const LayerForecast& last = found_.layers.back();
    if (last.signal < kLost)
      add(doctor::kVanishingSignal, last.name, 0.5,
          fmt::format("E h^2 falls to {:.2g} for inputs with E x^2 = 1", last.signal),
          "kaiming-normal, which has the activation's gain, or batch norm");
    if (last.signal > kGrown)
      add(doctor::kExplodingSignal, last.name, 0.5,
          fmt::format("E h^2 grows to {:.2g} for inputs with E x^2 = 1", last.signal),
          "kaiming-normal, which has the activation's gain, or batch norm");
    const double ratio = first.gradient / last.gradient;
    if (ratio < kLost)
      add(doctor::kVanishingGradients, first.name, 0.5,
          fmt::format("E (dL/dz)^2 of the first layer is {:.2g} of the last one's", ratio),
          "leaky_relu or elu with kaiming-normal, batch norm, a residual path");
    if (ratio > kGrown)
      add(doctor::kExplodingGradients, first.name, 0.5,
          fmt::format("E (dL/dz)^2 of the first layer is {:.2g} times the last one's", ratio),
          "kaiming-normal, clipping, batch norm");
    std::ranges::stable_sort(found_.findings, std::greater<>(), &Finding::cost);
  }

  engine::Model model_;
  const Graph& graph_;
  Initializer initializer_;
  std::vector<double> moment_;    // E of the squared output, by node
  std::vector<double> slope_;     // E f'^2, by activation node
  std::vector<double> gradient_;  // by node
  Forecast found_;
};

}  // namespace

Forecast forecast(const Graph& graph, Initializer initializer) {
  return Forecaster(graph, initializer).run();
}

}  // namespace undying
