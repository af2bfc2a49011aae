#ifndef UNDYING_ENGINE_PASSES_GRADIENTS_H_
#define UNDYING_ENGINE_PASSES_GRADIENTS_H_

#include <cstdint>
#include <vector>

#include "engine/passes/runner.h"

namespace undying::engine {

// Gradients of a model over a whole data set as it evaluates, weights frozen: dropout passes
// everything, batch norm keeps its running statistics and is an affine map, random slopes are their
// mean. L is the loss of one example.
struct Gradients {
  std::vector<double> mean;            // of dL/dw, an entry a float of the trained arena
  std::vector<std::uint64_t> nonzero;  // a bit a float, 64 a word, the lowest first: see learns()
  std::vector<double>
      units;           // mean of |dL/dz|, summed over positions, an entry a unit of the unit arena
  ops::LossSums loss;  // over all rows

  // Whether the gradient of this float of the trained arena was other than 0 over some chunk of
  // examples.
  bool learns(std::int64_t i) const { return (nonzero[i / 64] >> (i % 64) & 1U) != 0; }
};

// Adds up the gradients of a pass that goes backward. One sum for all lanes: those of large
// parameters are added as soon as every lane has them, where one buffer a lane serves them all.
class GradientObserver final : public PassObserver {
 public:
  void begin(const Plan& plan) override;
  void gather(Plan& plan, int step, int worker, int workers) override;

  // Of a pass over so many rows, which gave this loss. Leaves nothing behind.
  Gradients take(std::int64_t rows, const ops::LossSums& loss);

 private:
  void add(const Plan& plan, int parameter, int worker, int workers);
  void mark(const float* from, std::int64_t offset, std::int64_t first, std::int64_t end);
  void add_units(Plan& plan);
  void pull_back(Gradients& all) const;

  const Model* model_ = nullptr;
  std::vector<std::vector<int>>
      early_;              // parameters that a gradient reaches, by the step that is gathered early
  std::vector<int> late_;  // and all others
  Gradients sums_;
};

struct GradientOptions {
  int shards = 1;  // lanes; results depend on them, never on the threads
  int threads = 1;
  ops::LossOptions loss;
};

// One pass over `rows` examples. Nothing of the model changes.
Gradients frozen_gradients(Model& model, const BatchSource& source, std::int64_t rows,
                           const GradientOptions& options);

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_PASSES_GRADIENTS_H_
