#ifndef UNDYING_DATA_AXES_H_
#define UNDYING_DATA_AXES_H_

#include <cstdint>
#include <vector>

#include "undying/dataset.h"

namespace undying::data {

enum class Move { kNone, kLastToFront, kFirstToEnd };

// Moves an axis of every example.
void move_axis(Dataset& data, Move move);

// To a network of one input and one output: images (channels, height, width) become (height, width,
// channels) where it takes them so, and labels without names may leave some of its classes out.
void fit_to(Dataset& data, const NetworkInterface& network, bool images);

}  // namespace undying::data

#endif  // UNDYING_DATA_AXES_H_
