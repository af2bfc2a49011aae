#ifndef UNDYING_REPORT_H_
#define UNDYING_REPORT_H_

#include <filesystem>
#include <string>

#include "undying/study.h"

namespace undying {

// The study as a table for a terminal of this many columns; `color` adds ANSI colours.
std::string study_table(const Study& study, int columns = 100, bool color = false);

// The study as JSON (docs/formats.md). Numbers that are not finite become null.
std::string study_json(const Study& study);

// One self-contained page: no request leaves it. The JSON is embedded, so every value on the page is the JSON's.
std::string study_html(const Study& study);

// A single run as JSON: settings, accuracy, per-layer ledger.
struct RunDescription {
  std::string data;
  std::string model;
  Activation activation;
  std::string command;
};
std::string run_json(const RunDescription& description, const TrainSettings& settings, const Run& run);

// One line per step: step,loss,lr,grad_norm,update_ratio
std::string steps_csv(const Run& run);

}  // namespace undying

#endif  // UNDYING_REPORT_H_
