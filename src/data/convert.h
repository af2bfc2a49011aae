#ifndef UNDYING_DATA_CONVERT_H_
#define UNDYING_DATA_CONVERT_H_

#include <cstdint>

#include "undying/dataset.h"

namespace undying::data {

// One example of a data set, held as bytes, as float32: scale * byte + offset of its channel. Works from the front: `bytes` may be the
// last quarter of dst's own memory.
void convert(const Dataset& data, const std::uint8_t* bytes, float* dst);

}  // namespace undying::data

#endif  // UNDYING_DATA_CONVERT_H_
