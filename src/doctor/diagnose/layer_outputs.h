#ifndef UNDYING_DOCTOR_DIAGNOSE_LAYER_OUTPUTS_H_
#define UNDYING_DOCTOR_DIAGNOSE_LAYER_OUTPUTS_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "engine/passes/runner.h"

// What layers give, example by example, seen while a pass runs.
namespace undying::doctor {

// Where a unit stands at a position in the output of the layer's activation, in the plain order of
// its shape; as it lies in memory: engine::Layer::place.
std::int64_t element_of(const engine::Model& model, const engine::Layer& layer, std::int64_t unit,
                        std::int64_t position);

// The least and the greatest output of every unit over D, of layers whose outputs are one a unit.
class RangeObserver final : public engine::PassObserver {
 public:
  explicit RangeObserver(const engine::Model& model) : model_(model) {}

  void begin(const engine::Plan& plan) override;
  void after(const engine::Chunk& chunk, int step) override;

  std::pair<float, float> of(std::size_t layer, std::int64_t unit) const;

 private:
  struct Range {
    std::vector<float> least, most;  // by unit of the unit arena
  };

  const engine::Model& model_;
  const engine::Plan* plan_ = nullptr;
  std::vector<Range> lanes_;
};

// Of the units of a layer with a max pool behind it: which fire on D, and which are the largest of
// a window.
class PoolObserver final : public engine::PassObserver {
 public:
  // `pool`: the node.
  PoolObserver(const engine::Model& model, std::size_t layer, int pool);

  // Whether a unit can fire and never win: where every window holds one unit and every element is
  // in a window, none can.
  bool can_lose() const { return !windows_.empty() || !covered_.empty(); }

  void begin(const engine::Plan& plan) override;
  void after(const engine::Chunk& chunk, int step) override;

  // By unit: it fires and is the largest of no window.
  std::vector<std::uint8_t> losers() const;

 private:
  struct Seen {
    std::vector<std::uint8_t> fires, wins;  // by unit
  };
  void look(const float* h, Seen& seen) const;

  std::size_t layer_;
  std::int64_t units_;
  std::int64_t size_;                  // of an example
  std::vector<std::int64_t> unit_of_;  // by place
  std::vector<std::uint8_t>
      covered_;  // by place, where every window holds one unit: whether it is in a window
  std::vector<std::vector<std::int64_t>> windows_;  // else: places
  const engine::Plan* plan_ = nullptr;
  std::vector<Seen> lanes_;
};

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_DIAGNOSE_LAYER_OUTPUTS_H_
