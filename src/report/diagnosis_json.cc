#include "report/diagnosis_json.h"

#include "base/version.h"

namespace undying {

using report::Json;
using report::number;
using report::rounded;

namespace {

// One array a field of UnitDiagnosis.
template <class Field>
Json column(const LayerDiagnosis& layer, Field field) {
  Json values = Json::array();
  for (const UnitDiagnosis& life : layer.lives) values.push_back(field(life));
  return values;
}

Json lives_json(const LayerDiagnosis& layer) {
  return {
      {"state", column(layer, [](const auto& life) { return report::state_name(life.state); })},
      {"cause", column(layer,
                       [](const auto& life) {
                         return life.cause != DeadCause::kNone ? Json(name(life.cause))
                                                               : Json(nullptr);
                       })},
      {"locked", column(layer, [](const auto& life) { return life.locked; })},
      {"dormant", column(layer, [](const auto& life) { return life.dormant; })},
      {"constant", column(layer, [](const auto& life) { return life.constant; })},
      {"never_wins", column(layer, [](const auto& life) { return life.never_wins; })},
      {"firing_rate", column(layer, [](const auto& life) { return number(life.firing_rate); })},
      {"saturated", column(layer, [](const auto& life) { return number(life.saturated_share); })},
      {"abs_mean", column(layer, [](const auto& life) { return rounded(life.abs_mean); })},
      {"preactivation_max",
       column(layer, [](const auto& life) { return rounded(life.preactivation_max); })},
      {"gradient", column(layer, [](const auto& life) { return rounded(life.gradient); })}};
}

Json layer_json(const LayerDiagnosis& layer) {
  Json json = {{"name", layer.name},
               {"activation", layer.activation.specification()},
               {"units", layer.units},
               {"positions", layer.positions},
               {"n", layer.n},
               {"firing_rate_bound", number(3.0 / static_cast<double>(layer.n))},
               {"dead", layer.dead},
               {"locked", layer.locked},
               {"always_negative", layer.always_negative},
               {"always_positive", layer.always_positive},
               {"dormant", layer.dormant},
               {"constant", layer.constant},
               {"saturated_units", layer.saturated_units},
               {"never_wins", layer.never_wins},
               {"firing_rate", number(layer.firing_rate)},
               {"histogram", layer.histogram},
               {"saturated", number(layer.saturated)},
               {"signal_mean", number(layer.signal_mean)},
               {"signal_variance", number(layer.signal_variance)},
               {"effective_rank", number(layer.effective_rank)},
               {"rank_rows", layer.rank_rows},
               {"bypassed", layer.bypassed},
               {"lives", lives_json(layer)}};
  if (layer.effective_rank_error > 0.0)
    json["effective_rank_error"] = number(layer.effective_rank_error);
  return json;
}

// One array a field of HiddenUnit, or of a gate.
Json recurrent_json(const RecurrentDiagnosis& layer) {
  Json gates = Json::array();
  for (const GateDiagnosis& gate : layer.gates)
    gates.push_back({{"name", gate.name},
                     {"units_at_0", gate.stuck(false)},
                     {"units_at_1", gate.stuck(true)},
                     {"at_0", gate.closed},
                     {"at_1", gate.open},
                     {"mean", gate.mean}});
  Json dead = Json::array(), saturated = Json::array(), mean = Json::array(), most = Json::array();
  for (const HiddenUnit& life : layer.lives) {
    dead.push_back(life.dead);
    saturated.push_back(life.saturated);
    mean.push_back(rounded(life.abs_mean));
    most.push_back(rounded(life.abs_max));
  }
  return {{"name", layer.name},
          {"operator", layer.op},
          {"units", layer.units},
          {"steps", layer.positions},
          {"n", layer.n},
          {"dead", layer.dead()},
          {"saturated_units", layer.saturated_units()},
          {"gates", std::move(gates)},
          {"lives",
           {{"dead", std::move(dead)},
            {"saturated", std::move(saturated)},
            {"abs_mean", std::move(mean)},
            {"abs_max", std::move(most)}}}};
}

Json interval_json(const Interval& interval) {
  return {number(interval.least), number(interval.greatest)};
}

Json scale_json(const InputScale& scale) {
  Json columns = Json::array();
  for (const InputColumn& column : scale.columns)
    columns.push_back({{"name", column.name},
                       {"mean", number(column.mean)},
                       {"deviation", number(column.deviation)},
                       {"range", {number(column.least), number(column.greatest)}},
                       {"range98", {number(column.low), number(column.high)}},
                       {"farthest",
                        {{"example", column.farthest},
                         {"row", column.farthest_row},
                         {"value", number(column.farthest_value)}}}});
  return {{"columns", scale.total},
          {"far", scale.far},
          {"farthest_columns", std::move(columns)},
          {"dead", scale.dead},
          {"dead_standardised",
           scale.dead_standardised < 0 ? Json(nullptr) : Json(scale.dead_standardised)}};
}

Json reach_json(const OutputReach& reach) {
  return {{"node", reach.node},
          {"what", reach.what},
          {"outputs", interval_json(reach.outputs)},
          {"targets", interval_json(reach.targets)},
          {"share_out_of_reach", number(reach.share)}};
}

Json baseline_json(const Baseline& baseline, bool learned) {
  return {{"score", number(baseline.score)},
          {"bound", number(baseline.bound)},
          {"answer", baseline.answer},
          {"beaten", learned}};
}

Json gradients_json(const std::vector<GradientNorm>& norms) {
  Json gradients = Json::array();
  for (const GradientNorm& norm : norms)
    gradients.push_back({{"parameter", norm.parameter},
                         {"gradient_norm", number(norm.gradient)},
                         {"norm", number(norm.weight)}});
  return gradients;
}

Json outputs_json(const std::vector<OutputScore>& scores) {
  Json outputs = Json::array();
  for (const OutputScore& output : scores)
    outputs.push_back(
        {{"name", output.asked.output},
         {"loss", std::string(name(output.asked.loss))},
         {"weight", output.asked.weight},
         {"value", number(output.loss)},
         {"accuracy", number(output.accuracy)},
         {"baseline",
          {{"score", number(output.baseline.score)}, {"answer", output.baseline.answer}}}});
  return outputs;
}

}  // namespace

Json report::findings_json(const std::vector<Finding>& findings) {
  Json all = Json::array();
  for (const Finding& finding : findings)
    all.push_back({{"what", finding.what},
                   {"layer", finding.layer.empty() ? Json(nullptr) : Json(finding.layer)},
                   {"units", finding.units},
                   {"cost", number(finding.cost)},
                   {"evidence", finding.evidence},
                   {"remedy", finding.remedy}});
  return all;
}

Json report::diagnosis_json(const Diagnosis& diagnosis) {
  Json layers = Json::array();
  for (const LayerDiagnosis& layer : diagnosis.layers) layers.push_back(layer_json(layer));
  Json recurrent = Json::array();
  for (const RecurrentDiagnosis& layer : diagnosis.recurrent)
    recurrent.push_back(recurrent_json(layer));
  return {{"data",
           {{"name", diagnosis.data},
            {"examples", diagnosis.examples},
            {"has_targets", diagnosis.has_targets},
            {"read", diagnosis.read ? summary_json(*diagnosis.read) : Json(nullptr)}}},
          {"dormant_tau", diagnosis.dormant_tau},
          {"saturation_eps", diagnosis.saturation_eps},
          {"loss", number(diagnosis.loss)},
          {"accuracy", number(diagnosis.accuracy)},
          {"baseline", diagnosis.baseline ? baseline_json(*diagnosis.baseline, diagnosis.learned())
                                          : Json(nullptr)},
          {"outputs", outputs_json(diagnosis.outputs)},
          {"input_scale", scale_json(diagnosis.scale)},
          {"output_reach", diagnosis.reach ? reach_json(*diagnosis.reach) : Json(nullptr)},
          {"units", diagnosis.units()},
          {"dead", diagnosis.dead()},
          {"locked", diagnosis.locked()},
          {"always_negative", diagnosis.always_negative()},
          {"dormant", diagnosis.dormant()},
          {"constant", diagnosis.constant()},
          {"zero_weights", diagnosis.zero_weights()},
          {"saturated_units", diagnosis.saturated_units()},
          {"gradient_norm_ratio", number(diagnosis.gradient_norm_ratio)},
          {"notes", diagnosis.notes},
          {"findings", report::findings_json(diagnosis.findings)},
          {"gradients", gradients_json(diagnosis.gradients)},
          {"layers", std::move(layers)},
          {"recurrent", std::move(recurrent)}};
}

std::string diagnosis_json(const std::string& command, const Diagnosis& diagnosis) {
  Json json = {{"format", "undying-diagnosis 1"}, {"command", command}, {"version", kVersion}};
  json.update(report::diagnosis_json(diagnosis));
  return report::text(json);
}

std::string forecast_json(const std::string& command, const Forecast& forecast) {
  Json layers = Json::array();
  for (const LayerForecast& layer : forecast.layers)
    layers.push_back({{"name", layer.name},
                      {"activation", layer.activation.specification()},
                      {"units", layer.units},
                      {"preactivation", number(layer.preactivation)},
                      {"signal", number(layer.signal)},
                      {"gradient", number(layer.gradient)}});
  return report::text({{"format", "undying-forecast 1"},
                       {"command", command},
                       {"version", kVersion},
                       {"born_dead_bound", number(forecast.born_dead_bound)},
                       {"born_dead_lower", number(forecast.born_dead_lower)},
                       {"notes", forecast.notes},
                       {"findings", report::findings_json(forecast.findings)},
                       {"layers", std::move(layers)}});
}

}  // namespace undying
