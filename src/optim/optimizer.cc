#include "undying/optimizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <utility>

#include "optim/update.h"
#include "undying/error.h"

namespace undying {
namespace {

[[noreturn]] void fail(std::string_view optimizer, std::string_view setting, double found,
                       std::string_view expected) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("{} {}", optimizer, setting),
              fmt::format("is {}; expected {}", found, expected));
}

std::string range_of(const Setting& setting) {
  if (setting.greatest >= Setting::kMost)
    return setting.least == 0.0 ? "0 or more" : "a number above 0";
  return fmt::format("a number from {} to {}", setting.least, setting.greatest);
}

// One default an alternative, in order.
template <std::size_t... kIndex>
std::vector<Optimizer> all(std::index_sequence<kIndex...>) {
  return {Optimizer(std::in_place_index<kIndex>)...};
}

std::vector<Optimizer> all() {
  return all(std::make_index_sequence<std::variant_size_v<Optimizer>>());
}

}  // namespace

std::string_view name(const Optimizer& optimizer) {
  return std::visit([](const auto& settings) { return settings.kName; }, optimizer);
}

std::vector<std::string_view> optimizer_names() {
  std::vector<std::string_view> names;
  for (const Optimizer& each : all()) names.push_back(name(each));
  return names;
}

Optimizer parse_optimizer(std::string_view text) {
  for (Optimizer& each : all())
    if (name(each) == text) return each;
  throw Error(ErrorCode::kInvalidArgument, fmt::format("optimizer {}", text),
              fmt::format("is not known; expected one of {}", fmt::join(optimizer_names(), ", ")));
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
  return std::visit([](const auto& settings) { return settings.states(); }, optimizer);
}

void validate(const Optimizer& optimizer) {
  visit_settings(optimizer, [&](const Setting& setting, const auto& value) {
    const auto number = static_cast<double>(value);
    // A float32 setting may lie a rounding beyond the bound that it was given as.
    const bool inside =
        number >= setting.least * (1.0 - 1e-7) && number <= setting.greatest * (1.0 + 1e-7);
    if (!inside || !std::isfinite(number))
      fail(name(optimizer), setting.label, number, range_of(setting));
  });
  const auto* sgd = std::get_if<Sgd>(&optimizer);
  if (sgd != nullptr && sgd->nesterov && sgd->momentum == 0.0f)
    fail("sgd", "momentum", 0.0, "above 0 with nesterov");
}

}  // namespace optim
}  // namespace undying
