#ifndef UNDYING_CLI_FLAGS_TRIAL_OPTIONS_H_
#define UNDYING_CLI_FLAGS_TRIAL_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace undying::cli {

// The flags of commands that judge arms: how many seeds, how long, what difference does not matter.
class TrialOptions {
 public:
  // Adds the flags to a command. The object must outlive the parse.
  explicit TrialOptions(CLI::App& app);

  // Each throws Error{kInvalidArgument} that names its flag.
  int seeds() const;  // 0: auto
  int max_seeds() const { return static_cast<int>(max_seeds_); }
  double budget() const;                             // seconds; 0: no limit
  double margin() const { return margin_ / 100.0; }  // a share; 0: the default

 private:
  std::string seeds_ = "auto";
  std::int64_t max_seeds_ = 20;
  std::string budget_;
  double margin_ = 0.0;
};

// "90s", "10m", "1.5h", or seconds. Throws Error{kInvalidArgument} that names the flag.
double parse_duration(const std::string& flag, const std::string& text);

}  // namespace undying::cli

#endif  // UNDYING_CLI_FLAGS_TRIAL_OPTIONS_H_
