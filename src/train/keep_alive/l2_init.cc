// L2 towards the initial weights (Kumar et al. 2023, arXiv 2308.11958): the loss grows by LAMBDA
// ||w - w_0||^2, over all that is trained but slopes, w_0 what the run began with; so 2 LAMBDA (w -
// w_0) comes to the gradient, and goes through the optimizer with it.

#include "train/keep_alive/rules.h"

namespace undying::train {
namespace {

class L2Init final : public Rule {
 public:
  L2Init(Treatment& treatment, double lambda)
      : model_(&treatment.model()), twice_(static_cast<float>(2.0 * lambda)) {
    const float* trained = model_->trained();
    initial_.assign(trained, trained + model_->trained_size());
  }

  optim::Pull pull(const engine::Slice& slice) const override {
    if (!model_->parameters()[static_cast<std::size_t>(slice.parameter)].decays) return {};
    return {initial_.data() + slice.offset, twice_};
  }

  void step(const StepView&, Treatment&) override {}

  void each_state(const VisitState& visit) override { visit(std::span(initial_)); }

 private:
  engine::Model* model_;
  float twice_;
  std::vector<float> initial_;
};

}  // namespace

RuleRow l2_init_rule() {
  return {
      .name = "l2-init",
      .source = "Kumar et al. 2023, arXiv 2308.11958",
      .numbers = {{"LAMBDA", 1e-3, 0.0, 1e6}},
      .first_step = [](std::span<const double> values,
                       double) { return values[0] > 0.0 ? 1.0 : kNever; },
      .make = [](Treatment& treatment, std::span<const double> values) -> std::unique_ptr<Rule> {
        return std::make_unique<L2Init>(treatment, values[0]);
      }};
}

}  // namespace undying::train
