#ifndef UNDYING_ENGINE_PASSES_LAYER_WALK_H_
#define UNDYING_ENGINE_PASSES_LAYER_WALK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/workers.h"
#include "engine/passes/runner.h"

namespace undying::engine {

// A walk over a data set node by node: all rows pass a node before any goes on, so that what the
// later ones are computed with may be settled by what all rows gave so far. Rows wait in buffers of
// their own where these fit the bound; those beyond it start again from the input for every node.
class LayerWalk {
 public:
  struct Options {
    std::vector<int> nodes;  // where rows meet, in the order of the graph
    int threads = 1;
    std::int64_t memory = 0;  // bytes of all buffers; 0: no bound
  };
  LayerWalk(Model& model, const BatchSource& source, std::int64_t rows, const Options& options);

  // What the rows of a chunk gave at a node, (rows, positions, units) as it lies in memory. On
  // every worker, once a chunk.
  using Visit = std::function<void(std::int64_t chunk, std::int64_t rows, const float* values)>;

  // All rows go on to the next node.
  void advance(const Visit& visit);
  // Parameters have changed since: by so much what each unit of this node gives. Nothing: of later
  // nodes only.
  void settle(std::vector<float> added) { added_ = std::move(added); }

  std::int64_t chunks() const { return chunks_; }

 private:
  void carry(std::int64_t chunk, int worker, const Visit& visit);
  void add_settled(Shard& shard, std::int64_t rows) const;

  const BatchSource& source_;
  std::int64_t rows_;
  std::vector<int> stops_;  // steps
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Plan> plan_;
  std::int64_t chunks_ = 0;
  std::int64_t waiting_ = 0;  // chunks with buffers of their own
  std::size_t next_ = 0;      // of stops_
  std::vector<float> added_;  // at the last stop
};

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_PASSES_LAYER_WALK_H_
