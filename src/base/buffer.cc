#include "base/buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <new>

namespace undying {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;

// Memory fresh from the system, which is zero: its pages are made when they are first written, by
// the thread that does. Small pages would cost most of the time to the first step of a large
// network: 36,000 faults for 141 MB.
void* map(std::size_t bytes) {
  const std::size_t room = bytes + kHugePage;
  void* const whole =
      mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (whole == MAP_FAILED) throw std::bad_alloc();
  auto* const begin = static_cast<std::byte*>(whole);
  const std::size_t before =
      (kHugePage - reinterpret_cast<std::uintptr_t>(whole) % kHugePage) % kHugePage;
  if (before > 0) munmap(begin, before);
  if (before < kHugePage) munmap(begin + before + bytes, kHugePage - before);
  madvise(begin + before, bytes, MADV_HUGEPAGE);  // advice: without it the pages are small
  return begin + before;
}

// What is mapped for `bytes`: whole small pages.
std::size_t mapped(std::size_t bytes) { return (bytes + 4095) / 4096 * 4096; }

}  // namespace

void* allocate(std::size_t bytes) {
  if (bytes >= kHugePage) return map(mapped(bytes));
  void* const memory = ::operator new (bytes, std::align_val_t{kAlignment});
  std::memset(memory, 0, bytes);
  return memory;
}

void release(void* memory, std::size_t bytes) noexcept {
  if (bytes >= kHugePage) {
    munmap(memory, mapped(bytes));
  } else {
    ::operator delete (memory, std::align_val_t{kAlignment});
  }
}

}  // namespace undying
