// Shrink and perturb (Ash & Adams 2020, arXiv 1910.08475): w <- SHRINK w + NOISE p, p a fresh
// initial draw. The paper does so whenever new data has come; a loop that does not know when that
// is does so every EVERY steps, and by default more mildly than the paper's .4 and .1.

#include "train/keep_alive/rules.h"

namespace undying::train {
namespace {

class ShrinkPerturb final : public Rule {
 public:
  ShrinkPerturb(double shrink, double noise, std::int64_t every)
      : shrink_(shrink), noise_(noise), every_(every) {}

  void step(const StepView& view, Treatment& treatment) override {
    if (view.step % every_ == 0) treatment.perturb(view.step, shrink_, noise_);
  }

 private:
  double shrink_;
  double noise_;
  std::int64_t every_;
};

}  // namespace

RuleRow shrink_perturb_rule() {
  return {.name = "shrink-perturb",
          .source = "Ash & Adams 2020, arXiv 1910.08475",
          .numbers = {{"SHRINK", 0.9, 0.0, 1.0},
                      {"NOISE", 0.1, 0.0, 100.0},
                      {"EVERY", 1000, 1, 1e12, true}},
          .first_step =
              [](std::span<const double> values, double) {
                return values[0] == 1.0 && values[1] == 0.0 ? kNever : values[2];
              },
          .make = [](Treatment&, std::span<const double> values) -> std::unique_ptr<Rule> {
            return std::make_unique<ShrinkPerturb>(values[0], values[1],
                                                   static_cast<std::int64_t>(values[2]));
          }};
}

}  // namespace undying::train
