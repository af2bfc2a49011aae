#ifndef UNDYING_ENGINE_PASSES_RUNNER_H_
#define UNDYING_ENGINE_PASSES_RUNNER_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "base/workers.h"
#include "engine/passes/source.h"
#include "engine/plan.h"
#include "ops/loss.h"

// A pass over a data set with frozen weights, and whoever wants to see something of it. A pass goes
// through the rows chunk by chunk: lane s (a shard of the plan) takes every S-th chunk, a worker
// carries the chunks of its lanes through all steps, and observers look at each step as it runs. So
// one pass answers everything that is asked of it at once, and holds the buffers of a chunk a lane,
// not those of the data. What comes out depends on the number of lanes, never on that of threads.
namespace undying::engine {

// Some rows of the data set on their way through the steps of a plan.
struct Chunk {
  int lane = 0;
  std::int64_t first = 0;  // of its rows, in the source
  std::int64_t rows = 0;
  Shard& shard;

  ops::Pass& pass(int step) const { return shard.passes[step]; }
};

// Called by several workers at once, each for lanes of its own: keeps what it finds by lane.
class PassObserver {
 public:
  virtual ~PassObserver() = default;

  virtual void begin(const Plan& /*plan*/) {}
  // Around a step of the forward pass. Behind it, its output lies in pass(step).dst until the next
  // step runs, which may work in place.
  virtual void before(const Chunk& /*chunk*/, int /*step*/) {}
  virtual void after(const Chunk& /*chunk*/, int /*step*/) {}
  // All steps have run: the outputs of the graph lie in shard.outputs.
  virtual void finish(const Chunk& /*chunk*/) {}
  // All lanes have the gradients of this step's parameters, or with -1 of all that no call before
  // was about. On every worker, each for a part of its own.
  virtual void gather(Plan& /*plan*/, int /*step*/, int /*worker*/, int /*workers*/) {}
};

// Copies the outputs of every row to where they belong in (rows, width).
class OutputObserver final : public PassObserver {
 public:
  explicit OutputObserver(float* outputs) : outputs_(outputs) {}
  void begin(const Plan& plan) override { width_ = plan.output_size(); }
  void finish(const Chunk& chunk) override {
    std::copy_n(chunk.shard.outputs[0], chunk.rows * width_, outputs_ + chunk.first * width_);
  }

 private:
  float* outputs_;
  std::int64_t width_ = 0;
};

// `rows` examples through a plan, forward and, where it has a backward pass, back. Returns the sums
// of the loss; 0 without `loss`. A stop request (base/stop.h) ends it with Error{kInterrupted}.
struct PassRequest {
  const BatchSource& source;
  std::int64_t rows = 0;
  const ops::LossOptions* loss = nullptr;
  std::uint64_t step = 0;  // of training: slopes are those of that step
  std::span<PassObserver* const> observers = {};
};
ops::LossSums run(Plan& plan, Workers& workers, const PassRequest& pass);

struct RunnerOptions {
  bool backward = false;
  std::set<int> apart = {};  // nodes whose own output is to be seen: nothing is fused behind them
  int lanes = 1;
  int threads = 1;
  std::int64_t most_rows = 64;  // of a chunk
  // Bytes that the buffers of a pass may take, all lanes together; 0: no bound.
  std::int64_t memory = 0;
};

// A plan for passes over data, of chunks as large as the bound lets them be, and the team that runs
// it. Throws Error{kInvalidArgument, "memory"} where a row a lane does not fit.
class Runner {
 public:
  Runner(Model& model, const RunnerOptions& options);

  const Plan& plan() const { return *plan_; }
  ops::LossSums run(const PassRequest& pass) { return engine::run(*plan_, *workers_, pass); }

 private:
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Plan> plan_;
};

// The rows of a chunk beyond which what is done once a chunk (weights laid out, gradients added up)
// costs little beside the rows.
std::int64_t chunk_rows(const Model& model, std::int64_t most);

// The largest plan of at most `rows` a lane that fits `memory` bytes (0: any does), not allocated
// yet. Throws as Runner does.
std::unique_ptr<Plan> fitting_plan(Model& model, PlanOptions options, std::int64_t rows,
                                   std::int64_t memory);

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_PASSES_RUNNER_H_
