#ifndef UNDYING_ONEDNN_GEMM_H_
#define UNDYING_ONEDNN_GEMM_H_

#include <cstdint>

namespace undying::onednn {

// Limits oneDNN to one thread in calls from the calling thread. The setting is per thread: every
// worker makes it once.
void use_one_thread();

// Makes oneDNN generate the code that gemm() needs, some 15 ms, unless it has done so already. Safe
// to call beside anything else.
void prepare();

enum class Transpose : char { kNo = 'N', kYes = 'T' };

// C (m, n) = op(A) op(B) + beta * C, float32, row-major. op(A) is (m, k): A is stored (m, k), or
// (k, m) when transposed; op(B) is (k, n). lda, ldb, ldc are the lengths of stored rows.
// Deterministic: on one instruction set the same shapes give the same bits. Throws Error{kInternal}
// if oneDNN refuses.
void gemm(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n,
          std::int64_t k, const float* a, std::int64_t lda, const float* b, std::int64_t ldb,
          float beta, float* c, std::int64_t ldc);

// What gemm() copies into rows of another length before it multiplies. oneDNN's kernels for AVX2
// read their operands where they lie (unless m and n are both large), and rows whose lengths are
// multiples of 1 or 2 KiB fall on the same sets of the cache: up to half of the rate is lost, where
// a copy costs 2 to 10% of it. Decided by shape and instruction set alone; docs/performance.md has
// the figures.
enum class Copied { kNothing, kOperands, kPanelsOfB };
Copied copied(bool avx512, Transpose transpose_a, Transpose transpose_b, std::int64_t m,
              std::int64_t n, std::int64_t k);

}  // namespace undying::onednn

#endif  // UNDYING_ONEDNN_GEMM_H_
