#include "cli/signals.h"

#include <pthread.h>
#include <signal.h>

#include <ctime>

namespace undying::cli {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  listener_ = std::jthread([this, set](const std::stop_token& ending) {
    constexpr timespec kTick{.tv_sec = 0, .tv_nsec = 50'000'000};
    while (!ending.stop_requested()) {
      if (sigtimedwait(&set, nullptr, &kTick) < 0) continue;
      source_.request_stop();
      pthread_sigmask(SIG_UNBLOCK, &set, nullptr);  // this thread takes the next one, which kills
    }
  });
}

Interrupt::~Interrupt() {
  listener_.request_stop();
  listener_.join();
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace undying::cli
