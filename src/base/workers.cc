#include "base/workers.h"

#include <chrono>

namespace undying {
namespace {

// Long enough for the shards of a step to even out, far shorter than a time slice.
constexpr auto kSpin = std::chrono::microseconds(50);

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

void Barrier::arrive() {
  if (parties_ == 1) return;
  const std::uint32_t generation = generation_.load(std::memory_order_acquire);
  if (waiting_.fetch_add(1, std::memory_order_acq_rel) + 1 ==
      static_cast<std::uint32_t>(parties_)) {
    waiting_.store(0, std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
    return;
  }
  const auto give_up = std::chrono::steady_clock::now() + kSpin;
  const auto waits = [&] { return generation_.load(std::memory_order_acquire) == generation; };
  while (waits()) {
    for (int i = 0; i < 32 && waits(); ++i) pause();  // between two looks at the clock
    if (std::chrono::steady_clock::now() >= give_up)
      generation_.wait(generation, std::memory_order_acquire);
  }
}

Workers::Workers(int count) : barrier_(count), gate_(count) {
  threads_.reserve(static_cast<std::size_t>(count - 1));
  for (int member = 1; member < count; ++member)
    threads_.emplace_back([this, member] { serve(member); });
}

Workers::~Workers() {
  stop_ = true;
  gate_.arrive();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::start(const void* work, Call call) {
  work_ = work;
  call_ = call;
  gate_.arrive();
  call(work, 0);
  gate_.arrive();
}

void Workers::serve(int member) {
  for (;;) {
    gate_.arrive();
    if (stop_) return;
    call_(work_, member);
    gate_.arrive();
  }
}

}  // namespace undying
