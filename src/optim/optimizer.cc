#include "undying/optimizer.h"

#include <fmt/format.h>

#include <cmath>

#include "optim/update.h"
#include "undying/error.h"

namespace undying {
namespace {

template <class... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};

[[noreturn]] void fail(std::string_view optimizer, std::string_view setting, double found, std::string_view expected) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("{} {}", optimizer, setting), fmt::format("is {}; expected {}", found, expected));
}

void check_positive(std::string_view optimizer, std::string_view setting, float value) {
  if (!(value > 0.0f && std::isfinite(value))) fail(optimizer, setting, value, "a number above 0");
}

void check_share(std::string_view optimizer, std::string_view setting, float value) {
  if (!(value >= 0.0f && value < 1.0f)) fail(optimizer, setting, value, "0 <= value < 1");
}

void check_decay(std::string_view optimizer, float value) {
  if (!(value >= 0.0f && std::isfinite(value))) fail(optimizer, "weight decay", value, "0 or more");
}

template <class Settings>
void check_adam(std::string_view name, const Settings& adam) {
  check_share(name, "beta1", adam.beta1);
  check_share(name, "beta2", adam.beta2);
  check_positive(name, "epsilon", adam.epsilon);
}

}  // namespace

std::string_view name(const Optimizer& optimizer) {
  return std::visit(Overload{[](const Sgd&) { return "sgd"; }, [](const Adam&) { return "adam"; }, [](const AdamW&) { return "adamw"; },
                             [](const RmsProp&) { return "rmsprop"; }},
                    optimizer);
}

float learning_rate(const Optimizer& optimizer) {
  return std::visit([](const auto& settings) { return settings.learning_rate; }, optimizer);
}

Optimizer with_learning_rate(Optimizer optimizer, float rate) {
  std::visit([rate](auto& settings) { settings.learning_rate = rate; }, optimizer);
  return optimizer;
}

namespace optim {

int state_count(const Optimizer& optimizer) {
  if (const auto* sgd = std::get_if<Sgd>(&optimizer)) return sgd->momentum == 0.0f ? 0 : 1;
  return 2;
}

void validate(const Optimizer& optimizer) {
  const std::string_view which = name(optimizer);
  check_positive(which, "learning rate", learning_rate(optimizer));
  check_decay(which, std::visit([](const auto& settings) { return settings.weight_decay; }, optimizer));
  if (const auto* sgd = std::get_if<Sgd>(&optimizer)) {
    check_share(which, "momentum", sgd->momentum);
    if (sgd->nesterov && sgd->momentum == 0.0f) fail(which, "momentum", 0.0, "above 0 with nesterov");
  } else if (const auto* adam = std::get_if<Adam>(&optimizer)) {
    check_adam(which, *adam);
  } else if (const auto* adamw = std::get_if<AdamW>(&optimizer)) {
    check_adam(which, *adamw);
  } else if (const auto* rms = std::get_if<RmsProp>(&optimizer)) {
    check_share(which, "alpha", rms->alpha);
    check_share(which, "momentum", rms->momentum);
    check_positive(which, "epsilon", rms->epsilon);
  }
}

}  // namespace optim
}  // namespace undying
