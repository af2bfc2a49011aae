#ifndef UNDYING_OPTIMIZER_H_
#define UNDYING_OPTIMIZER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "undying/setting.h"

namespace undying {

// Optimizers follow PyTorch's definitions, so that a run can be repeated there. The base learning
// rate is part of each. One is its struct here, with name, settings and the arenas of state it
// carries, its entry in `Optimizer`, and its arithmetic in src/optim/update-inl.h.
namespace optim {

inline constexpr Setting kRate{"lr", "learning rate", "learning rate", 1e-30};
inline constexpr Setting kDecay{"weight_decay", "weight decay", "L2, never on PReLU slopes", 0.0,
                                Setting::kMost, "decay"};
inline constexpr Setting kDecoupledDecay{"weight_decay", "weight decay", "decoupled", 0.0,
                                         Setting::kMost, "decay"};
inline constexpr Setting kMomentum{"momentum", "momentum", "momentum", 0.0, 0.99999};
inline constexpr Setting kBeta1{"beta1", "beta1", "decay of the mean of gradients",
                                0.0,     0.99999, "betas"};
inline constexpr Setting kBeta2{"beta2", "beta2", "decay of the longer mean", 0.0, 0.9999999, "-"};
inline constexpr Setting kEpsilon{"epsilon", "epsilon", "added to the divisor", 1e-30, 1.0};

}  // namespace optim

// v <- momentum * v + g;  w <- w - lr * v  (Nesterov: w <- w - lr * (g + momentum * v)); g includes
// weight_decay * w.
struct Sgd {
  static constexpr std::string_view kName = "sgd";
  float learning_rate = 0.01f;
  float momentum = 0.0f;
  bool nesterov = false;
  float weight_decay = 0.0f;  // L2, added to the gradient

  int states() const { return momentum == 0.0f ? 0 : 1; }
  template <class Self, class Visit>
  static void each(Self& self, Visit&& visit) {
    visit(optim::kRate, self.learning_rate);
    visit(optim::kMomentum, self.momentum);
    visit(Setting{"nesterov", "nesterov", "Nesterov momentum"}, self.nesterov);
    visit(optim::kDecay, self.weight_decay);
  }
};

// Kingma & Ba 2015, arXiv 1412.6980. weight_decay is L2, added to the gradient.
struct Adam {
  static constexpr std::string_view kName = "adam";
  float learning_rate = 1e-3f;
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
  float weight_decay = 0.0f;

  int states() const { return 2; }
  template <class Self, class Visit>
  static void each(Self& self, Visit&& visit) {
    visit(optim::kRate, self.learning_rate);
    visit(optim::kBeta1, self.beta1);
    visit(optim::kBeta2, self.beta2);
    visit(optim::kEpsilon, self.epsilon);
    visit(optim::kDecay, self.weight_decay);
  }
};

// Loshchilov & Hutter 2019, arXiv 1711.05101: weight decay decoupled, w <- w - lr * weight_decay *
// w.
struct AdamW {
  static constexpr std::string_view kName = "adamw";
  float learning_rate = 1e-3f;
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
  float weight_decay = 0.01f;

  int states() const { return 2; }
  template <class Self, class Visit>
  static void each(Self& self, Visit&& visit) {
    visit(optim::kRate, self.learning_rate);
    visit(optim::kBeta1, self.beta1);
    visit(optim::kBeta2, self.beta2);
    visit(optim::kEpsilon, self.epsilon);
    visit(optim::kDecoupledDecay, self.weight_decay);
  }
};

// Tieleman & Hinton 2012: s <- alpha * s + (1 - alpha) * g^2;  w <- w - lr * g / (sqrt(s) +
// epsilon), with optional momentum.
struct RmsProp {
  static constexpr std::string_view kName = "rmsprop";
  float learning_rate = 0.01f;
  float alpha = 0.99f;
  float epsilon = 1e-8f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;

  int states() const { return 2; }
  template <class Self, class Visit>
  static void each(Self& self, Visit&& visit) {
    visit(optim::kRate, self.learning_rate);
    visit(Setting{"alpha", "alpha", "decay of the mean of squares", 0.0, 0.9999999}, self.alpha);
    visit(optim::kEpsilon, self.epsilon);
    visit(optim::kMomentum, self.momentum);
    visit(optim::kDecay, self.weight_decay);
  }
};

// Chen et al. 2023, arXiv 2302.06675: w <- w - lr * (sign(beta1 * m + (1 - beta1) * g) +
// weight_decay * w), then m <- beta2 * m + (1 - beta2) * g. Each weight moves by lr, so that rates
// are 3 to 10 times smaller than AdamW's.
struct Lion {
  static constexpr std::string_view kName = "lion";
  float learning_rate = 1e-4f;
  float beta1 = 0.9f;
  float beta2 = 0.99f;
  float weight_decay = 0.0f;

  int states() const { return 1; }
  template <class Self, class Visit>
  static void each(Self& self, Visit&& visit) {
    visit(optim::kRate, self.learning_rate);
    visit(optim::kBeta1, self.beta1);
    visit(optim::kBeta2, self.beta2);
    visit(optim::kDecoupledDecay, self.weight_decay);
  }
};

using Optimizer = std::variant<Sgd, Adam, AdamW, RmsProp, Lion>;

std::string_view name(const Optimizer& optimizer);  // "sgd"
std::vector<std::string_view> optimizer_names();
// With its default settings. Throws Error{kInvalidArgument} listing what is known.
Optimizer parse_optimizer(std::string_view name);
float learning_rate(const Optimizer& optimizer);  // the base rate
Optimizer with_learning_rate(Optimizer optimizer, float rate);

// visit(Setting, float or bool) for each setting of an optimizer.
template <class Visit>
void visit_settings(const Optimizer& optimizer, const Visit& visit) {
  std::visit([&](const auto& settings) { settings.each(settings, visit); }, optimizer);
}
template <class Visit>
void visit_settings(Optimizer& optimizer, const Visit& visit) {
  std::visit([&](auto& settings) { settings.each(settings, visit); }, optimizer);
}

// The learning rate over a run of `total` steps, as a factor of the base rate. Linear warm-up comes
// first, from base / warmup to base over `warmup` steps; the schedule runs over the steps that
// remain.
struct Schedule {
  enum class Kind {
    kConstant,
    kStep,    // times `gamma` every `period` steps
    kCosine,  // half a cosine from 1 to `final_factor` (Loshchilov & Hutter 2017, arXiv 1608.03983)
    kOneCycle,  // up from 1/25 to 1 over 30% of the steps, down to 1/25e4, both as half cosines
                // (Smith & Topin 2018, arXiv 1708.07120)
  };
  Kind kind = Kind::kConstant;
  std::int64_t warmup = 0;
  std::int64_t period = 1000;
  double gamma = 0.1;
  double final_factor = 0.0;
};

// The factor at `step` (0-based) of `total`. Throws Error{kInvalidArgument} on a negative warm-up,
// period <= 0 or warm-up > total.
double learning_rate_factor(const Schedule& schedule, std::int64_t step, std::int64_t total);

// Parses "constant", "step:PERIOD[,GAMMA]" and the like; all but the warm-up. Throws
// Error{kInvalidArgument}.
Schedule parse_schedule(std::string_view text);
std::string specification(const Schedule& schedule);  // as it takes it
std::vector<std::string> schedule_forms();            // "cosine[:FINAL]"

}  // namespace undying

#endif  // UNDYING_OPTIMIZER_H_
