#ifndef UNDYING_TRAIN_INITIALIZE_H_
#define UNDYING_TRAIN_INITIALIZE_H_

#include <cstdint>

#include "engine/model.h"
#include "undying/initializer.h"

namespace undying::train {

// Draws every weight and sets every other parameter to its initial value. The draw of the k-th
// weight depends on (seed, k) alone, so networks that differ only in their activation share it up
// to its gain.
void initialize(engine::Model& model, Initializer initializer, std::uint64_t seed);

}  // namespace undying::train

#endif  // UNDYING_TRAIN_INITIALIZE_H_
