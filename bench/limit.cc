// The limits of the machine, on 1 and on N threads: float32 multiply-adds in registers, and
// oneDNN's matrix product 2048^3, one instance a thread. Prints JSON.
#include <fmt/format.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

#include "fma_peak.h"
#include "onednn/gemm.h"

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t kSize = 2048;

// GFLOP/s of all threads together: median of seven rounds of `work`, which a thread makes for
// itself and which returns how many operations it did.
double rate(int threads, const std::function<std::function<double()>()>& prepare) {
  std::vector<double> rates(7);
  std::vector<double> operations(static_cast<std::size_t>(threads));
  std::barrier meet(threads);
  std::vector<std::jthread> team;
  for (int t = 0; t < threads; ++t)
    team.emplace_back([&, t] {
      const std::function<double()> work = prepare();
      for (double& round : rates) {
        meet.arrive_and_wait();
        const auto start = Clock::now();
        operations[static_cast<std::size_t>(t)] = work();
        meet.arrive_and_wait();
        if (t > 0) continue;
        const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
        round = 1e-9 * std::accumulate(operations.begin(), operations.end(), 0.0) / seconds;
      }
    });
  team.clear();
  std::ranges::sort(rates);
  return rates[3];
}

// Matrices of a thread of its own.
std::function<double()> product() {
  undying::onednn::use_one_thread();
  const std::vector<float> a(kSize * kSize, 0.5f);
  const std::vector<float> b(kSize * kSize, 0.25f);
  return [a, b, c = std::vector<float>(kSize * kSize)]() mutable {
    using undying::onednn::Transpose;
    undying::onednn::gemm(Transpose::kNo, Transpose::kNo, kSize, kSize, kSize, a.data(), kSize,
                          b.data(), kSize, 0.0f, c.data(), kSize);
    if (std::fabs(c[5] - 256.0f) > 1e-3f) std::abort();  // verified before it counts
    return 2.0 * std::pow(static_cast<double>(kSize), 3.0);
  };
}

std::function<double()> registers() {
  return [] { return undying::bench::multiply_adds(10'000'000); };
}

}  // namespace

int main() {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  fmt::print(
      "{{\"gflops_1\": {:.1f}, \"threads\": {}, \"gflops_n\": {:.1f}, \"fma_1\": {:.1f}, "
      "\"fma_n\": {:.1f}}}\n",
      rate(1, product), cores, rate(cores, product), rate(1, registers), rate(cores, registers));
}
