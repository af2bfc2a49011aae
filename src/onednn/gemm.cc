#include "onednn/gemm.h"

#include <dnnl.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "onednn/isa.h"
#include "undying/error.h"

// Of GNU OpenMP, oneDNN's runtime; declared here because not every compiler brings its header.
extern "C" void omp_set_num_threads(int count);

namespace undying::onednn {
namespace {

struct Product {
  Transpose transpose_a, transpose_b;
  std::int64_t m, n, k;
  const float* a;
  std::int64_t lda;
  const float* b;
  std::int64_t ldb;
  float beta;
  float* c;
  std::int64_t ldc;
};

void multiply(const Product& p) {
  const dnnl_status_t status =
      dnnl_sgemm(static_cast<char>(p.transpose_a), static_cast<char>(p.transpose_b), p.m, p.n, p.k,
                 1.0f, p.a, p.lda, p.b, p.ldb, p.beta, p.c, p.ldc);
  if (status != dnnl_success)
    throw Error(ErrorCode::kInternal, "gemm", "oneDNN returned status " + std::to_string(status));
}

// Memory of this thread, kept for the next product.
float* space(std::int64_t size) {
  thread_local std::vector<float> floats;
  if (static_cast<std::int64_t>(floats.size()) < size) floats.resize(size);
  return floats.data();
}

void copy(const float* from, std::int64_t from_row, std::int64_t rows, std::int64_t columns,
          float* to, std::int64_t to_row) {
  for (std::int64_t i = 0; i < rows; ++i)
    std::copy_n(from + i * from_row, columns, to + i * to_row);
}

// C = A^T B, both operands in rows that are a cache line longer.
void multiply_copied(Product p) {
  constexpr std::int64_t kMore = 16;
  float* const a = space(p.k * (p.m + p.n + 2 * kMore));
  float* const b = a + p.k * (p.m + kMore);
  copy(p.a, p.lda, p.k, p.m, a, p.m + kMore);
  copy(p.b, p.ldb, p.k, p.n, b, p.n + kMore);
  p.a = a;
  p.lda = p.m + kMore;
  p.b = b;
  p.ldb = p.n + kMore;
  multiply(p);
}

// C = A B, columns of B at a time that are copied close together.
void multiply_by_panels(const Product& p) {
  constexpr std::int64_t kColumns = 192;
  float* const panel = space(p.k * kColumns);
  for (std::int64_t first = 0; first < p.n; first += kColumns) {
    Product part = p;
    part.n = std::min(kColumns, p.n - first);
    copy(p.b + first, p.ldb, p.k, part.n, panel, kColumns);
    part.b = panel;
    part.ldb = kColumns;
    part.c = p.c + first;
    multiply(part);
  }
}

}  // namespace

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

Copied copied(bool avx512, Transpose transpose_a, Transpose transpose_b, std::int64_t m,
              std::int64_t n, std::int64_t k) {
  constexpr std::int64_t kRows = 32;  // from which a copy is paid for by the products of its values
  if (avx512 || transpose_b == Transpose::kYes) return Copied::kNothing;
  if (transpose_a == Transpose::kNo)
    return m >= kRows && k >= 2 * kRows && n % 512 == 0 ? Copied::kPanelsOfB : Copied::kNothing;
  // oneDNN's own rule for products that it makes without copies (nocopy_checker_avx2).
  const bool in_place = 1.0 / static_cast<double>(m) + 1.0 / static_cast<double>(n) >= 0.0038;
  return in_place && m >= 2 * kRows && k >= kRows && n % 256 == 0 ? Copied::kOperands
                                                                  : Copied::kNothing;
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
  static const bool avx512 = instruction_set().starts_with("avx512");
  const Product product{transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc};
  switch (copied(avx512, transpose_a, transpose_b, m, n, k)) {
    case Copied::kNothing:
      return multiply(product);
    case Copied::kOperands:
      return multiply_copied(product);
    case Copied::kPanelsOfB:
      return multiply_by_panels(product);
  }
}

}  // namespace undying::onednn
