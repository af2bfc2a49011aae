#ifndef UNDYING_CLI_SIGNALS_H_
#define UNDYING_CLI_SIGNALS_H_

#include <functional>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/stop.h"
#include "cli/host.h"

namespace undying::cli {

// Turns the first SIGINT, SIGTERM or SIGHUP into a stop request; the second one ends the program at
// once, as if this did not exist. A signal that was ignored when the program started stays ignored
// (nohup, background jobs of scripts). Make one before any other thread starts: threads inherit
// that the signals are blocked. Where a host stops its commands itself, signals are left alone.
// Passes over data that begin on this thread while it lives end with a stop request, too
// (base/stop.h).
class Interrupt {
 public:
  // Both are called on a thread of their own: `asked` at the first signal, `ending` right before
  // the second one ends the program.
  explicit Interrupt(const Host& host, std::function<void()> asked = {},
                     std::function<void()> ending = {});
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return given_ ? *given_ : source_.get_token(); }

 private:
  void receive(int signal);

  std::optional<std::stop_token> given_;
  std::function<void()> asked_;
  std::function<void()> ending_;
  std::stop_source source_;
  Stoppable stoppable_;
  std::jthread listener_;
};

}  // namespace undying::cli

#endif  // UNDYING_CLI_SIGNALS_H_
