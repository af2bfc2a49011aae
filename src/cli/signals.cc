#include "cli/signals.h"

#include <pthread.h>
#include <signal.h>

#include <ctime>
#include <utility>

namespace undying::cli {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN)
      sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

Interrupt::Interrupt(const Host& host, std::function<void()> asked, std::function<void()> ending)
    : given_(host.stop), asked_(std::move(asked)), ending_(std::move(ending)), stoppable_(token()) {
  if (given_) return;
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  listener_ = std::jthread([this, set](const std::stop_token& done) {
    constexpr timespec kTick{.tv_sec = 0, .tv_nsec = 50'000'000};
    while (!done.stop_requested()) {
      const int signal = sigtimedwait(&set, nullptr, &kTick);
      if (signal > 0) receive(signal);
    }
  });
}

Interrupt::~Interrupt() {
  if (given_) return;
  listener_.request_stop();
  listener_.join();
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void Interrupt::receive(int signal) {
  if (!source_.stop_requested()) {
    source_.request_stop();
    if (asked_) asked_();
    return;
  }
  if (ending_) ending_();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  raise(signal);  // its default action ends the program
}

}  // namespace undying::cli
