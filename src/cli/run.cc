// The program: its subcommands, and what an argument that is none of theirs, an error or an
// interruption becomes: a line on the error stream and an exit code.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/version.h"
#include "cli/commands/commands.h"
#include "cli/flags/flag_names.h"
#include "cli/flags/help.h"
#include "cli/flags/options.h"
#include "cli/host.h"
#include "cli/progress.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

constexpr const char* kDescription =
    "Trains deep networks and keeps their neurons alive: watches every neuron at every step, says "
    "which\n"
    "died and when, and tries in a controlled study whether Leaky ReLU or one of its relatives "
    "helps.\n";

constexpr const char* kFooter =
    "Examples:\n"
    "  undying compare --activations relu,leaky_relu:0.01,leaky_relu:0.2,prelu,elu --seeds 5 "
    "--report report.html\n"
    "  undying train --data fashion-mnist --model mlp:256-128-100 --activation leaky_relu:0.1 --lr "
    "0.05 --json run.json\n"
    "  undying diagnose model.onnx --data fashion-mnist --fail-on 'dead>5%'\n"
    "  undying revive model.onnx --data fashion-mnist -o healed.onnx\n"
    "  undying prune model.onnx --data fashion-mnist -o smaller.onnx\n"
    "  undying predict model.onnx --data csv:new.csv -o answers.csv\n"
    "  undying evaluate model.onnx --data csv:measurements.csv:label=class\n"
    "  undying replay run.json --unit 1:17\n"
    "  undying list\n"
    "\n"
    "Results go to standard output, progress and errors to standard error.\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input (a flag, file, model or data set) or an "
    "output that cannot be\n"
    "written; 3 a condition of diagnose --fail-on is met; 130 interrupted, what was finished is "
    "kept.";

// One line, whatever a file or a flag is called, or a list of which every line is indented.
int fail(ExitCode code, std::string message) {
  for (std::size_t i = 0; i < message.size(); ++i) {
    const bool control = static_cast<unsigned char>(message[i]) < ' ' || message[i] == '\x7f';
    if (control && message.compare(i, 3, "\n  ") != 0) message[i] = ' ';
  }
  std::fputs(("error: " + message + "\n").c_str(), stderr);
  return code;
}

// A closed standard descriptor would be taken by the next file opened, and messages would end up in
// that file.
void occupy_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(descriptor, F_GETFD) == -1 && errno == EBADF)
      open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY);
}

[[noreturn]] void fail_output() {
  throw Error(ErrorCode::kIo, "standard output",
              fmt::format("cannot be written: {}", std::strerror(errno)));
}

// What was printed must have arrived.
void flush_results() {
  std::cout.flush();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout) fail_output();
}

struct Program {
  CLI::App app{kDescription, "undying"};
  std::vector<std::pair<const char*, Command>> commands;
};

std::unique_ptr<Program> make_program(const Host& host) {
  auto program = std::make_unique<Program>();
  CLI::App& app = program->app;
  app.formatter(std::make_shared<HelpLayout>());
  app.footer(kFooter);
  app.set_help_flag("-h,--help", "print this and exit");
  app.set_version_flag("--version", fmt::format("undying {}", kVersion),
                       "print the version and exit");
  app.require_subcommand(1);
  program->commands = {
      {"compare", add_compare(app, host)},     {"advise", add_advise(app, host)},
      {"train", add_train(app, host)},         {"diagnose", add_diagnose(app, host)},
      {"revive", add_revive(app, host)},       {"prune", add_prune(app, host)},
      {"inspect", add_inspect(app, host)},     {"predict", add_predict(app, host)},
      {"evaluate", add_evaluate(app, host)},   {"replay", add_replay(app, host)},
      {"bench", add_bench(app, host)},         {"merge", add_merge(app, host)},
      {"reproduce", add_reproduce(app, host)}, {"list", add_list(app, host)}};
  return program;
}

// An error whose subject is a setting of the library's: its flag is what people gave. "[keep alive
// redo]" becomes "[--keep-alive redo]".
Error in_flags(const Error& error) {
  return Error(error.code(), subject_in_flags(error.subject()), error.message());
}

