#ifndef UNDYING_ONEDNN_INNER_PRODUCT_H_
#define UNDYING_ONEDNN_INNER_PRODUCT_H_

#include <cstdint>
#include <memory>

namespace undying::onednn {

// Products of bfloat16 matrices with sums in float32, all row-major and dense: src (rows, inputs),
// weights (outputs, inputs), dst (rows, outputs). Several threads may use one object at the same
// time. The calling thread must have called use_one_thread(). Throws Error{kInternal} if oneDNN
// refuses.
class InnerProduct {
 public:
  InnerProduct(std::int64_t rows, std::int64_t inputs, std::int64_t outputs);
  ~InnerProduct();
  InnerProduct(InnerProduct&&) noexcept;

  std::int64_t workspace() const;  // floats

  // dst = src weights^T; diff_src = diff_dst weights; diff_weights = diff_dst^T src.
  void forward(const std::uint16_t* src, const std::uint16_t* weights, float* dst,
               float* workspace) const;
  void backward_data(const std::uint16_t* diff_dst, const std::uint16_t* weights, float* diff_src,
                     float* workspace) const;
  void backward_weights(const std::uint16_t* src, const std::uint16_t* diff_dst,
                        float* diff_weights, float* workspace) const;

 private:
  struct Primitives;
  std::unique_ptr<Primitives> primitives_;
};

}  // namespace undying::onednn

#endif  // UNDYING_ONEDNN_INNER_PRODUCT_H_
