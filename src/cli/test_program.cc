#include "cli/test_program.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace undying::cli {
namespace {

// Two ends of a channel: ours to read, the child's to write.
struct Ends {
  int ours = -1;
  int theirs = -1;
};

Ends open_channel(const Child::Start& start) {
  Ends ends;
  if (start.channel == Child::Channel::kTerminal) {
    winsize size{};
    size.ws_col = static_cast<unsigned short>(start.columns);
    size.ws_row = 24;
    if (openpty(&ends.ours, &ends.theirs, nullptr, nullptr, &size) != 0)
      throw std::runtime_error("no pseudo-terminal");
    return ends;
  }
  int pair[2];
  if (pipe(pair) != 0) throw std::runtime_error("no pipe");
  return {pair[0], pair[1]};
}

[[noreturn]] void become(const std::filesystem::path& folder, std::vector<char*>& arguments,
                         const Child::Start& start, const Ends& ends) {
  if (chdir(folder.c_str()) != 0) _exit(99);
  signal(SIGINT, start.ignore_interrupts ? SIG_IGN : SIG_DFL);
  setenv("TERM", start.terminal, 1);
  dup2(open("out.txt", O_WRONLY | O_CREAT | O_TRUNC, 0644), STDOUT_FILENO);
  dup2(ends.theirs, STDERR_FILENO);
  close(ends.ours);
  close(ends.theirs);
  execv(UNDYING_BINARY, arguments.data());
  _exit(99);
}

}  // namespace

Result Program::run(const std::string& arguments, const std::string& redirection) const {
  const std::string command = "cd '" + folder_.string() + "' && '" UNDYING_BINARY "' " + arguments +
                              " </dev/null " + redirection;
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content("out.txt"), content("err.txt")};
}

void Program::expect_error(const std::string& arguments,
                           const testing::Matcher<const std::string&>& message) const {
  const Result result = run(arguments);
  EXPECT_EQ(result.code, 2) << arguments << '\n' << result.err;
  EXPECT_THAT(result.err, message) << arguments;
  EXPECT_TRUE(result.err.starts_with("error: ")) << result.err;
  std::istringstream lines(result.err);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) EXPECT_TRUE(line.starts_with("  ")) << result.err;
  EXPECT_EQ(result.out, "") << arguments;
}

std::string Program::content(const std::string& name) const {
  std::ifstream stream(folder_ / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Child::Child(const std::filesystem::path& folder, const std::vector<std::string>& arguments,
             const Start& start) {
  std::vector<std::string> words = {"undying"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const Ends ends = open_channel(start);
  process_ = fork();
  if (process_ == 0) become(folder, pointers, start, ends);
  close(ends.theirs);
  channel_ = ends.ours;
}

Child::~Child() {
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  close(channel_);
}

bool Child::read_more() {
  char buffer[4096];
  const ssize_t length = ::read(channel_, buffer, sizeof buffer);
  if (length <= 0) return false;  // a terminal whose other end is closed gives an error
  seen_.append(buffer, static_cast<std::size_t>(length));
  return true;
}

bool Child::wait_for(const std::string& text, int times) {
  while (times > 0) {
    const std::size_t found = seen_.find(text, at_);
    if (found == std::string::npos) {
      if (!read_more()) return false;
      continue;
    }
    at_ = found + text.size();
    --times;
  }
  return true;
}

void Child::send(int signal) const { kill(process_, signal); }

int Child::wait() {
  while (read_more()) continue;
  int status = 0;
  waitpid(process_, &status, 0);
  process_ = -1;
  return status;
}

}  // namespace undying::cli
