#ifndef UNDYING_PYTHON_ATTEND_H_
#define UNDYING_PYTHON_ATTEND_H_

#include <nanobind/nanobind.h>

#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

namespace undying::python {

// What a job shows of itself, from any thread: lines that stay, and those that say how it stands
// now.
class Progress {
 public:
  void message(const std::string& line);
  void live(const std::vector<std::string>& lines);

  // Hands what is new to `show(messages, live)`. Needs the GIL.
  void show(const nanobind::object& show);

 private:
  std::mutex mutex_;
  std::vector<std::string> messages_;
  std::vector<std::string> live_;
  bool changed_ = false;
};

// Runs `work` on a thread of its own without the GIL, so that whatever it does to its thread
// (OpenMP's settings among it) is gone with it, and looks after it from the calling thread:
// signals, Ctrl-C among them, become a stop request, and progress goes to `show` unless that is
// None. Throws what `work` throws; a Python exception on the way once `work` has ended. Called with
// the GIL.
void attend(const std::function<void(std::stop_token, Progress&)>& work,
            const nanobind::object& show);

}  // namespace undying::python

#endif  // UNDYING_PYTHON_ATTEND_H_
