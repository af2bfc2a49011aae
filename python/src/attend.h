#ifndef UNDYING_PYTHON_ATTEND_H_
#define UNDYING_PYTHON_ATTEND_H_

#include <nanobind/nanobind.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace undying::python {

// What a job tells of itself, from any thread: lines that stay, those that say how it stands now,
// and what it has finished.
class Progress {
 public:
  void message(const std::string& line);
  void live(const std::vector<std::string>& lines);
  // Waits until it was taken.
  void finished(const std::string& what);
  void end();  // of the job

  // Waits a little, or until something was finished; whether the job has ended. Without the GIL.
  bool wait();
  // Hands what is new to `show(messages, live)` and `take(what)`, where these are not None. With
  // the GIL.
  void hand_over(const nanobind::object& show, const nanobind::object& take);
  // What was finished is nobody's business any more.
  void drop();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> messages_;
  std::vector<std::string> live_;
  std::optional<std::string> finished_;
  bool told_ = true;
  bool ended_ = false;
  bool dropped_ = false;
};

// What a caller is told on the way; None: nothing.
struct Listeners {
  nanobind::object show = nanobind::none();  // show(messages, live)
  nanobind::object take = nanobind::none();  // take(what was finished, as JSON); the work waits
};

// Runs `work` on a thread of its own without the GIL, so that whatever it does to its thread
// (OpenMP's settings among it) is gone with it, and looks after it from the calling thread:
// signals, Ctrl-C among them, become a stop request, and the listeners are called. Throws what
// `work` throws; a Python exception on the way, of a listener as well, ends the work and is thrown
// then. Called with the GIL.
void attend(const std::function<void(std::stop_token, Progress&)>& work,
            const Listeners& listeners = {});

}  // namespace undying::python

#endif  // UNDYING_PYTHON_ATTEND_H_
