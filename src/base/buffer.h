#ifndef UNDYING_BASE_BUFFER_H_
#define UNDYING_BASE_BUFFER_H_

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

namespace undying {

inline constexpr std::size_t kAlignment = 64;  // a cache line, and the widest vector

// Zeroed memory, aligned to kAlignment; in huge pages where it is large and the system has them.
// Throws std::bad_alloc.
void* allocate(std::size_t bytes);
void release(void* memory, std::size_t bytes) noexcept;

// Owned, zeroed memory for `size` trivial values, aligned to kAlignment. Moves, never grows.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : size_(size) {
    if (size > 0) data_ = {static_cast<T*>(allocate(size * sizeof(T))), {size * sizeof(T)}};
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::span<T> span() { return {data(), size_}; }
  std::span<const T> span() const { return {data(), size_}; }
  T& operator[](std::size_t i) { return data_.get()[i]; }
  const T& operator[](std::size_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    std::size_t bytes = 0;
    void operator()(T* memory) const { release(memory, bytes); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

// The least multiple of kAlignment / sizeof(float) that is not below n: keeps neighbours in an
// arena on cache lines of their own.
inline constexpr std::size_t padded(std::size_t n) {
  constexpr std::size_t lanes = kAlignment / sizeof(float);
  return (n + lanes - 1) / lanes * lanes;
}

}  // namespace undying

#endif  // UNDYING_BASE_BUFFER_H_