// "--metrics=", as an unset variable leaves it: the parser would take the next argument for its
// value.
void refuse_empty_values(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--") return;
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1)
      throw Error(ErrorCode::kInvalidArgument, argument.substr(0, argument.size() - 1),
                  "is empty; expected a value, or the flag left out");
  }
}

int run_command(Program& program, int argc, const char* const* argv) {
  refuse_empty_values(argc, argv);
  // Before parsing, where a --help behind it would hide it.
  if (argc > 1 && argv[1][0] != '-' &&
      std::ranges::none_of(program.commands, [&](const auto& known) {
        return std::string_view(known.first) == argv[1];
      }))
    throw Error(ErrorCode::kInvalidArgument, argv[1], unknown_command(program.app, argv[1]));
  try {
    program.app.parse(argc, argv);
    for (const auto& [name, chosen] : program.commands)
      if (program.app.got_subcommand(name)) return chosen();
  } catch (const Error& error) {
    throw in_flags(error);
  }
  return kOk;
}

int run_reporting_errors(Program& program, int argc, const char* const* argv) {
  try {
    const int code = run_command(program, argc, argv);
    flush_results();
    return code;
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) == 0) throw;
    errno = error.code().value();
    fail_output();
  } catch (const CLI::Success& success) {  // --help and --version
    program.app.exit(success);
    flush_results();
    return kOk;
  } catch (const CLI::ParseError& error) {
    return fail(kBadInput, explain(program.app, error));
  }
}

}  // namespace

Host program_host(int argc, const char* const* argv) {
  return {.command = command_text(argc, argv),
          .write = [](const std::string& text) { fmt::print("{}", text); },
          .columns = terminal_columns(STDOUT_FILENO),
          .color = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr};
}

int run(int argc, const char* const* argv) {
  occupy_standard_descriptors();
  try {
    const Host host = program_host(argc, argv);
    const auto program = make_program(host);
    return run_reporting_errors(*program, argc, argv);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) return fail(kInterrupted, error.what());
    return fail(error.code() == ErrorCode::kInternal ? kFailure : kBadInput, error.what());
  } catch (const std::bad_alloc&) {
    return fail(kFailure, "out of memory: choose a smaller model, batch or data set");
  } catch (const std::exception& error) {
    return fail(kFailure, error.what());
  }
}

int run_in(const Host& host, const std::vector<std::string>& arguments) {
  std::vector<const char*> words = {"undying"};
  for (const std::string& argument : arguments) words.push_back(argument.c_str());
  const auto program = make_program(host);
  try {
    return run_command(*program, static_cast<int>(words.size()), words.data());
  } catch (const CLI::ParseError& error) {
    const std::string what = explain(program->app, error);  // "[subject] message"
    const std::size_t end = what.starts_with('[') ? what.find("] ") : std::string::npos;
    if (end == std::string::npos) throw Error(ErrorCode::kInvalidArgument, "undying", what);
    throw Error(ErrorCode::kInvalidArgument, what.substr(1, end - 1), what.substr(end + 2));
  }
}

namespace {

Flag describe(const CLI::Option& option) {
  const std::string name =
      option.get_positional() ? option.get_name() : "--" + option.get_lnames().front();
  const std::vector<std::string>& negatives = option.get_fnames();
  return {.name = name,
          .help = option.get_description(),
          .type = option.get_items_expected_max() == 0 ? "" : option.get_type_name(),
          .initial = option.get_default_str(),
          .group = option.get_group(),
          .negative = negatives.empty() ? "" : "--" + negatives.front(),
          .several = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll};
}

}  // namespace

std::vector<CommandHelp> command_help() {
  const Host host;
  const auto program = make_program(host);
  std::vector<CommandHelp> all;
  for (const CLI::App* app : program->app.get_subcommands({})) {
    CommandHelp command{app->get_name(), app->get_description(), {}};
    for (const CLI::Option* option : app->get_options())
      if (option != app->get_help_ptr()) command.flags.push_back(describe(*option));
    all.push_back(std::move(command));
  }
  return all;
}

}  // namespace undying::cli
