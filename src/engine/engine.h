#ifndef UNDYING_ENGINE_ENGINE_H_
#define UNDYING_ENGINE_ENGINE_H_

// Runs plans: shards over worker threads, training steps with their update, evaluation, the census.
// Batches come from a BatchSource, in rows of its own order; a batch of B rows is cut into S
// shards, rows [B s / S, B (s + 1) / S). Invariant: results depend on the shards, never on the
// threads.

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "base/archive.h"
#include "base/workers.h"
#include "engine/derivations.h"
#include "engine/model.h"
#include "engine/passes/census.h"
#include "engine/passes/source.h"
#include "engine/plan.h"
#include "ops/loss.h"

namespace undying::engine {

struct EngineOptions {
  std::int64_t batch = 128;  // most rows of a training step
  int shards = 1;
  int threads = 1;  // at most the shards are used
  bool counters = true;
  std::uint64_t seed = 1;     // of dropout and random slopes
  bool early_updates = true;  // parameters of large layers may be updated within the backward pass:
                              // only with a single slice pass
  Precision precision = Precision::kFloat32;  // of matrix products and convolutions in training
  bool long_steps = false;  // so long that a stop request does not wait for the end of one
  ops::LossOptions loss;
};

// How many rows of a shard an evaluation takes at a time: fewer where a value of the network is
// large.
std::int64_t evaluation_rows(const Model& model);

// A piece of one trained parameter: what one call of a slice pass works on.
struct Slice {
  int index = 0;
  int parameter = 0;
  std::int64_t offset = 0;  // in the trained arena
  std::int64_t size = 0;
  std::span<const float* const> gradients;  // whose sum is that of the batch, at this offset
};

// Work over all slices after the backward pass: `apply` on any worker, once a slice; then, when all
// are done, `finish` on one.
struct SlicePass {
  std::function<void(const Slice&)> apply;
  std::function<void()> finish;
};

// Sees the counters of each shard of a step before they are added up; called on the worker that
// counted, for several shards at once.
class StepWatch {
 public:
  virtual ~StepWatch() = default;
  virtual void saw(int shard, const StepCounters& counters) = 0;
};

// Makes the libraries below generate their code, some 30 ms, unless they have done so already. An
// engine does this beside its caller; a program that will need one starts it as early as it can.
void prepare();

// Runs the plans of a model on a team of workers. The batch is cut into shards, rows [n s / S, n (s
// + 1) / S); each worker carries its shards through the whole forward and backward pass. Sums over
// shards are made in shard order: results depend on the number of shards, never on the number of
// threads.
class Engine {
 public:
  Engine(Model& model, const EngineOptions& options);
  ~Engine();

  // Forward and backward over `rows` <= options.batch examples, then the passes. Returns the mean
  // loss. With long steps a stop request (base/stop.h) ends it with Error{kInterrupted}, and it is
  // as if it had not been taken.
  double step(const BatchSource& source, std::int64_t rows, std::uint64_t step,
              std::span<const SlicePass> passes);
  // How many of the examples of the last step were classified right, before its update.
  std::int64_t correct() const;
  // Of every step from now on; null: nobody. Needs counters.
  void watch(StepWatch* watch) { watch_ = watch; }
  // What the steps since the last call saw of the units, over all shards; empty without counters.
  Activity take_activity();
  std::span<const Slice> slices();
  // All that steps have left in it, beyond the model.
  void each_state(Archive& archive);

  // Of the parameters that are computed from others.
  std::span<const std::unique_ptr<Derivation>> derivations() const { return derivations_; }
  // After values were set from outside: computes all that is computed.
  void derive();

  // Sets running statistics to those of these `rows` <= options.batch examples; nothing else
  // changes.
  void measure_statistics(const BatchSource& source, std::int64_t rows);

  // Evaluation over `rows` examples: the sums of the loss; the outputs (rows, width) where wanted;
  // the census where wanted; whatever else an observer sees of the pass.
  ops::LossSums evaluate(const BatchSource& source, std::int64_t rows, float* outputs = nullptr,
                         Census* census = nullptr, float eps = 1e-3f,
                         PassObserver* observer = nullptr);

  // Compiled when it is first asked for, here or by a step: evaluation needs none. Throws what
  // compiling throws.
  const Plan& training_plan();

  int shards() const { return options_.shards; }
  int threads() const { return workers_->count(); }
  std::int64_t bytes() const;

 private:
  struct Range {
    int begin, end;
  };
  // A run of slices: worker w takes [bounds[w], bounds[w + 1]), about as many floats as the others.
  // Empty: none.
  struct SliceRun {
    std::vector<int> bounds;
  };
  Range share(int items, int worker) const;
  std::int64_t shard_rows(std::int64_t rows, int shard) const {
    return rows * (shard + 1) / options_.shards - rows * shard / options_.shards;
  }
  void compile_training(std::set<int> exact);
  void prepare_step(std::int64_t rows);
  void run_shards(int worker, const BatchSource& source, std::int64_t rows, std::uint64_t step,
                  std::span<const SlicePass> passes);
  void apply(int worker, const SlicePass& pass, const SliceRun& run) const;
  SliceRun divide(int begin, int end) const;
  void run_forward(int worker, const BatchSource& source, std::int64_t rows);
  void execute(Shard& shard, const Instruction& instruction, const BatchSource& source,
               std::int64_t rows);
  void fill(Plan& plan, Shard& shard, const BatchSource& source, std::int64_t first,
            std::int64_t count, std::int64_t rows, std::uint64_t step);
  void run_passes(int worker, std::span<const SlicePass> passes);
  void tally(int worker, std::int64_t rows);
  void cut(int parameter, int parts);
  void cut_slices();
  void pull_back(int worker);
  void derive(int worker);
  void forget_step(const std::vector<float>& statistics);

  Model* model_;
  EngineOptions options_;
  std::jthread warm_up_;  // generates code while the caller draws weights; joined by the first pass
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Plan> training_;    // built at the first use
  std::set<int> exact_;               // nodes whose shortcuts no longer hold
  std::unique_ptr<Plan> evaluation_;  // built at the first use
  std::vector<std::unique_ptr<Derivation>> derivations_;
  std::vector<std::vector<const float*>> derived_gradients_;  // of each, one a shard
  std::vector<Slice> slices_;
  std::vector<std::vector<const float*>> slice_gradients_;
  std::uint64_t step_ = 0;              // the last one taken: evaluation runs at its slopes
  std::vector<SliceRun> early_slices_;  // by step of the plan, empty where it is not updated early
  std::vector<SliceRun> late_slices_;   // all others
  std::uint32_t steps_ = 0;             // since the activity was last taken
  StepWatch* watch_ = nullptr;
  std::stop_token stop_;  // of the step at hand
  std::atomic<bool> abandoned_ = false;
};

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_ENGINE_H_
