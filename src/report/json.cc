#include "report/json.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace undying::report {

Json setting(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

namespace {

Json optimizer_json(const Optimizer& optimizer) {
  Json json = {{"optimizer", name(optimizer)}, {"lr", setting(learning_rate(optimizer))}};
  if (const auto* sgd = std::get_if<Sgd>(&optimizer)) {
    json.update({{"momentum", setting(sgd->momentum)}, {"nesterov", sgd->nesterov}, {"weight_decay", setting(sgd->weight_decay)}});
  } else if (const auto* rms = std::get_if<RmsProp>(&optimizer)) {
    json.update({{"alpha", setting(rms->alpha)},
                 {"epsilon", setting(rms->epsilon)},
                 {"momentum", setting(rms->momentum)},
                 {"weight_decay", setting(rms->weight_decay)}});
  } else {
    const auto fill = [&](const auto& adam) {
      json.update({{"beta1", setting(adam.beta1)},
                   {"beta2", setting(adam.beta2)},
                   {"epsilon", setting(adam.epsilon)},
                   {"weight_decay", setting(adam.weight_decay)}});
    };
    if (const auto* plain = std::get_if<Adam>(&optimizer)) fill(*plain);
    if (const auto* decoupled = std::get_if<AdamW>(&optimizer)) fill(*decoupled);
  }
  return json;
}

std::string schedule_text(const Schedule& schedule) {
  switch (schedule.kind) {
    case Schedule::Kind::kStep:
      return fmt::format("step:{},{}", schedule.period, schedule.gamma);
    case Schedule::Kind::kCosine:
      return fmt::format("cosine:{}", schedule.final_factor);
    case Schedule::Kind::kOneCycle:
      return "one-cycle";
    case Schedule::Kind::kConstant:
      break;
  }
  return "constant";
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

std::string text(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json rounded(double value) { return number(std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr)); }

Json batch_norm_json(const std::optional<bool>& batch_norm) { return batch_norm ? Json(*batch_norm) : Json(nullptr); }

Json settings_json(const TrainSettings& settings) {
  Json json = optimizer_json(settings.optimizer);
  json.update({{"schedule", schedule_text(settings.schedule)},
               {"warmup", settings.schedule.warmup},
               {"loss", name(settings.loss)},
               {"label_smoothing", settings.label_smoothing},
               {"huber_delta", settings.huber_delta},
               {"class_weights", name(settings.class_weights)},
               {"metric", settings.metric ? Json(name(*settings.metric)) : Json(nullptr)},
               {"early_stop", settings.early_stop},
               {"clip_norm", settings.clip_norm},
               {"init_scheme", name(settings.initializer)},
               {"precision", name(settings.precision)},
               {"batch", settings.batch},
               {"epochs", settings.epochs},
               {"steps", settings.max_steps},
               {"seed", settings.seed},
               {"init_seed", settings.init_seed == 0 ? settings.seed : settings.init_seed},
               {"shuffle", settings.shuffle},
               {"augment", settings.augmentation.specification()},
               {"evaluate", settings.evaluate},
               {"threads", settings.threads},
               {"shards", settings.shards},
               {"counters", settings.health.counters},
               {"census", settings.health.census},
               {"dormant_tau", settings.health.dormant_tau},
               {"saturation_eps", settings.health.saturation_eps}});
  return json;
}

Json estimate_json(const Estimate& estimate) {
  return {{"mean", number(estimate.mean)}, {"lower", number(estimate.lower)}, {"upper", number(estimate.upper)}, {"n", estimate.n}};
}

Json ledger_json(const Ledger& ledger) {
  Json layers = Json::array();
  for (std::size_t l = 0; l < ledger.lives.size(); ++l) {
    const LayerHealth health = ledger.censuses.empty() ? LayerHealth{.name = ledger.layers[l]} : ledger.censuses.back().layers[l];
    Json rates = Json::array();
    Json states = Json::array();
    Json events = Json::array();
    for (std::size_t u = 0; u < ledger.lives[l].size(); ++u) {
      const UnitLife& life = ledger.lives[l][u];
      rates.push_back(life.firing_rate);
      states.push_back(state_name(life.state));
      if (!life.died.empty())
        events.push_back({{"unit", u}, {"born_dead", life.born_dead}, {"died", life.died}, {"revived", life.revived}});
    }
    layers.push_back({{"name", ledger.layers[l]},
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
                      {"events", std::move(events)}});
  }
  return {{"data", ledger.data},   {"examples", ledger.examples},     {"units", ledger.units()},
          {"dead", ledger.dead()}, {"born_dead", ledger.born_dead()}, {"always_negative", ledger.always_negative()},
          {"died", ledger.died()}, {"revived", ledger.revived()},     {"layers", std::move(layers)}};
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
          {"firing_rate", matrix(ledger, [](const LayerHealth& layer) { return rounded(layer.firing_rate); })},
          {"gradient_norm", matrix(ledger, [](const LayerHealth& layer) { return rounded(layer.gradient_norm); })},
          {"update_ratio", matrix(ledger, [](const LayerHealth& layer) { return rounded(layer.update_ratio); })},
          {"signal_variance", matrix(ledger, [](const LayerHealth& layer) { return rounded(layer.signal_variance); })}};
}

}  // namespace undying::report
