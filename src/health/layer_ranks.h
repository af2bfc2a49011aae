#ifndef UNDYING_HEALTH_LAYER_RANKS_H_
#define UNDYING_HEALTH_LAYER_RANKS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "engine/passes/runner.h"
#include "health/rank.h"

namespace undying::health {

// The outputs of layers in an evenly spaced sample of D, one position an example, another for each;
// of a layer of very many units, an evenly spaced sample of these. From them effective ranks.
class RankObserver final : public engine::PassObserver {
 public:
  RankObserver(const engine::Model& model, std::span<const std::uint32_t> sample);

  void after(const engine::Chunk& chunk, int step) override;
  void begin(const engine::Plan& plan) override { plan_ = &plan; }

  // By layer, computed by so many threads.
  std::vector<SampledRank> ranks(int threads) const;

 private:
  struct Matrix {
    std::vector<std::int64_t> units;
    std::int64_t columns = 0;   // each unit's output, or both of a CReLU
    std::vector<float> values;  // (sample, columns)
  };

  const engine::Model& model_;
  std::span<const std::uint32_t> sample_;  // ascending
  const engine::Plan* plan_ = nullptr;
  std::vector<Matrix> matrices_;  // by layer
};

}  // namespace undying::health

#endif  // UNDYING_HEALTH_LAYER_RANKS_H_
