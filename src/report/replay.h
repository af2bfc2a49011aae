#ifndef UNDYING_REPORT_REPLAY_H_
#define UNDYING_REPORT_REPLAY_H_

#include <cstddef>
#include <string>

#include "doctor/replay/replay.h"
#include "report/recorded_run.h"

namespace undying {

// What a replay found of one unit, whose events these are: its last living moments.
std::string unit_text(const RecordedRun& run, const Dataset& data, const doctor::Replay& replay);

// What is said of several, and what a file of it holds.
struct ReplayRecord {
  std::string command;
  const RecordedRun& run;
  const doctor::ReplaySettings& settings;
  const doctor::Replay& replay;
  std::size_t events = 0;  // that there are in all
};
// For a terminal, a row an event; as JSON; and as a page, which is one file and loads nothing from
// elsewhere.
std::string replay_text(const ReplayRecord& record, int columns = 100);
std::string replay_json(const ReplayRecord& record);
std::string replay_html(const ReplayRecord& record);

}  // namespace undying

#endif  // UNDYING_REPORT_REPLAY_H_
