#ifndef UNDYING_ACTIVATIONS_KERNELS_H_
#define UNDYING_ACTIVATIONS_KERNELS_H_

#include <cstdint>

#include "undying/activation.h"

namespace undying::activations {

// What the backward pass needs of the forward pass.
enum class Saves {
  kOutput,      // h alone: the activation lives in place
  kInput,       // z (with its bias)
  kDerivative,  // f'(z) itself (a random slope)
};
Saves saves(const Activation&
                activation);  // at its parameters: leaky_relu keeps the output only for slope >= 0

// Per unit, added to over the rows of a call. All null: not counted.
struct Counters {
  std::uint32_t* fired = nullptr;  // rows with z above the firing threshold
  float* abs_output = nullptr;     // sum of |h|
  float* abs_gradient = nullptr;   // sum of |diff_z|; backward only
};

// Per unit, added to, for a pass over a whole data set (`max` is raised, so starts at -infinity).
struct CensusCounters {
  std::int64_t* fired = nullptr;
  // F'(z) == 0 exactly, by the definition's interval and not by underflow.
  std::int64_t* gradient_zero = nullptr;
  std::int64_t* saturated = nullptr;  // |f'(z)| < eps
  double* abs_sum = nullptr;          // of h
  double* sum = nullptr;
  double* square_sum = nullptr;
  float* max = nullptr;  // of z
  float eps = 1e-3f;
};

// The random slopes of RReLU: a draw belongs to (seed, step, row in the batch, unit).
struct RandomSlopes {
  std::uint64_t seed = 0;
  std::uint32_t sequence = 0;  // tells the nodes of a network apart
  std::uint64_t step = 0;
  std::int64_t first_row = 0;  // of this shard in the batch
};

// h = f(z + bias). Shapes: z, saved (rows, units); h (rows, width * units); bias (units); all
// row-major and dense.
struct ForwardArgs {
  std::int64_t rows = 0;
  std::int64_t units = 0;
  const float* z = nullptr;
  const float* bias = nullptr;  // null: none
  float* h = nullptr;           // may be z when saves() is kOutput
  float* saved = nullptr;  // kInput: z + bias is written here; kDerivative: f' is; may be z. Null:
                           // nothing is saved (evaluation)
  const float* slopes = nullptr;  // learned slopes
  std::int64_t slope_count = 0;   // 1 or units
  bool training = true;
  RandomSlopes random;
  Counters counters;
};

// diff_z = f' * diff_h.
struct BackwardArgs {
  std::int64_t rows = 0;
  std::int64_t units = 0;
  const float* saved = nullptr;   // h, z or f', as saves() says
  const float* diff_h = nullptr;  // (rows, width * units)
  float* diff_z = nullptr;        // (rows, units); may be diff_h when width is 1
  // (units), overwritten with the sum of diff_z over the rows; null: not wanted.
  float* diff_bias = nullptr;
  const float* slopes = nullptr;
  std::int64_t slope_count = 0;
  float* diff_slopes = nullptr;  // (slope_count), overwritten
  Counters counters;
};

// Chosen once for an activation and this machine; the calls then cost one indirection. Counted or
// not is chosen inside, by counters.
struct Kernels {
  void (*forward)(const Activation&, const ForwardArgs&);
  void (*backward)(const Activation&, const BackwardArgs&);
  void (*census)(const Activation&, const ForwardArgs&,
                 const CensusCounters&);  // evaluation forward that counts everything
};
const Kernels& kernels(const Activation& activation);

}  // namespace undying::activations

#endif  // UNDYING_ACTIVATIONS_KERNELS_H_
