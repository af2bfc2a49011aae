#ifndef UNDYING_ONNX_LOWER_WINDOW_H_
#define UNDYING_ONNX_LOWER_WINDOW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "onnx/lower/lower.h"

namespace undying::onnx {

// The attributes of a window that moves over positions, which convolutions and pools share: kernel,
// strides, dilations, pads or auto_pad. Those at their defaults are left out. Input 0 is (N, C,
// positions...).
Attributes window(const Lowering& lowering, const std::vector<std::int64_t>& kernel);

// Sets an attribute unless all its entries are `usual`.
void set_unless(Attributes& attributes, const std::string& name,
                const std::vector<std::int64_t>& values, std::int64_t usual);

// `src`, which has the shape of input 0, convolved as the operation's attributes say. `bias`: null:
// none.
Source convolved(Lowering& lowering, const char* op, bool transposed, Source src,
                 const ConstantPtr& weight, const ConstantPtr& bias);

}  // namespace undying::onnx

#endif  // UNDYING_ONNX_LOWER_WINDOW_H_
