#ifndef UNDYING_TRAIN_SOURCE_H_
#define UNDYING_TRAIN_SOURCE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/philox.h"
#include "engine/engine.h"
#include "undying/augmentation.h"
#include "undying/dataset.h"

namespace undying::train {

// Examples of a data set in a given order, as the engine reads them. Each worker prepares the rows
// it asks for.
class DatasetSource : public engine::BatchSource {
 public:
  // `class_weights`: how much the examples of each class count; empty: alike.
  DatasetSource(const Dataset& data, std::span<const std::uint32_t> order,
                std::span<const float> class_weights = {})
      : data_(&data), order_(order), class_weights_(class_weights) {}

  void inputs(int input, std::int64_t first, std::int64_t rows, float* dst) const override;
  bool has_labels() const override { return data_->classes > 0; }
  void labels(std::int64_t first, std::int64_t rows, std::int32_t* dst) const override;
  void targets(std::int64_t first, std::int64_t rows, float* dst) const override;
  bool weights(std::int64_t first, std::int64_t rows, float* dst) const override;

 protected:
  std::span<const std::uint32_t> part(std::int64_t first, std::int64_t rows) const {
    return order_.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows));
  }

  const Dataset* data_;

 private:
  std::span<const std::uint32_t> order_;
  std::span<const float> class_weights_;
};

// The same, augmented. The draws are those of one epoch.
class AugmentedSource final : public DatasetSource {
 public:
  AugmentedSource(const Dataset& data, std::span<const std::uint32_t> order,
                  std::span<const float> class_weights, const Augmentation& augmentation,
                  const Random& draws)
      : DatasetSource(data, order, class_weights), augmentation_(augmentation), draws_(draws) {}

  void inputs(int input, std::int64_t first, std::int64_t rows, float* dst) const override;

 private:
  Augmentation augmentation_;
  Random draws_;
};

// 0, 1, ..., size - 1.
std::vector<std::uint32_t> identity_order(std::int64_t size);

// Fills `order` with the permutation of an epoch (Fisher and Yates), a function of seed and epoch
// alone.
void shuffle(std::uint64_t seed, std::int64_t epoch, std::vector<std::uint32_t>& order);

}  // namespace undying::train

#endif  // UNDYING_TRAIN_SOURCE_H_
