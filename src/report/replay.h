#ifndef UNDYING_REPORT_REPLAY_H_
#define UNDYING_REPORT_REPLAY_H_

#include <string>

#include "doctor/replay/replay.h"
#include "report/recorded_run.h"

namespace undying {

// What a replay found of one unit, whose events these are: its last living moments.
std::string unit_text(const RecordedRun& run, const Dataset& data, const doctor::Replay& replay,
                      int columns = 100);
// Of many: a row an event. `events`: how many there are in all.
std::string replay_text(const RecordedRun& run, const doctor::Replay& replay, std::size_t events,
                        int columns = 100);
std::string replay_json(const std::string& command, const RecordedRun& run,
                        const doctor::ReplaySettings& settings, const doctor::Replay& replay);

}  // namespace undying

#endif  // UNDYING_REPORT_REPLAY_H_
