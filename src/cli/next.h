#ifndef UNDYING_CLI_NEXT_H_
#define UNDYING_CLI_NEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace undying::cli {

// A word as a shell takes it: quoted where that is needed.
std::string shell_word(const std::string& word);

// The words of a command line that shell_word() made.
std::vector<std::string> arguments_of(const std::string& command);

// What may follow a training command, as that was typed: the comparison of activations, with the
// flags that compare does not have left out; the diagnosis of
// the network, with the flags that say what the data and the loss are; and the training again, so
// that it leaves the network.
std::string compare_command(const std::string& train_command);
std::string diagnose_command(const std::string& train_command, const std::string& model);
std::string train_command_with_out(const std::string& train_command, const std::string& model);

// The training command with another value for a flag.
std::string train_command_with(const std::string& train_command, std::string_view flag,
                               const std::string& value);

}  // namespace undying::cli

#endif  // UNDYING_CLI_NEXT_H_
