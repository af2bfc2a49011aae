#include "train/source.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "data/image/augment.h"

namespace undying::train {

void DatasetSource::inputs(int, std::int64_t first, std::int64_t rows, float* dst) const {
  gather(*data_, part(first, rows), dst);
}

void AugmentedSource::inputs(int, std::int64_t first, std::int64_t rows, float* dst) const {
  data::gather_augmented(*data_, augmentation_, draws_, part(first, rows), dst);
}

void DatasetSource::labels(std::int64_t first, std::int64_t rows, std::int32_t* dst) const {
  for (const std::uint32_t index : part(first, rows)) *dst++ = data_->labels[index];
}

void DatasetSource::targets(std::int64_t first, std::int64_t rows, float* dst) const {
  for (const std::uint32_t index : part(first, rows)) {
    const float* from = data_->targets.data() + static_cast<std::int64_t>(index) * data_->outputs;
    if (data_->target_mean.empty()) {
      dst = std::copy_n(from, data_->outputs, dst);
      continue;
    }
    for (const float mean : data_->target_mean) *dst++ = (*from++ - mean) / data_->target_deviation;
  }
}

bool DatasetSource::weights(std::int64_t first, std::int64_t rows, float* dst) const {
  if (class_weights_.empty() && data_->weights.empty()) return false;
  for (const std::uint32_t index : part(first, rows)) {
    *dst = data_->weights.empty() ? 1.0f : data_->weights[index];
    if (!class_weights_.empty()) *dst *= class_weights_[data_->labels[index]];
    ++dst;
  }
  return true;
}

std::vector<std::uint32_t> identity_order(std::int64_t size) {
  std::vector<std::uint32_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0U);
  return order;
}

void shuffle(std::uint64_t seed, std::int64_t epoch, std::vector<std::uint32_t>& order) {
  const Random random(seed, Stream::kDataOrder, static_cast<std::uint32_t>(epoch));
  std::iota(order.begin(), order.end(), 0U);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i, i)]);
}

}  // namespace undying::train
