#ifndef UNDYING_DATA_IMAGE_AUGMENT_H_
#define UNDYING_DATA_IMAGE_AUGMENT_H_

#include <cstdint>
#include <span>

#include "base/philox.h"
#include "undying/augmentation.h"
#include "undying/dataset.h"

namespace undying::data {

// Throws Error{kInvalidArgument} where the data's examples are not images, or too small for the
// crop or the cutout.
void check_augmentation(const Augmentation& augmentation, const Dataset& data);

// As gather(), with each example augmented. Blocks 2 i and 2 i + 1 of `draws` belong to example i
// of the data set.
void gather_augmented(const Dataset& data, const Augmentation& augmentation, const Random& draws,
                      std::span<const std::uint32_t> indices, float* dst);

}  // namespace undying::data

#endif  // UNDYING_DATA_IMAGE_AUGMENT_H_
