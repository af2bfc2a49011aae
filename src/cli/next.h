#ifndef UNDYING_CLI_NEXT_H_
#define UNDYING_CLI_NEXT_H_

#include <string>

namespace undying::cli {

// A word as a shell takes it: quoted where that is needed.
std::string shell_word(const std::string& word);

// The comparison of activations that goes with a training command, as both were typed: the flags that compare does not have left out.
std::string compare_command(const std::string& train_command);

}  // namespace undying::cli

#endif  // UNDYING_CLI_NEXT_H_
