#ifndef UNDYING_CLI_HOST_H_
#define UNDYING_CLI_HOST_H_

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "undying/dataset.h"

namespace undying::cli {

// Where a command runs: in the program, on a terminal, or inside an application that calls it with
// data at hand, stops it and shows how it stands. The latter sets what it wants otherwise than the
// program has it.
struct Host {
  std::string command;  // the command line, or the call, that repeats it, for records

  std::function<void(const std::string&)> write;  // takes the results for people, a piece at a time
  int columns = 100;                              // of what takes them
  bool color = false;

  // In place of open_dataset() of what --data names, which is then but a name.
  std::function<Split(const DataOptions&)> data = {};
  // Likewise, of data without targets.
  std::function<std::shared_ptr<const Dataset>(const std::optional<DataForm>&)> inputs = {};
  std::optional<std::stop_token> stop = {};  // in place of signals
  // Takes a line of progress that stays, in place of standard error.
  std::function<void(const std::string&)> message = {};
  // And the lines that say how things stand now.
  std::function<void(const std::vector<std::string>&)> live = {};
  // Takes what was finished, as JSON, from threads of the work, which wait for it: an epoch of
  // train (epoch_json), a run of a study (finished_run_json).
  std::function<void(const std::string&)> finished = {};

  template <class... Args>
  void print(fmt::format_string<Args...> format, Args&&... args) const {
    write(fmt::format(format, std::forward<Args>(args)...));
  }

  // Whether there is a command line that what is advised can be typed into.
  bool has_command_line() const { return !stop; }

  // What opens data for a command.
  Split open(const std::string& source, const DataOptions& options) const {
    return data ? data(options) : open_dataset(source, options);
  }
};

// Of the program: standard output.
Host program_host(int argc, const char* const* argv);

}  // namespace undying::cli

#endif  // UNDYING_CLI_HOST_H_
