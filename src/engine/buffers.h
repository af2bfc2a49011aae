#ifndef UNDYING_ENGINE_BUFFERS_H_
#define UNDYING_ENGINE_BUFFERS_H_

#include <cstdint>
#include <vector>

#include "engine/passes/memory.h"
#include "engine/steps.h"

namespace undying::engine {

inline constexpr std::int64_t kNoBuffer = -1;

// After the backward pass of a step: what it left in a buffer is added to, or copied into, another.
struct Contribution {
  std::int64_t from = kNoBuffer;
  std::int64_t to = kNoBuffer;
  std::int64_t size = 0;  // floats a row
  bool add = true;
};

// The buffers that one shard needs, as indices into `lifetimes`; kNoBuffer where there is none.
//
// Time runs forward over the steps, through the loss, and back: step i runs at i and at 2 * steps -
// i, the loss at steps. A value lives in the buffer of its step's first input where the step is a
// view, or where it may work in place and nobody needs what was there before. The gradient of a
// value that several steps read is the sum of what they give: the first to run in the backward pass
// writes it, the others' gradients are added.
struct Buffers {
  std::vector<Lifetime> lifetimes;
  std::vector<std::int64_t> value;         // by value
  std::vector<std::int64_t> diff;          // by value: its gradient
  std::vector<std::int64_t> saved;         // by step
  std::vector<std::int64_t> scratch;       // by step, of its forward pass
  std::vector<std::int64_t> diff_scratch;  // by step, of its backward pass
  std::vector<std::vector<std::int64_t>>
      diff_src;  // by step and input: where its backward pass writes
  std::vector<std::vector<Contribution>> contributions;  // by step
};

Buffers lay_out(const Compiled& compiled, std::int64_t rows, bool training);

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_BUFFERS_H_
