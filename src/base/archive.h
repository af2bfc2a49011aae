#ifndef UNDYING_BASE_ARCHIVE_H_
#define UNDYING_BASE_ARCHIVE_H_

// State as bytes and back, by one function for both ways:
//
//   void each_state(Archive& archive) { archive(steps_); archive(weights_); }
//
// Numbers lie as in memory, so bytes are for the same program on the same kind of machine.

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "undying/error.h"

namespace undying {

class Archive {
 public:
  Archive() = default;  // writes
  // Reads; `source` stands in errors.
  Archive(std::string bytes, std::string source)
      : bytes_(std::move(bytes)), source_(std::move(source)), reading_(true) {}

  bool reading() const { return reading_; }
  const std::string& bytes() const { return bytes_; }

  template <class T>
  requires std::is_trivially_copyable_v<T>
  void operator()(T& value) { copy(&value, sizeof value); }
  void operator()(std::string& text) {
    text.resize(count(text.size(), 1));
    copy(text.data(), text.size());
  }
  template <class T>
  void operator()(std::vector<T>& values) {
    each(values, [this](T& value) { (*this)(value); });
  }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void operator()(std::vector<T>& values) {
    values.resize(count(values.size(), sizeof(T)));
    copy(values.data(), values.size() * sizeof(T));
  }
  void operator()(std::vector<bool>& values) {
    std::vector<char> bytes(values.begin(), values.end());
    (*this)(bytes);
    values.assign(bytes.begin(), bytes.end());
  }
  // As many as there are: a file that has another number is of something else.
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void fixed(std::span<T> values) {
    if (count(values.size(), sizeof(T)) != values.size()) fail();
    copy(values.data(), values.size_bytes());
  }
  template <class T, class Each>
  void each(std::vector<T>& values, const Each& visit) {
    values.resize(count(values.size(), 1));
    for (T& value : values) visit(value);
  }

  // All was read. Throws Error{kBadData}.
  void end() const {
    if (reading_ && at_ != bytes_.size()) fail();
  }

 private:
  // Of elements of so many bytes at least.
  std::size_t count(std::size_t now, std::size_t size) {
    std::uint64_t stored = now;
    copy(&stored, sizeof stored);
    if (reading_ && stored > (bytes_.size() - at_) / size) fail();
    return stored;
  }
  void copy(void* data, std::size_t size) {
    if (size == 0) return;
    if (!reading_) {
      bytes_.append(static_cast<const char*>(data), size);
      return;
    }
    if (size > bytes_.size() - at_) fail();
    std::memcpy(data, bytes_.data() + at_, size);
    at_ += size;
  }
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::kBadData, source_,
                "is damaged, or was written by another program; remove it to start anew");
  }

  std::string bytes_;
  std::string source_;
  std::size_t at_ = 0;
  bool reading_ = false;
};

}  // namespace undying

#endif  // UNDYING_BASE_ARCHIVE_H_
