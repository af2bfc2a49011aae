#ifndef UNDYING_REPORT_RECORDED_RUN_H_
#define UNDYING_REPORT_RECORDED_RUN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "doctor/replay/replay.h"
#include "undying/settings.h"

namespace undying {

// What the file of a run (run_json) says of how it was made and of its units.
struct RecordedRun {
  std::string command;
  std::string version;
  std::string settings;  // as JSON
  int shards = 1;
  std::int64_t examples = 0;  // of the training part
  std::vector<std::string> layers;
  std::vector<std::int64_t> units;        // of each layer
  std::vector<doctor::UnitEvent> events;  // ascending
  doctor::RecordedCourse course;
};

// `name`: of the file. Throws Error{kBadData} where it holds something else.
RecordedRun parse_run(const std::string& name, const std::string& text);

// Throws Error{kInvalidArgument} that names a setting that is not what the file says.
void check_settings(const RecordedRun& run, const TrainSettings& settings);

}  // namespace undying

#endif  // UNDYING_REPORT_RECORDED_RUN_H_
