#ifndef UNDYING_CLI_OUTPUTS_H_
#define UNDYING_CLI_OUTPUTS_H_

#include <exception>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "cli/host.h"
#include "undying/study.h"

namespace undying::cli {

// The files a command writes: checked before its work, so that hours are not spent on a result with
// nowhere to go, and written after it.
class Outputs {
 public:
  struct File {
    const char* flag;
    std::string name;      // empty: not asked for
    bool goes_on = false;  // what is there is gone on with
  };

  // A flag and what its command reads.
  struct Input {
    const char* flag;
    std::vector<std::filesystem::path> files;
  };

  // Throws Error when a file cannot be written, two flags name the same one, or one names a file
  // that is read: no result is worth the data it was made of. Pipes and devices may be both.
  explicit Outputs(std::initializer_list<File> files, const std::vector<Input>& inputs = {});

  // Calls `writer` unless `name` is empty. An error is kept for rethrow(): a full disk under one
  // file must not cost the others.
  void write(const std::string& name, const std::function<void()>& writer);
  void rethrow() const;

  // Says so of files from before to which nothing was written: they look like a result of this
  // command.
  void tell_older(const Host& host) const;

 private:
  std::vector<std::string> unwritten_;
  std::exception_ptr first_error_;
};

// What is said at once of an interrupted study.
inline constexpr const char* kRunsInterrupted =
    "interrupted: what finished runs there are will be written; once more ends at once";

// Says so where an interrupt came before any run was finished: then nothing is written, over what
// an earlier study left least of all.
bool nothing_finished(const Host& host, const Study& study, const Outputs& outputs);

}  // namespace undying::cli

#endif  // UNDYING_CLI_OUTPUTS_H_
