#ifndef UNDYING_DATA_ARRAY_FITS_H_
#define UNDYING_DATA_ARRAY_FITS_H_

#include <cstdint>
#include <vector>

#include "undying/dataset.h"

namespace undying::data {

// Whether examples of one shape can be what a model takes: the same extents in the same order,
// those of 1 aside, or as many values where one of the two is flat. Throws Error{kInvalidArgument}
// that shows both shapes, and the option that moves axes where that would help.
void check_shape(const Dataset& data, const std::vector<std::int64_t>& model);

// Whether labels, or values to predict, are as many as the outputs of a model. Throws
// Error{kInvalidArgument} that says how many there are of each, and of labels that count from 1
// that they do.
void check_outputs(const Dataset& data, std::int64_t outputs);

// Throws Error{kBadData} where a target is outside [0, 1], as binary cross-entropy cannot have it.
void check_probabilities(const Dataset& data);

}  // namespace undying::data

#endif  // UNDYING_DATA_ARRAY_FITS_H_
