#ifndef UNDYING_CLI_FLAGS_OPSET_H_
#define UNDYING_CLI_FLAGS_OPSET_H_

#include <CLI/CLI.hpp>
#include <cstdint>

namespace undying::cli {

// --opset of a network to write, 0: as MODEL has it. One that cannot be written is refused here,
// and not after the work.
CLI::Option* add_opset(CLI::App& app, std::int64_t& opset);

}  // namespace undying::cli

#endif  // UNDYING_CLI_FLAGS_OPSET_H_
