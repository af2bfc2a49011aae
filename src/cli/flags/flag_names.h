#ifndef UNDYING_CLI_FLAGS_FLAG_NAMES_H_
#define UNDYING_CLI_FLAGS_FLAG_NAMES_H_

#include <string>

#include "undying/setting.h"

namespace undying::cli {

// "--weight-decay" of the setting weight_decay.
std::string flag_of(const Setting& setting, const std::string& prefix = "--");

// The subject of an error, whose first words may be the label of a setting, with its flag in their
// place: "--keep-alive redo" of "keep alive redo".
std::string subject_in_flags(const std::string& subject);

}  // namespace undying::cli

#endif  // UNDYING_CLI_FLAGS_FLAG_NAMES_H_
