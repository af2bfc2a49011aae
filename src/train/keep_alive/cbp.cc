// Continual backpropagation (Dohare et al. 2024, Nature 632): after every step the utility of unit
// i of a layer becomes u <- .99 u + .01 |h_i| sum_k |w_ik|, |h_i| the mean over the batch and w_ik
// its outgoing weights as the step left them; of those older than MATURITY steps, n in number, n
// RATE units are replaced, the ones with the least u / (1 - .99^age), where what is below one unit
// is carried on to the next step.

#include <cmath>

#include "train/keep_alive/outgoing_weights.h"
#include "train/keep_alive/rules.h"

namespace undying::train {
namespace {

constexpr double kDecay = 0.99;  // in all experiments of the paper

class ContinualBackprop final : public Rule {
 public:
  ContinualBackprop(Treatment& treatment, double rate, double maturity)
      : rate_(rate), maturity_(maturity), outgoing_(treatment) {
    for (const TreatedLayer& layer : treatment.layers()) {
      const auto units = static_cast<std::size_t>(layer.units);
      layers_.push_back({std::vector<double>(units), std::vector<double>(units), {0.0}});
    }
  }

  bool replaces() const override { return true; }
  void updated(const engine::Slice& slice) override { outgoing_.updated(slice); }

  void step(const StepView& view, Treatment& treatment) override {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const TreatedLayer& treated = treatment.layers()[l];
      age(layers_[l], view, treated, outgoing_.sums(l));
      replace(layers_[l], l, view, treatment);
    }
  }

  void each_state(const VisitState& visit) override {
    for (Layer& layer : layers_)
      for (std::vector<double>* each : {&layer.utility, &layer.age, &layer.owed})
        visit(std::span(*each));
  }

 private:
  struct Layer {
    std::vector<double> utility;  // by unit
    std::vector<double> age;      // in steps
    std::vector<double> owed;     // one: units still to be replaced
  };

  static void age(Layer& layer, const StepView& view, const TreatedLayer& treated,
                  std::span<const double> weights) {
    const double* seen = view.abs_output.data() + treated.offset;
    const double share = (1.0 - kDecay) / static_cast<double>(view.examples * treated.positions);
    for (std::size_t unit = 0; unit < layer.utility.size(); ++unit) {
      layer.utility[unit] = kDecay * layer.utility[unit] + share * seen[unit] * weights[unit];
      layer.age[unit] += 1.0;
    }
  }

  double utility(const Layer& layer, std::size_t unit) const {
    return layer.utility[unit] / (1.0 - std::pow(kDecay, layer.age[unit]));
  }

  void replace(Layer& layer, std::size_t l, const StepView& view, Treatment& treatment) {
    const auto mature =
        std::ranges::count_if(layer.age, [&](double age) { return age > maturity_; });
    layer.owed[0] += rate_ * static_cast<double>(mature);
    const auto count = static_cast<std::ptrdiff_t>(layer.owed[0]);
    if (count == 0) return;
    layer.owed[0] -= static_cast<double>(count);
    std::vector<std::int64_t> units;
    for (std::size_t unit = 0; unit < layer.age.size(); ++unit)
      if (layer.age[unit] > maturity_) units.push_back(static_cast<std::int64_t>(unit));
    const auto end = units.begin() + std::min<std::ptrdiff_t>(count, std::ssize(units));
    std::ranges::partial_sort(units, end, {}, [&](std::int64_t unit) {
      return std::pair(utility(layer, static_cast<std::size_t>(unit)), unit);
    });
    units.erase(end, units.end());
    const double* seen = view.abs_output.data() + treatment.layers()[l].offset;
    const auto others =
        std::ranges::stable_partition(units, [&](std::int64_t unit) { return seen[unit] == 0.0; });
    const std::vector<std::int64_t> silent(units.begin(), others.begin());
    if (!silent.empty()) treatment.replace(view.step, l, silent, true);
    if (!others.empty()) treatment.replace(view.step, l, {others.begin(), others.end()}, false);
    for (const std::int64_t unit : units) {
      layer.utility[static_cast<std::size_t>(unit)] = 0.0;
      layer.age[static_cast<std::size_t>(unit)] = 0.0;
    }
  }

  double rate_;
  double maturity_;
  OutgoingWeights outgoing_;
  std::vector<Layer> layers_;
};

}  // namespace

RuleRow cbp_rule() {
  return {
      .name = "cbp",
      .source = "Dohare et al. 2024, Nature 632",
      .numbers = {{"RATE", 1e-4, 0.0, 1.0}, {"MATURITY", 100, 0, 1e12, true}},
      .first_step =
          [](std::span<const double> values, double units) {
            return values[1] + std::ceil(1.0 / (values[0] * units));  // infinite at a rate of 0
          },
      .make = [](Treatment& treatment, std::span<const double> values) -> std::unique_ptr<Rule> {
        return std::make_unique<ContinualBackprop>(treatment, values[0], values[1]);
      }};
}

}  // namespace undying::train
