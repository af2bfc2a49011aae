#ifndef UNDYING_CLI_FLAGS_CONDITION_H_
#define UNDYING_CLI_FLAGS_CONDITION_H_

#include <string>
#include <string_view>
#include <vector>

#include "undying/doctor.h"

namespace undying::cli {

// A condition under which `diagnose` fails: METRIC>SHARE or METRIC>=SHARE, of all units of the
// network ("dead>5%", "locked>=0.1"), of the targets ("out-of-reach>1%"); or the name of a finding,
// with '-' for ' ': "not-learned", "scale-of-the-inputs".
struct Condition {
  std::string metric;  // a metric, or a finding as Finding::what has it
  bool of_finding = false;
  bool or_equal = false;
  double bound = 0.0;  // as written: 5 of 5%
  double whole = 1.0;  // what it is a share of: 100 with a percent sign
  std::string text;    // as given
};

// Throws Error{kInvalidArgument} that says what was found and what was expected.
Condition parse_condition(std::string_view flag, std::string_view text);

bool met(const Condition& condition, const Diagnosis& diagnosis);
// What was found where it is met: "4 of 32 units, 12.50%".
std::string found_text(const Condition& condition, const Diagnosis& diagnosis);

}  // namespace undying::cli

#endif  // UNDYING_CLI_FLAGS_CONDITION_H_
