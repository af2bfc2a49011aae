#ifndef UNDYING_DATA_READ_COMMON_H_
#define UNDYING_DATA_READ_COMMON_H_

#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "undying/error.h"

namespace undying::data {

// `source` is a file, or "data " and the name of what was made of it.
[[noreturn]] inline void bad_data(const std::string& source, const std::string& message) {
  throw Error(ErrorCode::kBadData, source, message);
}

// How many values an example of this shape has.
inline std::int64_t count(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

}  // namespace undying::data

#endif  // UNDYING_DATA_READ_COMMON_H_
