#ifndef UNDYING_BASE_BUFFER_H_
#define UNDYING_BASE_BUFFER_H_

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

namespace undying {

inline constexpr std::size_t kAlignment = 64;  // a cache line, and the widest vector

// Owned, zeroed memory for `size` trivial values, aligned to kAlignment. Moves, never grows.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : size_(size) {
    if (size == 0) return;
    data_.reset(static_cast<T*>(::operator new (size * sizeof(T), std::align_val_t{kAlignment})));
    std::memset(static_cast<void*>(data_.get()), 0, size * sizeof(T));
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
    void operator()(T* p) const { ::operator delete (p, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

// The least multiple of kAlignment / sizeof(float) that is not below n: keeps neighbours in an arena on cache lines of their own.
inline constexpr std::size_t padded(std::size_t n) {
  constexpr std::size_t lanes = kAlignment / sizeof(float);
  return (n + lanes - 1) / lanes * lanes;
}

}  // namespace undying

#endif  // UNDYING_BASE_BUFFER_H_
