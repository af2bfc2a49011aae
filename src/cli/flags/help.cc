#include "cli/flags/help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>
#include <vector>

#include "cli/flags/parse.h"

namespace undying::cli {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kNames = 36;  // columns of the flags

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  return flags;
}

bool has_flag(const CLI::App& app, const std::string& word) {
  const std::vector<std::string> flags = flags_of(app);
  return std::find(flags.begin(), flags.end(), word) != flags.end();
}

// The command that what is wrong belongs to, or the program, for words in front of the command.
const CLI::App& addressed(const CLI::App& program) {
  const auto commands = program.get_subcommands();
  return commands.empty() || !program.remaining().empty() ? program : *commands.front();
}

std::string full_name(const CLI::App& program, const CLI::App& app) {
  return &app == &program ? "undying" : "undying " + app.get_name();
}

std::vector<std::string> command_names(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::string owners_of(const CLI::App& program, const std::string& word) {
  std::vector<std::string> owners;
  for (const CLI::App* command : program.get_subcommands({}))
    if (has_flag(*command, word)) owners.push_back(command->get_name());
  return fmt::format("{}", fmt::join(owners, ", "));
}

std::string hint(const CLI::App& program, const CLI::App& app, const std::string& word) {
  const std::string owners = owners_of(program, word);
  if (!owners.empty() && &app == &program)
    return fmt::format("it goes behind the command ({}); ", owners);
  if (!owners.empty()) return fmt::format("it is one of {}; ", owners);
  std::vector<std::string> known = flags_of(app);
  if (&app == &program)
    for (const std::string& name : command_names(program)) known.push_back(name);
  const std::string near = nearest(word, known);
  if (!near.empty()) return fmt::format("did you mean {}? ", near);
  return &app == &program
             ? fmt::format("commands are {}; ", fmt::join(command_names(program), ", "))
             : "";
}

std::string explain_extras(const CLI::App& program) {
  const CLI::App& app = addressed(program);
  const std::vector<std::string> extras = app.remaining();
  if (extras.empty())
    return fmt::format("unexpected words on the command line; see {} --help",
                       full_name(program, app));
  const std::string word = extras.front().substr(0, extras.front().find('='));
  const char* kind = word.starts_with('-') ? "a flag"
                     : &app == &program    ? "a command"
                                           : "an argument";
  const std::string name = full_name(program, app);
  return fmt::format("[{}] is not {} of {}; {}see {} --help", word, kind, name,
                     hint(program, app, word), name);
}

// What CLI11 says of a flag ("--batch: 1 required N missing"), said as every other error is.
std::string explain_value(const CLI::App& program, const std::string& what) {
  const std::string help = full_name(program, addressed(program)) + " --help";
  const std::string flag = what.substr(0, what.find(':'));
  if (what.find("missing") != std::string::npos)
    return fmt::format("[{}] needs a value; see {}", flag, help);
  if (what.find("At Most") != std::string::npos)
    return fmt::format("[{}] is given more than once; expected once at most; see {}", flag, help);
  const std::size_t name = what.find("--");
  const std::size_t equals = what.find(" = ");
  if (what.starts_with("Could not convert") && name < equals && equals != std::string::npos)
    return fmt::format("[{}] takes no value; found \"{}\"; see {}",
                       what.substr(name, equals - name), what.substr(equals + 3), help);
  return fmt::format("{}; see {}", what, help);
}

// Of a description, its lines joined: up to the first full stop or colon.
std::string first_sentence(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.substr(0, text.find_first_of(".:"));
}

}  // namespace

std::string unknown_command(const CLI::App& program, const std::string& word) {
  return fmt::format("is not a command of undying; {}see undying --help",
                     hint(program, program, word));
}

HelpLayout::HelpLayout() { column_width(kNames); }

std::string HelpLayout::make_help(const CLI::App* app, std::string name,
                                  CLI::AppFormatMode mode) const {
  return CLI::detail::find_and_replace(CLI::Formatter::make_help(app, std::move(name), mode),
                                       "\n\n\n", "\n\n");
}

std::string HelpLayout::make_subcommand(const CLI::App* command) const {
  const std::string description = command->get_description();
  std::ostringstream line;
  CLI::detail::format_help(line, command->get_name(), first_sentence(description), 12);
  return line.str();
}

std::string HelpLayout::make_option_desc(const CLI::Option* option) const {
  std::istringstream words(option->get_description());
  std::string text;
  std::size_t column = 0;
  for (std::string word; words >> word; column += word.size() + 1) {
    if (column > 0) text += column + word.size() > kWidth - kNames ? '\n' : ' ';
    if (column > 0 && text.back() == '\n') column = 0;
    text += word;
  }
  return text;
}

std::string explain(const CLI::App& program, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) return explain_extras(program);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    if (!program.remaining().empty()) return explain_extras(program);
    if (const auto commands = program.get_subcommands(); !commands.empty())
      return fmt::format("[undying {}] {}; see undying {} --help", commands.front()->get_name(),
                         error.what(), commands.front()->get_name());
    return fmt::format("[undying] needs a command: {}; see undying --help",
                       fmt::join(command_names(program), ", "));
  }
  return explain_value(program, error.what());
}

}  // namespace undying::cli
