#ifndef UNDYING_ENGINE_PASSES_SOURCE_H_
#define UNDYING_ENGINE_PASSES_SOURCE_H_

#include <cstdint>

#include "engine/plan.h"

namespace undying::engine {

// Where a batch, or a whole data set, comes from. Called from several workers at once, each for
// rows of its own.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  // `input`: which of the graph's.
  virtual void inputs(int input, std::int64_t first, std::int64_t rows, float* dst) const = 0;
  // One of the two is filled: class indices or values. Returns whether it was labels.
  virtual bool has_labels() const = 0;
  virtual void labels(std::int64_t first, std::int64_t rows, std::int32_t* dst) const = 0;
  virtual void targets(std::int64_t first, std::int64_t rows, float* dst) const = 0;
  // How much each row counts in the loss of a step. Returns false, and leaves dst as it is, where
  // all count alike.
  virtual bool weights(std::int64_t first, std::int64_t rows, float* dst) const {
    (void)first, (void)rows, (void)dst;
    return false;
  }
};

// Copies inputs and, where `answers` are wanted, labels or targets of these rows to where a shard's
// plan expects them.
void read(const BatchSource& source, std::int64_t first, std::int64_t rows, Shard& shard,
          bool answers = true);

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_PASSES_SOURCE_H_
