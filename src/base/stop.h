#ifndef UNDYING_BASE_STOP_H_
#define UNDYING_BASE_STOP_H_

#include <stop_token>

#include "undying/error.h"

namespace undying {

// Long work that begins on this thread while the object lives can be stopped: passes over data and
// long training steps look at the token as they run, and throw Error{kInterrupted} once it is
// asked. The innermost one counts; an empty token shields from those around it.
class Stoppable {
 public:
  explicit Stoppable(std::stop_token token);
  ~Stoppable();
  Stoppable(const Stoppable&) = delete;
  Stoppable& operator=(const Stoppable&) = delete;

  // Of the innermost on this thread; empty where there is none.
  static const std::stop_token& token();

 private:
  std::stop_token outer_;
};

// What such work throws.
[[noreturn]] void throw_interrupted();

// Calls `work`; false where a stop request ended it.
template <class Work>
bool unless_stopped(const Work& work) {
  try {
    work();
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInterrupted) throw;
    return false;
  }
}

}  // namespace undying

#endif  // UNDYING_BASE_STOP_H_
