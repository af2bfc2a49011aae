#include "attend.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "base/stop.h"

namespace undying::python {

namespace nb = nanobind;

namespace {

constexpr auto kTick = std::chrono::milliseconds(50);

// The end of a job, awaited.
class Done {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kTick, [&] { return done_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

}  // namespace

void Progress::message(const std::string& line) {
  const std::lock_guard lock(mutex_);
  messages_.push_back(line);
  changed_ = true;
}

void Progress::live(const std::vector<std::string>& lines) {
  const std::lock_guard lock(mutex_);
  live_ = lines;
  changed_ = true;
}

void Progress::show(const nb::object& show) {
  std::vector<std::string> messages;
  std::vector<std::string> live;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(changed_, false)) return;
    messages.swap(messages_);
    live = live_;
  }
  show(messages, live);
}

void attend(const std::function<void(std::stop_token, Progress&)>& work, const nb::object& show) {
  Progress progress;
  Done done;
  std::exception_ptr failure;
  std::optional<nb::python_error> raised;
  std::jthread worker([&](const std::stop_token& stop) {
    const Stoppable stoppable(stop);
    try {
      work(stop, progress);
    } catch (...) {
      failure = std::current_exception();
    }
    done.set();
  });
  for (bool ended = false; !ended;) {
    {
      const nb::gil_scoped_release release;
      ended = done.wait();
    }
    if (raised) continue;
    try {
      if (PyErr_CheckSignals() != 0) nb::raise_python_error();
      if (!show.is_none()) progress.show(show);
    } catch (nb::python_error& error) {
      raised.emplace(std::move(error));
      worker.request_stop();
    }
  }
  {
    const nb::gil_scoped_release release;
    worker.join();
  }
  if (raised) throw std::move(*raised);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace undying::python
