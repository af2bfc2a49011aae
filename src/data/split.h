#ifndef UNDYING_DATA_SPLIT_H_
#define UNDYING_DATA_SPLIT_H_

#include "undying/dataset.h"

namespace undying::data {

inline constexpr std::int64_t kEvery = 6;
inline constexpr const char* kHeldOut = "held out for testing: every 6th example";  // a Split's note

inline bool is_held_out(std::int64_t row) { return row % kEvery == kEvery - 1; }

// Throws Error{kBadData} where a data set has too few examples to hold some out.
void check_hold_out(const std::string& name, std::int64_t size);

// Holds every 6th example out as the test part; with fewer than 6 examples throws Error{kBadData}.
Split hold_out(const Dataset& all);

// Rescales both parts to zero mean and unit variance, measured on the training part: one mean and deviation a channel for bytes, one a
// column for values. Those that never vary are only centred.
void standardise(Dataset& train, Dataset& test);

}  // namespace undying::data

#endif  // UNDYING_DATA_SPLIT_H_
