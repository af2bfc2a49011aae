#ifndef UNDYING_ONNX_OPSETS_H_
#define UNDYING_ONNX_OPSETS_H_

#include <cstdint>

namespace undying::onnx {

// The opsets that are read; operations are understood in the terms of the newest.
// Of those before 6, only operators that have not changed since.
inline constexpr std::int64_t kFirstOpset = 1;
inline constexpr std::int64_t kNewestOpset = 28;
inline constexpr std::int64_t kFirstWrittenOpset = 17;
inline constexpr std::int64_t kWrittenOpset = 20;  // unless asked otherwise

// The last opset that this build reads and writes: kNewestOpset, or what the ONNX library at hand
// knows, if that is less.
std::int64_t last_opset();

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_OPSETS_H_
