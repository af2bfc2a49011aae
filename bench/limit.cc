// The limit of the machine: oneDNN's float32 matrix product 2048^3, one instance a thread, on 1 and
// on N threads. Prints JSON.
#include <fmt/format.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>
#include <vector>

#include "onednn/gemm.h"

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t kSize = 2048;

// GFLOP/s of all threads together: median of seven rounds, each thread multiplying matrices of its
// own.
double rate(int threads) {
  std::vector<double> seconds(7);
  std::barrier meet(threads);
  std::vector<std::jthread> team;
  for (int t = 0; t < threads; ++t)
    team.emplace_back([&, t] {
      undying::onednn::use_one_thread();
      const std::vector<float> a(kSize * kSize, 0.5f);
      const std::vector<float> b(kSize * kSize, 0.25f);
      std::vector<float> c(kSize * kSize);
      for (double& round : seconds) {
        meet.arrive_and_wait();
        const auto start = Clock::now();
        undying::onednn::gemm(undying::onednn::Transpose::kNo, undying::onednn::Transpose::kNo,
                              kSize, kSize, kSize, a.data(), kSize, b.data(), kSize, 0.0f, c.data(),
                              kSize);
        meet.arrive_and_wait();
        if (t == 0) round = std::chrono::duration<double>(Clock::now() - start).count();
      }
      if (std::fabs(c[5] - 256.0f) > 1e-3f) std::abort();  // verified before it counts
    });
  team.clear();
  std::sort(seconds.begin(), seconds.end());
  return 2e-9 * static_cast<double>(threads) * std::pow(static_cast<double>(kSize), 3.0) /
         seconds[3];
}

}  // namespace

int main() {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  fmt::print("{{\"gflops_1\": {:.1f}, \"threads\": {}, \"gflops_n\": {:.1f}}}\n", rate(1), cores,
             rate(cores));
}
