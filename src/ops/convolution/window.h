#ifndef UNDYING_OPS_CONVOLUTION_WINDOW_H_
#define UNDYING_OPS_CONVOLUTION_WINDOW_H_

#include <cstdint>

#include "ops/operator.h"

namespace undying::ops {

// The window that a convolution or a pooling slides over (L), (H, W) or (D, H, W), ONNX's
// attributes resolved: one entry a dimension.
struct Window {
  Shape kernel, strides, dilations, begins, ends;
};

// Reads kernel, strides, dilations, pads and auto_pad of a node whose input is (C, L), (C, H, W) or
// (C, D, H, W). Rejects what does not fit.
Window window_of(const Node& node, const Shape& src);

// Extents of the kernel with its dilation.
std::int64_t reach(const Window& window, std::size_t dimension);

// How often the window fits, by ONNX's rule; with `ceil` a last one that begins within the input or
// its front padding counts too.
std::int64_t fits(const Node& node, const Window& window, const Shape& src, std::size_t dimension,
                  bool ceil = false);

}  // namespace undying::ops

#endif  // UNDYING_OPS_CONVOLUTION_WINDOW_H_
