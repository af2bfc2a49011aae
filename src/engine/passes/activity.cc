#include "engine/passes/activity.h"

#include <algorithm>
#include <functional>

namespace undying::engine {
namespace {

template <class T>
void clear_all(Buffer<T>& values) {
  std::fill_n(values.data(), values.size(), T{0});
}

// to[i] += scale * from[i], and from[i] = 0.
void move_sums(std::size_t count, double scale, float* __restrict from, double* __restrict to) {
  for (std::size_t i = 0; i < count; ++i) {
    to[i] += scale * static_cast<double>(from[i]);
    from[i] = 0.0f;
  }
}

// 0, in no step, is the last of all.
std::uint32_t earlier(std::uint32_t a, std::uint32_t b) { return a - 1U < b - 1U ? a : b; }

}  // namespace

void StepCounters::clear() {
  clear_all(fired);
  clear_all(abs_output);
  clear_all(abs_gradient);
}

void Activity::tally(StepCounters& counters, std::uint32_t step, std::int64_t rows) {
  const std::size_t units = fired.size();
  std::uint32_t* __restrict count = counters.fired.data();
  std::uint64_t* __restrict total = fired.data();
  std::uint32_t* __restrict first = first_fired.data();
  std::uint32_t* __restrict last = last_fired.data();
  for (std::size_t i = 0; i < units; ++i) {
    const std::uint32_t now = count[i] != 0 ? step : 0;
    total[i] += count[i];
    first[i] = first[i] != 0 ? first[i] : now;
    last[i] = std::max(last[i], now);
    count[i] = 0;
  }
  move_sums(units, 1.0, counters.abs_output.data(), abs_output.data());
  move_sums(units, static_cast<double>(rows), counters.abs_gradient.data(), abs_gradient.data());
  examples += rows;
}

void Activity::add(const Activity& other) {
  for (std::size_t i = 0; i < fired.size(); ++i) {
    fired[i] += other.fired[i];
    abs_output[i] += other.abs_output[i];
    abs_gradient[i] += other.abs_gradient[i];
    first_fired[i] = earlier(first_fired[i], other.first_fired[i]);
    last_fired[i] = std::max(last_fired[i], other.last_fired[i]);
  }
}

void Activity::pool(const std::vector<Layer>& layers) {
  if (fired.size() == 0) return;
  engine::pool(layers, fired.data(), std::plus<>());
  engine::pool(layers, abs_output.data(), std::plus<>());
  engine::pool(layers, abs_gradient.data(), std::plus<>());
  engine::pool(layers, first_fired.data(), earlier);
  engine::pool(layers, last_fired.data(),
               [](std::uint32_t a, std::uint32_t b) { return std::max(a, b); });
}

void Activity::clear() {
  clear_all(fired);
  clear_all(abs_output);
  clear_all(abs_gradient);
  clear_all(first_fired);
  clear_all(last_fired);
  examples = 0;
}

void Activity::each_state(Archive& archive) {
  archive.fixed(fired.span());
  archive.fixed(abs_output.span());
  archive.fixed(abs_gradient.span());
  archive.fixed(first_fired.span());
  archive.fixed(last_fired.span());
  archive(examples);
}

}  // namespace undying::engine
