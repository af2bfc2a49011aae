#ifndef UNDYING_CLI_FLAGS_HELP_H_
#define UNDYING_CLI_FLAGS_HELP_H_

#include <CLI/CLI.hpp>
#include <string>

namespace undying::cli {

// Lays out --help within 100 columns: descriptions of options wrapped, commands listed with the
// first sentence of theirs.
class HelpLayout : public CLI::Formatter {
 public:
  HelpLayout();
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

// What to say of a first word that is no command, without its name.
std::string unknown_command(const CLI::App& program, const std::string& word);

// What is wrong with the command line, in one line that names the flag and says what to do.
std::string explain(const CLI::App& program, const CLI::ParseError& error);

}  // namespace undying::cli

#endif  // UNDYING_CLI_FLAGS_HELP_H_
