#ifndef UNDYING_CLI_COMMANDS_COMMANDS_H_
#define UNDYING_CLI_COMMANDS_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace undying::cli {

// Exit codes of the program, as documented in --help and the README.
enum ExitCode { kOk = 0, kFailure = 1, kBadInput = 2, kConditionMet = 3, kInterrupted = 130 };

// Each adds its command to the program and returns what runs it once the command line is parsed. `command` is the command line for the
// record.
using Command = std::function<int()>;
Command add_compare(CLI::App& program, const std::string& command);
Command add_train(CLI::App& program, const std::string& command);
Command add_diagnose(CLI::App& program, const std::string& command);
Command add_revive(CLI::App& program, const std::string& command);
Command add_prune(CLI::App& program, const std::string& command);
Command add_inspect(CLI::App& program);
Command add_predict(CLI::App& program);
Command add_evaluate(CLI::App& program, const std::string& command);
Command add_bench(CLI::App& program);
Command add_merge(CLI::App& program);
Command add_list(CLI::App& program);

// The whole program; returns its exit code.
int run(int argc, const char* const* argv);

}  // namespace undying::cli

#endif  // UNDYING_CLI_COMMANDS_COMMANDS_H_
