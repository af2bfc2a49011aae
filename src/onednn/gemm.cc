#include "onednn/gemm.h"

#include <dnnl.h>

#include <array>
#include <string>
#include <utility>

#include "undying/error.h"

// Of GNU OpenMP, oneDNN's runtime; declared here because not every compiler brings its header.
extern "C" void omp_set_num_threads(int count);

namespace undying::onednn {

void use_one_thread() { omp_set_num_threads(1); }

void prepare() {
  use_one_thread();
  constexpr std::int64_t kSize = 16;
  const std::array<float, kSize * kSize> ones{};
  std::array<float, kSize * kSize> product;
  for (const auto& [a, b] : {std::pair{Transpose::kNo, Transpose::kYes},
                             {Transpose::kYes, Transpose::kNo},
                             {Transpose::kNo, Transpose::kNo}})
    gemm(a, b, kSize, kSize, kSize, ones.data(), kSize, ones.data(), kSize, 0.0f, product.data(),
         kSize);
}

void gemm(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n,
          std::int64_t k, const float* a, std::int64_t lda, const float* b, std::int64_t ldb,
          float beta, float* c, std::int64_t ldc) {
  if (k == 0) {  // an empty sum; oneDNN 2.6 would leave C as it is, whatever beta
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        c[i * ldc + j] = beta == 0.0f ? 0.0f : beta * c[i * ldc + j];
    return;
  }
  const dnnl_status_t status =
      dnnl_sgemm(static_cast<char>(transpose_a), static_cast<char>(transpose_b), m, n, k, 1.0f, a,
                 lda, b, ldb, beta, c, ldc);
  if (status != dnnl_success)
    throw Error(ErrorCode::kInternal, "gemm", "oneDNN returned status " + std::to_string(status));
}

}  // namespace undying::onednn
