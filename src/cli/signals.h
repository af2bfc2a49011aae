#ifndef UNDYING_CLI_SIGNALS_H_
#define UNDYING_CLI_SIGNALS_H_

#include <stop_token>
#include <thread>

namespace undying::cli {

// Turns the first SIGINT or SIGTERM into a stop request; the second one ends the program at once, as if this did not exist. Make one
// before any other thread starts: threads inherit that the signals are blocked.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();

  std::stop_token token() const { return source_.get_token(); }
  bool requested() const { return source_.stop_requested(); }

 private:
  std::stop_source source_;
  std::jthread listener_;
};

}  // namespace undying::cli

#endif  // UNDYING_CLI_SIGNALS_H_
