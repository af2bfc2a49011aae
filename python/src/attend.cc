#include "attend.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "base/stop.h"

namespace undying::python {

namespace nb = nanobind;

namespace {

constexpr auto kTick = std::chrono::milliseconds(50);

}  // namespace

void Progress::message(const std::string& line) {
  const std::lock_guard lock(mutex_);
  messages_.push_back(line);
  told_ = false;
}

void Progress::live(const std::vector<std::string>& lines) {
  const std::lock_guard lock(mutex_);
  live_ = lines;
  told_ = false;
}

void Progress::finished(const std::string& what) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !finished_ || dropped_; });  // that of another thread
  if (dropped_) return;
  finished_ = what;
  changed_.notify_all();
  changed_.wait(lock, [&] { return !finished_ || dropped_; });
}

void Progress::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool Progress::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kTick, [&] { return ended_ || (finished_ && !dropped_); });
  return ended_;
}

void Progress::hand_over(const nb::object& show, const nb::object& take) {
  std::vector<std::string> messages;
  std::vector<std::string> live;
  std::optional<std::string> finished;
  bool told = true;
  {
    const std::lock_guard lock(mutex_);
    told = std::exchange(told_, true);
    messages.swap(messages_);
    live = live_;
    finished = finished_;
  }
  if (!told && !show.is_none()) show(messages, live);
  if (!finished) return;
  if (!take.is_none()) take(*finished);
  const std::lock_guard lock(mutex_);
  finished_.reset();
  changed_.notify_all();
}

void Progress::drop() {
  const std::lock_guard lock(mutex_);
  dropped_ = true;
  changed_.notify_all();
}

void attend(const std::function<void(std::stop_token, Progress&)>& work,
            const Listeners& listeners) {
  Progress progress;
  std::exception_ptr failure;
  std::optional<nb::python_error> raised;
  std::jthread worker([&](const std::stop_token& stop) {
    const Stoppable stoppable(stop);
    try {
      work(stop, progress);
    } catch (...) {
      failure = std::current_exception();
    }
    progress.end();
  });
  for (bool ended = false; !ended;) {
    {
      const nb::gil_scoped_release release;
      ended = progress.wait();
    }
    if (raised) continue;
    try {
      if (PyErr_CheckSignals() != 0) nb::raise_python_error();
      progress.hand_over(listeners.show, listeners.take);
    } catch (nb::python_error& error) {
      raised.emplace(std::move(error));
      worker.request_stop();
      progress.drop();
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
