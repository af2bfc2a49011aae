#ifndef UNDYING_ENGINE_INITIALIZERS_H_
#define UNDYING_ENGINE_INITIALIZERS_H_

#include <cstdint>
#include <span>

#include "base/philox.h"
#include "undying/initializer.h"

namespace undying::engine {

// Draws a weight matrix (fan_out, fan_in), row-major, and sets its bias (fan_out values, or empty).
// `gain` multiplies a draw that does not depend on it, so the same seed gives the same draw in
// networks that differ only in their activation.
//
// With a = gain and U, N the uniform and the normal distribution:
//   kaiming-normal   N(0, a^2 / fan_in)                      He et al. 2015, arXiv 1502.01852
//   kaiming-uniform  U(-b, b), b = a sqrt(3 / fan_in)
//   xavier-normal    N(0, 2 / (fan_in + fan_out)), no gain   Glorot & Bengio 2010
//   xavier-uniform   U(-b, b), b = sqrt(6 / (fan_in + fan_out)), no gain
//   lecun-normal     N(0, 1 / fan_in), no gain               LeCun et al. 1998
//   orthogonal       a times a matrix with orthonormal       Saxe et al. 2014, arXiv 1312.6120
//                    rows or columns
//   randomized-asymmetric                                    Lu et al. 2019, arXiv 1903.06733
//                    per unit (weights, bias) ~ N(0, 0.6007^2 / fan_in), one random entry of the
//                    fan_in + 1 replaced by a draw of Beta(2, 1); no gain
// Throws Error{kInvalidArgument} where a draw takes a gain and that is above 1e4.
void initialize_linear(Initializer kind, double gain, std::int64_t fan_in, std::int64_t fan_out,
                       const Random& random, std::span<float> weight, std::span<float> bias);

// Draws one row of such a matrix, and its bias (one value, or empty), as those of a whole one are
// distributed; of orthogonal ones, a direction of length a.
void initialize_row(Initializer kind, double gain, std::int64_t fan_in, std::int64_t fan_out,
                    const Random& random, std::span<float> row, std::span<float> bias);

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_INITIALIZERS_H_
