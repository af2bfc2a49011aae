#include "base/stop.h"

#include <utility>

namespace undying {
namespace {

std::stop_token& innermost() {
  thread_local std::stop_token token;
  return token;
}

}  // namespace

Stoppable::Stoppable(std::stop_token token)
    : outer_(std::exchange(innermost(), std::move(token))) {}

Stoppable::~Stoppable() { innermost() = std::move(outer_); }

const std::stop_token& Stoppable::token() { return innermost(); }

void throw_interrupted() {
  throw Error(ErrorCode::kInterrupted, "undying", "interrupted: nothing is written");
}

}  // namespace undying
