// onednn::gemm beside oneDNN's product of the same operands where they lie, at shapes whose rows
// alias in the cache and at some whose do not: GFLOP/s of this thread, as a table. Limited to AVX2
// by ONEDNN_MAX_CPU_ISA=AVX2.
#include <dnnl.h>
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/philox.h"
#include "onednn/gemm.h"
#include "onednn/isa.h"

namespace {

using undying::onednn::Copied;
using undying::onednn::Transpose;

struct Shape {
  const char* what;
  Transpose a;
  std::int64_t m, n, k;
};

// Processor time, so that others on the machine disturb less.
double now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<float> drawn(std::int64_t size, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(size));
  const undying::Random random(seed, undying::Stream::kTest);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(random.normal(i));
  return values;
}

template <class Multiply>
void time_once(const Multiply& multiply, int times, double& best) {
  const double start = now();
  for (int i = 0; i < times; ++i) multiply();
  best = std::min(best, (now() - start) / times);
}

void measure(const Shape& shape) {
  const auto& [what, transpose, m, n, k] = shape;
  const std::vector<float> a = drawn(m * k, 1);
  const std::vector<float> b = drawn(k * n, 2);
  std::vector<float> plain(static_cast<std::size_t>(m * n)), ours = plain;
  const std::int64_t lda = transpose == Transpose::kNo ? k : m;
  const auto in_place = [&] {
    dnnl_sgemm(static_cast<char>(transpose), 'N', m, n, k, 1.0f, a.data(), lda, b.data(), n, 0.0f,
               plain.data(), n);
  };
  const auto gemm = [&] {
    undying::onednn::gemm(transpose, Transpose::kNo, m, n, k, a.data(), lda, b.data(), n, 0.0f,
                          ours.data(), n);
  };
  const double flops = 2.0 * static_cast<double>(m * n) * static_cast<double>(k);
  const int times = std::max(1, static_cast<int>(3e7 / flops));
  double in_place_best = HUGE_VAL, gemm_best = HUGE_VAL;
  for (int round = 0; round < 60; ++round) {
    time_once(in_place, times, in_place_best);
    time_once(gemm, times, gemm_best);
  }
  for (std::size_t i = 0; i < ours.size(); ++i)  // verified before it counts
    if (!(std::fabs(ours[i] - plain[i]) < 1e-5f * static_cast<float>(k))) std::abort();
  const bool avx512 = undying::onednn::instruction_set().starts_with("avx512");
  const Copied copied = undying::onednn::copied(avx512, transpose, Transpose::kNo, m, n, k);
  fmt::print("| {} | {}, {}, {} | {:.0f} | {:.0f}{} |\n", what, m, n, k,
             1e-9 * flops / in_place_best, 1e-9 * flops / gemm_best,
             copied == Copied::kNothing ? ", no copies" : "");
}

}  // namespace

int main() {
  undying::onednn::use_one_thread();
  fmt::print("{}\n\n| gradient of the | m, n, k | as it is | gemm |\n|---|---|---|---|\n",
             undying::onednn::instruction_set());
  for (const Shape& shape : {Shape{"inputs, W3", Transpose::kNo, 64, 512, 512},
                             Shape{"weights, W3", Transpose::kYes, 512, 512, 64},
                             Shape{"inputs, W4", Transpose::kNo, 128, 1024, 1024},
                             Shape{"weights, W4", Transpose::kYes, 1024, 1024, 128},
                             Shape{"inputs", Transpose::kNo, 256, 1024, 512},
                             Shape{"weights", Transpose::kYes, 64, 1024, 128},
                             Shape{"weights", Transpose::kYes, 512, 256, 64},
                             Shape{"inputs", Transpose::kNo, 64, 2048, 512},
                             Shape{"inputs", Transpose::kNo, 64, 784, 512},
                             Shape{"weights", Transpose::kYes, 512, 784, 64}})
    measure(shape);
}
