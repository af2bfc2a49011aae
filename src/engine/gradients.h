#ifndef UNDYING_ENGINE_GRADIENTS_H_
#define UNDYING_ENGINE_GRADIENTS_H_

#include <cstdint>
#include <vector>

#include "engine/engine.h"

namespace undying::engine {

// Gradients of a model over a whole data set as it evaluates, weights frozen. L is the loss of one example.
struct Gradients {
  std::vector<double> mean;           // of dL/dw, an entry a float of the trained arena
  std::vector<std::uint8_t> nonzero;  // the same: whether the gradient of some block of examples was other than 0
  std::vector<double> units;          // mean of |dL/dz|, summed over positions, an entry a unit of the unit arena
  ops::LossSums loss;                 // over all rows
};

struct GradientOptions {
  int shards = 1;  // blocks of rows at a time; results depend on them, never on the threads
  int threads = 1;
  ops::LossOptions loss;
};

// Forward and backward over `rows` examples: dropout passes everything, batch norm keeps its running statistics and is an affine map,
// random slopes are their mean. Nothing of the model changes.
Gradients frozen_gradients(Model& model, const BatchSource& source, std::int64_t rows, const GradientOptions& options);

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_GRADIENTS_H_
