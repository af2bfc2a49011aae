#ifndef UNDYING_CLI_OUTPUTS_H_
#define UNDYING_CLI_OUTPUTS_H_

#include <exception>
#include <functional>
#include <initializer_list>
#include <string>

namespace undying::cli {

// The files a command writes: checked before its work, so that hours are not spent on a result with nowhere to go, and written after it.
class Outputs {
 public:
  struct File {
    const char* flag;
    std::string name;  // empty: not asked for
  };

  // Throws Error when a file cannot be written, two flags name the same one, or one names a file of `inputs`, or a file in a folder of
  // them: no result is worth the data it was made of.
  explicit Outputs(std::initializer_list<File> files, std::initializer_list<File> inputs = {});

  // Calls `writer` unless `name` is empty. An error is kept for rethrow(): a full disk under one file must not cost the others.
  void write(const std::string& name, const std::function<void()>& writer);
  void rethrow() const;

 private:
  std::exception_ptr first_error_;
};

}  // namespace undying::cli

#endif  // UNDYING_CLI_OUTPUTS_H_
