#ifndef UNDYING_CLI_FLAGS_PARSE_H_
#define UNDYING_CLI_FLAGS_PARSE_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/nearest.h"
#include "undying/activation.h"
#include "undying/doctor.h"
#include "undying/settings.h"

namespace undying::cli {

// Numbers on the command line: the whole text must be one, within the range. Throw
// Error{kInvalidArgument} with the flag as subject.
std::int64_t parse_integer(std::string_view flag, std::string_view text, std::int64_t lowest,
                           std::int64_t highest);
double parse_real(std::string_view flag, std::string_view text, double lowest, double highest);

// "64M", "1.5G": bytes, with K, M, G or T for powers of 1,000.
std::int64_t parse_bytes(std::string_view flag, std::string_view text);

// Options whose values go through the parsers above, so that every wrong number gets the same kind
// of error.
CLI::Option* add_integer(CLI::App& app, const std::string& flag, std::int64_t& value,
                         const std::string& help, std::int64_t lowest, std::int64_t highest);
CLI::Option* add_real(CLI::App& app, const std::string& flag, double& value,
                      const std::string& help, double lowest, double highest);

// --memory SIZE: a bound on what a pass over data holds.
CLI::Option* add_memory(CLI::App& app, std::int64_t& bytes);

// Numbers separated by commas, each once, ascending.
CLI::Option* add_reals(CLI::App& app, const std::string& flag, std::vector<double>& values,
                       const std::string& help, double lowest, double highest);

// An option that names a file: an empty name, such as that of an unset shell variable, is an error
// and not "no file".
CLI::Option* add_file(CLI::App& app, const std::string& flag, std::string& value,
                      const std::string& help);

// "relu,leaky_relu:0.01,rrelu:0.1,0.3": items are split at commas that a letter follows, since
// parameters are separated by commas too.
std::vector<Activation> parse_activations(std::string_view flag, std::string_view text);
// "none,redo:0.1,500,cbp+l2-init" likewise.
std::vector<KeepAlive> parse_keep_alives(std::string_view flag, std::string_view text);
// "leaky_relu:0.1,re-initialise + redo:0.1,500" likewise.
std::vector<Remedy> parse_remedies(std::string_view flag, std::string_view text);

}  // namespace undying::cli

#endif  // UNDYING_CLI_FLAGS_PARSE_H_
