// ReDo (Sokar et al. 2023, arXiv 2302.12902): every EVERY steps the tau-dormant units of each
// layer, those with E|h_j| <= TAU mean_k E|h_k|, are replaced. E is taken over all examples since
// the last time, where the paper takes a batch: one batch is not evidence, and one example is none.

#include "train/keep_alive/rules.h"

namespace undying::train {
namespace {

class Redo final : public Rule {
 public:
  Redo(const Treatment& treatment, double tau, std::int64_t every) : tau_(tau), every_(every) {
    for (const TreatedLayer& layer : treatment.layers())
      sums_.emplace_back(static_cast<std::size_t>(layer.units), 0.0);
  }

  bool replaces() const override { return true; }

  void step(const StepView& view, Treatment& treatment) override {
    for (std::size_t l = 0; l < sums_.size(); ++l) {
      const double* seen = view.abs_output.data() + treatment.layers()[l].offset;
      for (std::size_t unit = 0; unit < sums_[l].size(); ++unit) sums_[l][unit] += seen[unit];
    }
    if (view.step % every_ != 0) return;
    for (std::size_t l = 0; l < sums_.size(); ++l) recycle(view.step, l, treatment);
  }

  void each_state(const VisitState& visit) override {
    for (std::vector<double>& sums : sums_) visit(std::span(sums));
  }

 private:
  void recycle(std::int64_t step, std::size_t l, Treatment& treatment) {
    std::vector<double>& sums = sums_[l];
    double total = 0.0;
    for (const double sum : sums) total += sum;
    const double most = tau_ * total / static_cast<double>(sums.size());
    std::vector<std::int64_t> dormant[2];  // silent ones apart
    for (std::size_t unit = 0; unit < sums.size(); ++unit)
      if (sums[unit] <= most)
        dormant[sums[unit] == 0.0 ? 1 : 0].push_back(static_cast<std::int64_t>(unit));
    treatment.replace(step, l, dormant[1], true);
    treatment.replace(step, l, dormant[0], false);
    std::ranges::fill(sums, 0.0);
  }

  double tau_;
  std::int64_t every_;
  std::vector<std::vector<double>> sums_;  // of |h|, by treated layer and unit
};

}  // namespace

RuleRow redo_rule() {
  return {
      .name = "redo",
      .source = "Sokar et al. 2023, arXiv 2302.12902",
      .numbers = {{"TAU", 0.1, 0.0, 1.0}, {"EVERY", 1000, 1, 1e12, true}},
      .first_step = [](std::span<const double> values, double) { return values[1]; },
      .make = [](Treatment& treatment, std::span<const double> values) -> std::unique_ptr<Rule> {
        return std::make_unique<Redo>(treatment, values[0], static_cast<std::int64_t>(values[1]));
      }};
}

}  // namespace undying::train
