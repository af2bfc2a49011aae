#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <iterator>
#include <new>
#include <string_view>
#include <system_error>

#include "base/version.h"
#include "cli/commands/commands.h"
#include "cli/help.h"
#include "cli/options.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

constexpr const char* kDescription =
    "Trains deep networks and keeps their neurons alive: watches every neuron at every step, says which\n"
    "died and when, and tries in a controlled study whether Leaky ReLU or one of its relatives helps.\n";

constexpr const char* kFooter =
    "Examples:\n"
    "  undying compare --activations relu,leaky_relu:0.01,leaky_relu:0.2,prelu,elu --seeds 5 --report report.html\n"
    "  undying train --data fashion-mnist --model mlp:256-128-100 --activation leaky_relu:0.1 --lr 0.05 --json run.json\n"
    "  undying diagnose model.onnx --data fashion-mnist --fail-on 'dead>5%'\n"
    "  undying revive model.onnx --data fashion-mnist -o healed.onnx\n"
    "  undying prune model.onnx --data fashion-mnist -o smaller.onnx\n"
    "  undying predict model.onnx --data csv:new.csv -o answers.csv\n"
    "  undying evaluate model.onnx --data csv:measurements.csv:label=class\n"
    "  undying list\n"
    "\n"
    "Results go to standard output, progress and errors to standard error.\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input (a flag, file, model or data set) or an output that cannot be\n"
    "written; 3 a condition of diagnose --fail-on is met; 130 interrupted, what was finished is kept.";

// One line, whatever a file or a flag is called, or a list of which every line is indented.
int fail(ExitCode code, std::string message) {
  for (std::size_t i = 0; i < message.size(); ++i) {
    const bool control = static_cast<unsigned char>(message[i]) < ' ' || message[i] == '\x7f';
    if (control && message.compare(i, 3, "\n  ") != 0) message[i] = ' ';
  }
  std::fputs(("error: " + message + "\n").c_str(), stderr);
  return code;
}

// A closed standard descriptor would be taken by the next file opened, and messages would end up in that file.
void occupy_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(descriptor, F_GETFD) == -1 && errno == EBADF) open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY);
}

[[noreturn]] void fail_output() {
  throw Error(ErrorCode::kIo, "standard output", fmt::format("cannot be written: {}", std::strerror(errno)));
}

// What was printed must have arrived.
void flush_results() {
  std::cout.flush();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout) fail_output();
}

int run_command(CLI::App& program, int argc, const char* const* argv) {
  const std::string command = command_text(argc, argv);
  const std::pair<const char*, Command> commands[] = {{"compare", add_compare(program, command)},
                                                      {"train", add_train(program, command)},
                                                      {"diagnose", add_diagnose(program, command)},
                                                      {"revive", add_revive(program, command)},
                                                      {"prune", add_prune(program, command)},
                                                      {"inspect", add_inspect(program)},
                                                      {"predict", add_predict(program)},
                                                      {"evaluate", add_evaluate(program, command)},
                                                      {"bench", add_bench(program)},
                                                      {"merge", add_merge(program)},
                                                      {"list", add_list(program)}};
  // Before parsing, where a --help behind it would hide it.
  if (argc > 1 && argv[1][0] != '-' &&
      std::none_of(std::begin(commands), std::end(commands), [&](const auto& known) { return std::string_view(known.first) == argv[1]; }))
    throw Error(ErrorCode::kInvalidArgument, argv[1], unknown_command(program, argv[1]));
  program.parse(argc, argv);
  for (const auto& [name, chosen] : commands)
    if (program.got_subcommand(name)) return chosen();
  return kOk;
}

int run_reporting_errors(CLI::App& program, int argc, const char* const* argv) {
  try {
    const int code = run_command(program, argc, argv);
    flush_results();
    return code;
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) == 0) throw;
    errno = error.code().value();
    fail_output();
  } catch (const CLI::Success& success) {  // --help and --version
    program.exit(success);
    flush_results();
    return kOk;
  } catch (const CLI::ParseError& error) {
    return fail(kBadInput, explain(program, error));
  }
}

}  // namespace

int run(int argc, const char* const* argv) {
  occupy_standard_descriptors();
  try {
    CLI::App program(kDescription, "undying");
    program.formatter(std::make_shared<HelpLayout>());
    program.footer(kFooter);
    program.set_help_flag("-h,--help", "print this and exit");
    program.set_version_flag("--version", fmt::format("undying {}", kVersion), "print the version and exit");
    program.require_subcommand(1);
    return run_reporting_errors(program, argc, argv);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) return fail(kInterrupted, error.what());
    return fail(error.code() == ErrorCode::kInternal ? kFailure : kBadInput, error.what());
  } catch (const std::bad_alloc&) {
    return fail(kFailure, "out of memory: choose a smaller model, batch or data set");
  } catch (const std::exception& error) {
    return fail(kFailure, error.what());
  }
}

}  // namespace undying::cli
