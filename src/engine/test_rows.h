#ifndef UNDYING_ENGINE_TEST_ROWS_H_
#define UNDYING_ENGINE_TEST_ROWS_H_

#include <cstdint>

#include "base/philox.h"
#include "engine/passes/source.h"

namespace undying::engine {

// Rows of a test: `size` normal numbers each, the same whatever is asked for together, and classes
// in turn.
class DrawnRows : public BatchSource {
 public:
  explicit DrawnRows(std::int64_t size, std::int64_t classes = 3)
      : size_(size), classes_(classes) {}

  void inputs(int, std::int64_t first, std::int64_t rows, float* dst) const override {
    const Random random(3, Stream::kTest);
    for (std::int64_t i = 0; i < rows * size_; ++i)
      dst[i] = static_cast<float>(random.normal(static_cast<std::uint64_t>(first * size_ + i)));
  }
  bool has_labels() const override { return true; }
  void labels(std::int64_t first, std::int64_t rows, std::int32_t* dst) const override {
    for (std::int64_t i = 0; i < rows; ++i)
      dst[i] = static_cast<std::int32_t>((first + i) % classes_);
  }
  void targets(std::int64_t, std::int64_t, float*) const override {}

 private:
  std::int64_t size_, classes_;
};

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_TEST_ROWS_H_
