#include "report/json.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <type_traits>

namespace undying::report {

Json setting(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

namespace {

Json optimizer_json(const Optimizer& optimizer) {
  Json json = {{"optimizer", name(optimizer)}};
  visit_settings(optimizer, [&](const Setting& each, const auto& value) {
    json[std::string(each.name)] = setting(value);
  });
  return json;
}

// A setting by its type; the optimizer has written its own.
template <class T>
void add(Json& json, const Setting& setting, const T& value) {
  const std::string key(setting.name);
  if constexpr (std::is_arithmetic_v<T>) {
    json[key] = value;
  } else if constexpr (std::is_enum_v<T>) {
    json[key] = name(value);
  } else if constexpr (std::is_same_v<T, std::optional<Metric>>) {
    json[key] = value ? Json(name(*value)) : Json(nullptr);
  } else if constexpr (std::is_same_v<T, Schedule>) {
    json[key] = specification(value);
  } else if constexpr (std::is_same_v<T, Augmentation> || std::is_same_v<T, KeepAlive>) {
    json[key] = value.specification();
  } else {
    static_assert(std::is_same_v<T, Optimizer>);
  }
}

// One array a field of LayerHealth: rows are censuses, columns layers.
template <class Field>
Json matrix(const Ledger& ledger, Field field) {
  Json rows = Json::array();
  for (const CensusRecord& census : ledger.censuses) {
    Json row = Json::array();
    for (const LayerHealth& layer : census.layers) row.push_back(field(layer));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

const char* state_name(UnitState state) {
  switch (state) {
    case UnitState::kDead:
      return "dead";
    case UnitState::kAlwaysNegative:
      return "always negative";
    case UnitState::kAlwaysPositive:
      return "always positive";
    case UnitState::kAlive:
      break;
  }
  return "alive";
}

std::string text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json rounded(double value) {
  return number(std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr));
}

Json batch_norm_json(const std::optional<bool>& batch_norm) {
  return batch_norm ? Json(*batch_norm) : Json(nullptr);
}

Json settings_json(const TrainSettings& settings) {
  Json json = optimizer_json(settings.optimizer);
  TrainSettings::each(
      settings, [&](const Setting& setting, const auto& value) { add(json, setting, value); });
  json["init_seed"] = settings.init_seed == 0 ? settings.seed : settings.init_seed;
  return json;
}

Json estimate_json(const Estimate& estimate) {
  return {{"mean", number(estimate.mean)},
          {"lower", number(estimate.lower)},
          {"upper", number(estimate.upper)},
          {"n", estimate.n}};
}

Json layer_json(const Ledger& ledger, std::size_t l) {
  const LayerHealth health = ledger.censuses.empty() ? LayerHealth{.name = ledger.layers[l]}
                                                     : ledger.censuses.back().layers[l];
  Json rates = Json::array();
  Json states = Json::array();
  Json events = Json::array();
  for (std::size_t u = 0; u < ledger.lives[l].size(); ++u) {
    const UnitLife& life = ledger.lives[l][u];
    rates.push_back(life.firing_rate);
    states.push_back(state_name(life.state));
    if (!life.died.empty())
      events.push_back({{"unit", u},
                        {"born_dead", life.born_dead},
                        {"died", life.died},
                        {"revived", life.revived}});
  }
  return {{"name", ledger.layers[l]},
          {"units", ledger.lives[l].size()},
          {"dead", health.dead},
          {"born_dead", health.born_dead},
          {"always_negative", health.always_negative},
          {"always_positive", health.always_positive},
          {"dormant", health.dormant},
          {"saturated", number(health.saturated)},
          {"firing_rate", number(health.firing_rate)},
          {"gradient_norm", number(health.gradient_norm)},
          {"update_ratio", number(health.update_ratio)},
          {"signal_variance", number(health.signal_variance)},
          {"firing_rates", std::move(rates)},
          {"states", std::move(states)},
          {"events", std::move(events)}};
}

Json ledger_json(const Ledger& ledger) {
  Json layers = Json::array();
  for (std::size_t l = 0; l < ledger.lives.size(); ++l) layers.push_back(layer_json(ledger, l));
  return {{"data", ledger.data},
          {"examples", ledger.examples},
          {"units", ledger.units()},
          {"dead", ledger.dead()},
          {"born_dead", ledger.born_dead()},
          {"always_negative", ledger.always_negative()},
          {"died", ledger.died()},
          {"revived", ledger.revived()},
          {"layers", std::move(layers)}};
}

Json censuses_json(const Ledger& ledger) {
  Json steps = Json::array();
  Json ratios = Json::array();
  for (const CensusRecord& census : ledger.censuses) {
    steps.push_back(census.step);
    ratios.push_back(rounded(census.gradient_norm_ratio));
  }
  Json units = Json::array();
  for (const auto& layer : ledger.lives) units.push_back(layer.size());
  return {{"step", std::move(steps)},
          {"gradient_norm_ratio", std::move(ratios)},
          {"layers", ledger.layers},
          {"units", std::move(units)},
          {"dead", matrix(ledger, [](const LayerHealth& layer) { return Json(layer.dead); })},
          {"died", matrix(ledger, [](const LayerHealth& layer) { return Json(layer.died); })},
          {"revived", matrix(ledger, [](const LayerHealth& layer) { return Json(layer.revived); })},
          {"firing_rate",
           matrix(ledger, [](const LayerHealth& layer) { return rounded(layer.firing_rate); })},
          {"gradient_norm",
           matrix(ledger, [](const LayerHealth& layer) { return rounded(layer.gradient_norm); })},
          {"update_ratio",
           matrix(ledger, [](const LayerHealth& layer) { return rounded(layer.update_ratio); })},
          {"signal_variance",
           matrix(ledger, [](const LayerHealth& layer) { return rounded(layer.signal_variance); })},
          {"effective_rank",
           matrix(ledger, [](const LayerHealth& layer) { return rounded(layer.effective_rank); })}};
}

}  // namespace undying::report
