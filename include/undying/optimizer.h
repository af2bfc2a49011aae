#ifndef UNDYING_OPTIMIZER_H_
#define UNDYING_OPTIMIZER_H_

#include <cstdint>
#include <string_view>
#include <variant>

namespace undying {

// Optimizers follow PyTorch's definitions, so that a run can be repeated there. The base learning rate is part of each.

// v <- momentum * v + g;  w <- w - lr * v  (Nesterov: w <- w - lr * (g + momentum * v)); g includes weight_decay * w.
struct Sgd {
  float learning_rate = 0.01f;
  float momentum = 0.0f;
  bool nesterov = false;
  float weight_decay = 0.0f;  // L2, added to the gradient
};

// Kingma & Ba 2015, arXiv 1412.6980. weight_decay is L2, added to the gradient.
struct Adam {
  float learning_rate = 1e-3f;
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
  float weight_decay = 0.0f;
};

// Loshchilov & Hutter 2019, arXiv 1711.05101: weight decay decoupled, w <- w - lr * weight_decay * w.
struct AdamW {
  float learning_rate = 1e-3f;
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
  float weight_decay = 0.01f;
};

// Tieleman & Hinton 2012: s <- alpha * s + (1 - alpha) * g^2;  w <- w - lr * g / (sqrt(s) + epsilon), with optional momentum.
struct RmsProp {
  float learning_rate = 0.01f;
  float alpha = 0.99f;
  float epsilon = 1e-8f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
};

using Optimizer = std::variant<Sgd, Adam, AdamW, RmsProp>;

std::string_view name(const Optimizer& optimizer);  // "sgd", "adam", "adamw", "rmsprop"
float learning_rate(const Optimizer& optimizer);    // the base rate
Optimizer with_learning_rate(Optimizer optimizer, float rate);

// The learning rate over a run of `total` steps, as a factor of the base rate. Linear warm-up comes first, from base / warmup
// to base over `warmup` steps; the schedule runs over the steps that remain.
struct Schedule {
  enum class Kind {
    kConstant,
    kStep,      // times `gamma` every `period` steps
    kCosine,    // half a cosine from 1 to `final_factor` (Loshchilov & Hutter 2017, arXiv 1608.03983)
    kOneCycle,  // up from 1/25 to 1 over 30% of the steps, down to 1/25e4, both as half cosines (Smith & Topin 2018, arXiv 1708.07120)
  };
  Kind kind = Kind::kConstant;
  std::int64_t warmup = 0;
  std::int64_t period = 1000;
  double gamma = 0.1;
  double final_factor = 0.0;
};

// The factor at `step` (0-based) of `total`. Throws Error{kInvalidArgument} on a negative warm-up, period <= 0 or warm-up > total.
double learning_rate_factor(const Schedule& schedule, std::int64_t step, std::int64_t total);

// Parses "constant", "step:PERIOD[,GAMMA]", "cosine[:FINAL]", "one-cycle". Throws Error{kInvalidArgument}.
Schedule parse_schedule(std::string_view text);

}  // namespace undying

#endif  // UNDYING_OPTIMIZER_H_
