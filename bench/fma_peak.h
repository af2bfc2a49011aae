#ifndef UNDYING_BENCH_FMA_PEAK_H_
#define UNDYING_BENCH_FMA_PEAK_H_

#include <cstdint>

namespace undying::bench {

// Runs `rounds` rounds of float32 multiply-adds that stay in registers, enough at a time to hide
// their latency; returns how many operations they were, a multiply-add being two. Throws nothing;
// aborts if a sum is wrong.
double multiply_adds(std::int64_t rounds);

}  // namespace undying::bench

#endif  // UNDYING_BENCH_FMA_PEAK_H_
