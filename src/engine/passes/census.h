#ifndef UNDYING_ENGINE_PASSES_CENSUS_H_
#define UNDYING_ENGINE_PASSES_CENSUS_H_

#include <cstdint>
#include <vector>

#include "engine/passes/runner.h"

namespace undying::engine {

// Sums over a whole data set with frozen weights, one entry a unit of the unit arena.
struct Census {
  explicit Census(std::int64_t units);

  std::vector<std::int64_t> fired, gradient_zero, saturated;
  std::vector<double> abs_sum, sum, square_sum;
  std::vector<float> max;

  void add(const Census& other);
  void pool(const std::vector<Layer>& layers);
};

// Counts every unit while a pass runs.
class CensusObserver final : public PassObserver {
 public:
  explicit CensusObserver(float eps) : eps_(eps) {}

  void begin(const Plan& plan) override;
  void before(const Chunk& chunk, int step) override;

  // Of all lanes, a unit each.
  Census total() const;

 private:
  float eps_;
  const Model* model_ = nullptr;
  std::vector<Census> lanes_;
  std::vector<std::vector<activations::CensusCounters>>
      counters_;  // by lane and step; empty where a step counts nothing
};

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_PASSES_CENSUS_H_
