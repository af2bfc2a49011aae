#ifndef UNDYING_CLI_COMMANDS_STUDY_H_
#define UNDYING_CLI_COMMANDS_STUDY_H_

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/flags/options.h"
#include "cli/flags/trial_options.h"
#include "cli/host.h"
#include "undying/study.h"

// What the commands that run a study share.
namespace undying::cli {

struct StudyOptions {
  // Adds the flags to a command; `names`: the activations, if nothing else is said. The object must
  // outlive the parse.
  StudyOptions(CLI::App& app, const Host& host, const char* activations_help, std::string names);

  TrainingOptions training;
  TrialOptions trial;
  std::string activations;
  std::string report;
  std::string store;
};

// Throws Error{kInvalidArgument} that names the flag.
StudySettings study_settings(const StudyOptions& options);

using RunStudy = std::function<Study(const StudySettings& settings, const Split& data,
                                     const std::function<void(const std::vector<Arm>&)>& planned,
                                     const std::function<void(const StudyProgress&)>& progress,
                                     std::stop_token stop)>;

// Reads data and network, runs the study with progress on the screen, writes and prints what was
// found. Returns the exit code.
int judge(const StudyOptions& options, StudySettings settings, const Host& host,
          const RunStudy& run_study);

}  // namespace undying::cli

#endif  // UNDYING_CLI_COMMANDS_STUDY_H_
