#include "ops/arrange/reorder.h"

#include <algorithm>

namespace undying::ops {
namespace {

constexpr std::int64_t kBlock = 16;  // a cache line of floats

class ReorderKernel final : public Kernel {
 public:
  ReorderKernel(const Value& from, Layout to)
      : rows_(from.shape[0]), columns_(element_count(from.shape) / from.shape[0]) {
    if (to == Layout::kPlain) std::swap(rows_, columns_);
    view = rows_ == 1 || columns_ == 1;
    keeps_diff = true;
  }

  void forward(const Pass& pass, int) const override {
    transpose_matrices(pass.rows, rows_, columns_, pass.src[0], pass.dst);
  }
  void backward(const Pass& pass, int) const override {
    if (pass.diff_src[0] != nullptr)
      transpose_matrices(pass.rows, columns_, rows_, pass.diff_dst, pass.diff_src[0]);
  }

 private:
  std::int64_t rows_;
  std::int64_t columns_;
};

}  // namespace

std::unique_ptr<Kernel> reorder_kernel(const Value& from, Layout to) {
  return std::make_unique<ReorderKernel>(from, to);
}

void transpose_matrices(std::int64_t count, std::int64_t rows, std::int64_t columns,
                        const float* src, float* dst) {
  for (std::int64_t n = 0; n < count; ++n, src += rows * columns, dst += rows * columns)
    for (std::int64_t i0 = 0; i0 < rows; i0 += kBlock)
      for (std::int64_t j0 = 0; j0 < columns; j0 += kBlock)
        for (std::int64_t i = i0; i < std::min(rows, i0 + kBlock); ++i)
          for (std::int64_t j = j0; j < std::min(columns, j0 + kBlock); ++j)
            dst[j * rows + i] = src[i * columns + j];
}

}  // namespace undying::ops
