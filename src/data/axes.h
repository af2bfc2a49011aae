#ifndef UNDYING_DATA_AXES_H_
#define UNDYING_DATA_AXES_H_

#include <cstdint>
#include <vector>

#include "undying/dataset.h"

namespace undying::data {

enum class Move { kNone, kLastToFront, kFirstToEnd };

// Moves an axis of every example.
void move_axis(Dataset& data, Move move);

// Images (channels, height, width) to (height, width, channels), where that is what a network takes.
void lay_out_like(Dataset& images, const std::vector<std::int64_t>& input);

}  // namespace undying::data

#endif  // UNDYING_DATA_AXES_H_
