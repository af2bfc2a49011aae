#ifndef UNDYING_OPS_ELEMENTWISE_BINARY_KERNELS_H_
#define UNDYING_OPS_ELEMENTWISE_BINARY_KERNELS_H_

#include <cstdint>

namespace undying::ops {

// dst[i] = a[i] op b[i]; an operand that does not move gives a[0] to all.
struct BinaryArgs {
  std::int64_t count = 0;
  const float* a = nullptr;
  const float* b = nullptr;
  float* dst = nullptr;  // may be a or b
  bool a_moves = true;
  bool b_moves = true;
};

struct BinaryKernels {
  void (*add)(const BinaryArgs&);
  void (*sub)(const BinaryArgs&);
  void (*mul)(const BinaryArgs&);
  void (*div)(const BinaryArgs&);
  void (*maximum)(const BinaryArgs&);  // NaN where either is
  void (*minimum)(const BinaryArgs&);
  void (*greater)(const BinaryArgs&);  // 1 where it holds, else 0
  void (*less)(const BinaryArgs&);
  void (*equal)(const BinaryArgs&);
};
const BinaryKernels& binary_kernels();  // for the machine at hand

}  // namespace undying::ops

#endif  // UNDYING_OPS_ELEMENTWISE_BINARY_KERNELS_H_
