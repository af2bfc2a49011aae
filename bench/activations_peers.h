#ifndef UNDYING_BENCH_ACTIVATIONS_PEERS_H_
#define UNDYING_BENCH_ACTIVATIONS_PEERS_H_

#include <cstdint>
#include <functional>

namespace undying::bench {

// Leaky ReLU over `size` contiguous floats by other libraries on one thread, built once for these
// arrays. Empty where a library was not there at configure time.
std::function<void()> onednn_forward(std::int64_t size, float slope, const float* src, float* dst);
std::function<void()> onednn_backward(std::int64_t size, float slope, const float* src,
                                      const float* diff_dst, float* diff_src);
std::function<void()> xnnpack_forward(std::int64_t size, float slope, const float* src, float* dst);

// What the compiler makes of the plain loops, for the machine's widest vectors.
void plain_forward(std::int64_t size, float slope, const float* src, float* dst);
void plain_backward(std::int64_t size, float slope, const float* src, const float* diff_dst,
                    float* diff_src);
void plain_scale(std::int64_t size, float factor, float* data);

}  // namespace undying::bench

#endif  // UNDYING_BENCH_ACTIVATIONS_PEERS_H_
