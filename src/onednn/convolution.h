#ifndef UNDYING_ONEDNN_CONVOLUTION_H_
#define UNDYING_ONEDNN_CONVOLUTION_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace undying::onednn {

// A convolution of channels-last values: src (rows, D, H, W, C), weights (outputs, C / groups, KD,
// KH, KW) row-major, dst (rows, OD, OH, OW, outputs). Two dimensions: D = 1; one: H = 1, too. Pads
// and dilations are ONNX's (dilation 1 is dense).
struct ConvolutionShape {
  using Extents = std::array<std::int64_t, 3>;

  std::int64_t rows = 0;
  std::int64_t channels = 0;
  std::int64_t outputs = 0;
  std::int64_t groups = 1;
  Extents src{1, 1, 1};
  Extents dst{1, 1, 1};
  Extents kernel{1, 1, 1};
  Extents strides{1, 1, 1};
  Extents dilations{1, 1, 1};
  Extents begins{};
  Extents ends{};
  std::int64_t stride = 0;  // channels from one output's weights to the next's; 0: they are dense
  bool bfloat16 = false;    // products of bfloat16 values, sums in float32; src and diff_dst are
                            // handed over in bfloat16
};

// Which products a convolution is asked for: each has a primitive of its own, code that is made for
// its shape.
struct ConvolutionPasses {
  bool forward = true;
  bool backward_data = true;
  bool backward_weights = true;
};

// Whether products of bfloat16 values run fast on this machine.
bool has_bfloat16();

// The primitives of one shape, built once. Several threads may run one of them at the same time,
// each with a workspace of its own. The calling thread must have called use_one_thread(). Throws
// Error{kInternal} if oneDNN refuses.
class Convolution {
 public:
  explicit Convolution(const ConvolutionShape& shape, ConvolutionPasses passes = {});
  ~Convolution();
  Convolution(Convolution&&) noexcept;
  Convolution& operator=(Convolution&&) noexcept;

  // Builds fused_forward(), which adds a bias and applies a leaky rectifier of this slope (1:
  // none).
  void fuse(float slope);

  std::int64_t workspace() const;  // floats
  std::string implementation() const;

  void forward(const void* src, const float* weights, float* dst, float* workspace) const;
  void fused_forward(const void* src, const float* weights, const float* bias, float* dst,
                     float* workspace) const;
  void backward_data(const void* diff_dst, const float* weights, float* diff_src,
                     float* workspace) const;
  void backward_weights(const void* src, const void* diff_dst, float* diff_weights,
                        float* workspace) const;

 private:
  struct Primitives;
  std::unique_ptr<Primitives> primitives_;
};

}  // namespace undying::onednn

#endif  // UNDYING_ONEDNN_CONVOLUTION_H_
