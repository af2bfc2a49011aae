#ifndef UNDYING_TRAIN_KEEP_ALIVE_OUTGOING_WEIGHTS_H_
#define UNDYING_TRAIN_KEEP_ALIVE_OUTGOING_WEIGHTS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "train/keep_alive/treatment.h"

namespace undying::train {

// Of each unit the sum of the sizes of its outgoing weights, kept as they are updated: each slice
// of a reader's weights is added up where it was updated, on the same core, while it is in its
// cache. Sums are made in the order of rows within a slice, and of slices.
class OutgoingWeights {
 public:
  explicit OutgoingWeights(Treatment& treatment);

  void updated(const engine::Slice& slice);  // on any worker, once a slice
  // One a unit of the treated layer: of the weights as they were last updated.
  std::span<const double> sums(std::size_t layer);

 private:
  // A weight that reads a layer: a row an output, of `run` numbers for each unit of its group.
  struct Reader {
    std::int64_t units = 0;  // of the layer
    std::int64_t row = 0;
    std::int64_t run = 1;
    std::int64_t outputs = 0;  // of a group
    const float* values = nullptr;
    std::int64_t offset = 0;                // in the trained arena
    int first = -1;                         // slice
    std::vector<std::vector<float>> parts;  // by slice, one a unit of the layer
  };

  void add(Treatment& treatment, std::size_t layer, const engine::Reader& reader);

  std::vector<std::vector<double>> sums_;     // by layer
  std::vector<std::vector<Reader>> readers_;  // by layer
  std::vector<Reader*> by_parameter_;         // null: reads no treated layer
};

}  // namespace undying::train

#endif  // UNDYING_TRAIN_KEEP_ALIVE_OUTGOING_WEIGHTS_H_
