// Times the reading of a table, file to examples: table_bench SOURCE prints seconds of processor
// and wall, and the peak of memory against the size of its numbers as float32. docs/performance.md
// has it beside a peer's.

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>

#include "undying/dataset.h"
#include "undying/error.h"

namespace undying::bench {
namespace {

struct Usage {
  double processor = 0.0;  // seconds
  double peak = 0.0;       // bytes
};

Usage usage() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return {seconds(used.ru_utime) + seconds(used.ru_stime),
          1024.0 * static_cast<double>(used.ru_maxrss)};
}

void time_reading(const char* source) {
  const auto begin = std::chrono::steady_clock::now();
  const Split split = open_dataset(source);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  const Usage used = usage();
  const auto rows = static_cast<double>(split.train->size + split.test->size);
  const double floats =
      4.0 * rows *
      static_cast<double>(split.train->features() + 1);  // the column to predict is one
  fmt::print(
      "{:.0f} rows, {} features: {:.2f} s of processor, {:.2f} s; peak {:.0f} MB, {:.2f} times its "
      "floats\n",
      rows, split.train->features(), used.processor, wall.count(), used.peak / 1e6,
      used.peak / floats);
}

}  // namespace
}  // namespace undying::bench

int main(int count, char** arguments) {
  if (count != 2) return fmt::print(stderr, "usage: table_bench SOURCE, as --data names it\n"), 2;
  try {
    undying::bench::time_reading(arguments[1]);
  } catch (const undying::Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 2;
  }
}
