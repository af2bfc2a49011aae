#include "study/record.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "undying/error.h"

namespace undying {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(StepRecord, step, loss, learning_rate, gradient_norm,
                                   update_ratio)
// With the value it has at first where a run was stored before there was such a field.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(EpochRecord, epoch, step, train_loss,
                                                train_accuracy, test_loss, test_accuracy,
                                                test_score, validation_score, seconds, units, dead)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(UnitLife, state, born_dead, dormant, firing_rate,
                                   training_firing_rate, output, gradient, died, revived)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LayerHealth, name, units, dead, born_dead,
                                                always_negative, always_positive, dormant, died,
                                                revived, firing_rate, saturated, signal_mean,
                                                signal_variance, gradient_norm, weight_norm,
                                                update_ratio, effective_rank)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CensusRecord, step, examples, layers, gradient_norm_ratio)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Ledger, data, examples, layers, lives, censuses)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Replacement, step, layer, units, silent, output_change)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(KeepAliveRecord, left_out, replaced, silent, events,
                                   output_change, perturbed)

namespace {

// One number in four bytes, as it lies in memory.
nlohmann::json bytes_of(const std::vector<float>& values) {
  std::vector<std::uint8_t> bytes(values.size() * sizeof(float));
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return nlohmann::json::binary(std::move(bytes));
}

std::vector<float> floats_of(const nlohmann::json& json) {
  const std::vector<std::uint8_t>& bytes = json.get_binary();
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

}  // namespace

#define UNDYING_RUN_FIELDS                                                                 \
  status, reason, steps, epochs, ledger, test_accuracy, test_loss, test_score, best_epoch, \
      train_seconds, samples, threads, shards

void to_json(nlohmann::json& nlohmann_json_j, const Run& nlohmann_json_t) {
  NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_TO, UNDYING_RUN_FIELDS))
  nlohmann_json_j["examples"] = bytes_of(nlohmann_json_t.examples);
  nlohmann_json_j["keep_alive"] = nlohmann_json_t.keep_alive;
}

void from_json(const nlohmann::json& nlohmann_json_j, Run& nlohmann_json_t) {
  NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_FROM, UNDYING_RUN_FIELDS))
  nlohmann_json_t.examples = floats_of(nlohmann_json_j.at("examples"));
  // Runs stored before there were such remedies have none.
  if (nlohmann_json_j.contains("keep_alive"))
    nlohmann_json_j.at("keep_alive").get_to(nlohmann_json_t.keep_alive);
}

#undef UNDYING_RUN_FIELDS

namespace study {

using Json = nlohmann::json;

std::string encode(const Run& run) {
  const std::vector<std::uint8_t> bytes = Json::to_cbor(Json(run));
  return {bytes.begin(), bytes.end()};
}

Run decode(std::string_view bytes, const std::string& source) {
  try {
    return Json::from_cbor(bytes.begin(), bytes.end()).get<Run>();
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::kBadData, source,
                std::string("holds a run that cannot be read (") + error.what() +
                    "); remove the file to start anew");
  }
}

void thin(std::vector<StepRecord>& steps, std::size_t most) {
  if (steps.size() <= most) return;
  std::vector<StepRecord> kept;
  for (std::size_t i = 1; i <= most; ++i) kept.push_back(steps[i * steps.size() / most - 1]);
  steps = std::move(kept);
}

}  // namespace study
}  // namespace undying
