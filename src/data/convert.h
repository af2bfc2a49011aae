#ifndef UNDYING_DATA_CONVERT_H_
#define UNDYING_DATA_CONVERT_H_

#include <cstdint>

#include "undying/dataset.h"

namespace undying::data {

// One example of a data set as a network sees it: (stored - mean) / deviation. Works from the
// front: `bytes` may be the last quarter of dst's own memory, and `values` may be dst.
void convert(const Dataset& data, const std::uint8_t* bytes, float* dst);
void convert(const Dataset& data, const float* values, float* dst);

}  // namespace undying::data

#endif  // UNDYING_DATA_CONVERT_H_
