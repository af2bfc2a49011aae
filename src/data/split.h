#ifndef UNDYING_DATA_SPLIT_H_
#define UNDYING_DATA_SPLIT_H_

#include "undying/dataset.h"

namespace undying::data {

// Holds every 6th example out as the test part; with fewer than 6 examples throws Error{kBadData}.
Split hold_out(const Dataset& all);

// Rescales both parts to zero mean and unit variance, measured on the training part: one mean and deviation for bytes, one per column
// for values. Columns that never vary are only centred.
void standardise(Dataset& train, Dataset& test);

}  // namespace undying::data

#endif  // UNDYING_DATA_SPLIT_H_
