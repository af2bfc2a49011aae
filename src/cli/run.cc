#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "base/version.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/parse.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

constexpr const char* kDescription =
    "Trains deep networks and keeps their neurons alive: watches every neuron at every step, says which\n"
    "died and when, and tries in a controlled study whether Leaky ReLU or one of its relatives helps.";

constexpr const char* kFooter =
    "Examples:\n"
    "  undying compare --activations relu,leaky_relu:0.01,leaky_relu:0.2,prelu,elu --seeds 5 --report report.html\n"
    "  undying train --data fashion-mnist --model mlp:256-128-100 --activation leaky_relu:0.1 --lr 0.05 --json run.json\n"
    "  undying list\n"
    "\n"
    "Exit codes: 0 done; 1 internal failure; 2 bad input (a flag, file, model or data set);\n"
    "130 interrupted, what was finished is kept.";

int fail(ExitCode code, std::string_view message) {
  fmt::print(stderr, "error: {}\n", message);
  return code;
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  return flags;
}

// The command that the words belong to, or the program.
const CLI::App& addressed(const CLI::App& program) {
  const auto commands = program.get_subcommands();
  return commands.empty() ? program : *commands.front();
}

std::string explain_extras(const CLI::App& program) {
  const CLI::App& app = addressed(program);
  auto extras = app.remaining();
  if (extras.empty()) extras = program.remaining(true);
  if (extras.empty()) return "unexpected words on the command line; see --help";
  std::vector<std::string> known = flags_of(app);
  if (&app == &program)
    for (const CLI::App* command : program.get_subcommands({})) known.push_back(command->get_name());
  const std::string word = extras.front().substr(0, extras.front().find('='));
  const std::string near = nearest(word, known);
  return fmt::format("[{}] is not {} of undying{}{}; {}see undying{}{} --help", word,
                     word.starts_with('-') ? "a flag" : "a command or argument", &app == &program ? "" : " ",
                     &app == &program ? "" : app.get_name(), near.empty() ? "" : fmt::format("did you mean {}? ", near),
                     &app == &program ? "" : " ", &app == &program ? "" : app.get_name());
}

std::string explain(const CLI::App& program, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) return explain_extras(program);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !program.remaining().empty()) return explain_extras(program);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) return fmt::format("{}; see undying --help", error.what());
  return fmt::format("{}; see --help", error.what());
}

}  // namespace

int run(int argc, const char* const* argv) {
  CLI::App program(kDescription, "undying");
  program.footer(kFooter);
  program.set_version_flag("--version", fmt::format("undying {}", kVersion));
  program.require_subcommand(1);
  program.get_formatter()->column_width(36);
  const std::string command = command_text(argc, argv);
  const std::pair<const char*, Command> commands[] = {{"compare", add_compare(program, command)},
                                                      {"train", add_train(program, command)},
                                                      {"bench", add_bench(program)},
                                                      {"list", add_list(program)}};
  try {
    program.parse(argc, argv);
    for (const auto& [name, run_command] : commands)
      if (program.got_subcommand(name)) return run_command();
    return kOk;
  } catch (const CLI::Success& success) {
    return program.exit(success);  // --help and --version
  } catch (const CLI::ParseError& error) {
    return fail(kBadInput, explain(program, error));
  } catch (const Error& error) {
    return fail(error.code() == ErrorCode::kInternal ? kFailure : kBadInput, error.what());
  } catch (const std::bad_alloc&) {
    return fail(kFailure, "out of memory: choose a smaller model, batch or data set");
  } catch (const std::exception& error) {
    return fail(kFailure, error.what());
  }
}

}  // namespace undying::cli
