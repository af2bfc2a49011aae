#ifndef UNDYING_REPORT_JSON_H_
#define UNDYING_REPORT_JSON_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "undying/study.h"

namespace undying::report {

using Json = nlohmann::ordered_json;

// A document as text. Bytes that are not UTF-8 (a file name on the command line may hold any)
// become U+FFFD.
std::string text(const Json& json, int indent = -1);

// A double for JSON: null where it is not finite.
Json number(double value);

// The same with six significant digits, for curves, which are drawn and not computed with.
Json rounded(double value);

// A float32 setting as the decimal that was meant: 0.01, not 0.009999999776.
Json setting(float value);
inline Json setting(bool value) { return value; }

// "dead", "always negative", "always positive", "alive"
const char* state_name(UnitState state);

// Whether a model was told to have batch norm; null: it was left to the model.
Json batch_norm_json(const std::optional<bool>& batch_norm);

// Training settings with the names of the command line's flags.
Json settings_json(const TrainSettings& settings);

// What was read.
Json summary_json(const DataSummary& summary);

Json estimate_json(const Estimate& estimate);

// Per layer, at the last census, with the rates and the events of every unit.
Json ledger_json(const Ledger& ledger);

// Every census: one row a census, one column a layer.
Json censuses_json(const Ledger& ledger);

}  // namespace undying::report

#endif  // UNDYING_REPORT_JSON_H_
