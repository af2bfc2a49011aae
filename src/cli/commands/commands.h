#ifndef UNDYING_CLI_COMMANDS_COMMANDS_H_
#define UNDYING_CLI_COMMANDS_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "cli/host.h"

namespace undying::cli {

// Exit codes of the program, as documented in --help and the README.
enum ExitCode { kOk = 0, kFailure = 1, kBadInput = 2, kConditionMet = 3, kInterrupted = 130 };

// Each adds its command to the program and returns what runs it once the command line is parsed.
// The host must outlive that.
using Command = std::function<int()>;
Command add_compare(CLI::App& program, const Host& host);
Command add_advise(CLI::App& program, const Host& host);
Command add_train(CLI::App& program, const Host& host);
Command add_diagnose(CLI::App& program, const Host& host);
Command add_revive(CLI::App& program, const Host& host);
Command add_prune(CLI::App& program, const Host& host);
Command add_inspect(CLI::App& program, const Host& host);
Command add_predict(CLI::App& program, const Host& host);
Command add_evaluate(CLI::App& program, const Host& host);
Command add_bench(CLI::App& program, const Host& host);
Command add_merge(CLI::App& program, const Host& host);
Command add_reproduce(CLI::App& program, const Host& host);
Command add_list(CLI::App& program, const Host& host);

// The whole program; returns its exit code.
int run(int argc, const char* const* argv);

// A command inside an application, its name and flags as the command line has them. Returns the
// exit code; throws where the program would print an error.
int run_in(const Host& host, const std::vector<std::string>& arguments);

// The flags of a command, as its --help tells them.
struct Flag {
  std::string name;  // "--max-seeds"; of a positional argument "MODEL"
  std::string help;
  std::string type;     // "N", "FILE"; "": it is given or not
  std::string initial;  // the default as text; "": none
  std::string group;
  std::string negative;  // what takes it back: "--no-batch-norm"; "": nothing
  bool several = false;  // may be given several times
};
struct CommandHelp {
  std::string name;
  std::string description;
  std::vector<Flag> flags;
};
std::vector<CommandHelp> command_help();

}  // namespace undying::cli

#endif  // UNDYING_CLI_COMMANDS_COMMANDS_H_
