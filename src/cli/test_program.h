#ifndef UNDYING_CLI_TEST_PROGRAM_H_
#define UNDYING_CLI_TEST_PROGRAM_H_

// The program as its users run it, for tests: started in a folder of its own, watched, interrupted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/test_files.h"

namespace undying::cli {

// A network and data so small that a run takes milliseconds.
inline constexpr const char* kTiny =
    " --data spirals --model mlp:8x2 --epochs 2 --batch 50 --quiet ";

struct Result {
  int code = 0;
  std::string out;
  std::string err;
};

class Program : public TestFiles {
 protected:
  // Runs it to its end with these arguments, as a shell reads them. `err` is where standard error
  // goes instead of Result::err.
  Result run(const std::string& arguments,
             const std::string& redirection = ">out.txt 2>err.txt") const;

  // "error: ...", one line and perhaps an indented list, with exit code 2, and no result.
  void expect_error(const std::string& arguments,
                    const testing::Matcher<const std::string&>& message) const;

  std::string content(const std::string& name) const;
  nlohmann::json json(const std::string& name) const {
    return nlohmann::json::parse(content(name));
  }
  bool exists(const std::string& name) const { return std::filesystem::exists(folder_ / name); }
};

// A running program whose standard error is read as it is written. Standard output goes to out.txt
// in its folder.
class Child {
 public:
  enum class Channel { kPipe, kTerminal };  // what its standard error is
  struct Start {
    Channel channel = Channel::kPipe;
    const char* terminal = "xterm";  // TERM
    int columns = 80;                // of a terminal
    bool ignore_interrupts = false;  // as nohup or a script's background jobs do
  };

  Child(const std::filesystem::path& folder, const std::vector<std::string>& arguments,
        const Start& start);
  ~Child();  // kills what is still running
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Reads standard error until `text` has appeared this many times more. False when it ends before.
  bool wait_for(const std::string& text, int times = 1);
  void send(int signal) const;
  // Reads to the end of standard error and waits; the status is that of waitpid().
  int wait();
  const std::string& seen() const { return seen_; }

 private:
  bool read_more();

  pid_t process_ = -1;
  int channel_ = -1;
  std::string seen_;
  std::size_t at_ = 0;  // what wait_for() has not looked at yet
};

}  // namespace undying::cli

#endif  // UNDYING_CLI_TEST_PROGRAM_H_
