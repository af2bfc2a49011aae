#ifndef UNDYING_ENGINE_PLAN_H_
#define UNDYING_ENGINE_PLAN_H_

// What a graph compiles to for a number of rows and a mode. compile() (steps.h) gives the kernels
// in order, lay_out() (buffers.h) says which buffers they need and when, place() (memory.h) where
// each lies in an arena; a Plan holds one such arena a shard and the order of work: segments of
// instructions, between which all shards meet. Invariant: nothing is allocated while it runs, and
// what a shard computes depends on the batch and its place in it alone. Values are (rows, example),
// the example as its layout says.

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "engine/buffers.h"
#include "engine/model.h"
#include "engine/passes/activity.h"
#include "engine/steps.h"
#include "ops/loss.h"
#include "ops/operator.h"
#include "undying/graph.h"
#include "undying/plan.h"
#include "undying/precision.h"

namespace undying::engine {

// What a worker does next with a shard.
struct Instruction {
  enum class Kind { kForward, kLoss, kBackward } kind = Kind::kForward;
  int step = 0;
  int phase = 0;
};

// What a worker does between two meetings of all shards: the update of one step's parameters, then
// instructions for each of its shards.
struct Segment {
  int update = -1;  // a step; -1: none
  std::vector<Instruction> instructions;
};

// The memory of one shard, and for every step of the plan where its tensors lie.
struct Shard {
  // What a pass points to, and where its scratch lies in either direction.
  struct Places {
    std::vector<const float*> src;
    std::vector<float*> diff_src;
    std::vector<float*> diff_parameters;
    float* scratch = nullptr;
    float* diff_scratch = nullptr;
  };
  // Floats to add to, or copy over, others after the backward pass of a step.
  struct Sum {
    const float* from = nullptr;
    float* to = nullptr;
    std::int64_t row_size = 0;  // floats a row
    std::int64_t size = 0;      // and floats whatever the rows
    bool add = true;
  };

  Buffer<float> arena;
  Buffer<float> gradients;  // of the trained parameters; empty in evaluation
  std::vector<Places> places;
  std::vector<std::vector<Sum>> sums;  // by step
  std::vector<ops::Pass> passes;       // one a step
  std::vector<float*> inputs;          // (capacity, size) each, in the order of the graph's inputs
  std::vector<const float*> outputs;   // in the order of the graph's outputs
  float* diff_output = nullptr;        // of the first output
  Buffer<std::int32_t> labels;
  Buffer<float> targets;
  Buffer<float> weights;  // of the rows, in the loss of a step
  bool weighted = false;  // whether they are
  StepCounters counters;  // of the step at hand
  Activity activity;      // of the steps since it was last taken
  ops::LossSums loss;
};

// What a graph compiles to for one number of rows and one mode: kernels built once, every buffer
// placed once. Nothing is allocated when it runs, nor before allocate(). Instructions come in
// segments; all shards meet between two segments.
//
// Early updates: the parameters of a large step are updated as soon as all shards have their
// gradients, in the middle of the backward pass. Those gradients are then still in a cache, and one
// buffer a shard serves all large steps: the shards meet before and after.
struct PlanOptions {
  CompileOptions compile;  // early updates: not with clipping, which needs all gradients first
  int shards = 1;
  bool counters = true;
  std::uint64_t seed = 1;
};

class Plan {
 public:
  Plan(Model& model, const PlanOptions& options);

  // The memory of the shards: before anything runs.
  void allocate();

  std::span<const Segment> segments() const { return segments_; }
  std::vector<Shard>& shards() { return shards_; }
  const std::vector<Shard>& shards() const { return shards_; }
  int lanes() const { return options_.shards; }
  const std::vector<Step>& steps() const { return compiled_.steps; }
  const std::vector<PlanValue>& values() const { return compiled_.values; }
  std::int64_t output_size() const {
    return compiled_.values[compiled_.outputs[0]].size;
  }  // floats a row
  std::int64_t capacity() const { return options_.compile.capacity; }
  bool backward() const { return options_.compile.training; }
  std::int64_t shard_bytes() const;  // known before allocate()
  std::int64_t bytes() const { return shard_bytes() * static_cast<std::int64_t>(shards_.size()); }
  const Model& model() const { return *model_; }
  PlanSummary summary() const;
  // Of the first step in backward order that owns the parameter: where in a shard's gradients the
  // sum over all its steps ends up.
  std::int64_t gradient_offset(int parameter) const { return gradient_offsets_[parameter]; }

  // The steps whose shortcuts do not hold at the present values of their parameters: nodes to
  // compile with `exact`.
  std::vector<int> unusable() const;

  // Builds what kernels need for shards of this many rows, of batches of that many. Not beside any
  // other call.
  void reserve(std::int64_t rows, std::int64_t batch_rows);
  void reserve(std::int64_t rows) { reserve(rows, rows); }
  // Tells a shard which rows of which batch it holds from now on.
  void begin(Shard& shard, std::int64_t first_row, std::int64_t rows, std::int64_t batch_rows,
             std::uint64_t step) const;
  void forward(Shard& shard, const Instruction& instruction) const;
  void backward(Shard& shard, const Instruction& instruction) const;

  const Buffers& buffers() const { return buffers_; }

 private:
  void schedule();
  void place_gradients(const Model& model);
  std::int64_t place_step(const Model& model, std::size_t step, std::int64_t offset,
                          std::vector<bool>& placed);
  void build_shard(int index);
  void build_backward(Shard& shard, std::size_t i);
  ops::Pass build_pass(Shard& shard, int index, std::size_t step) const;

  Model* model_;
  PlanOptions options_;
  Compiled compiled_;
  Buffers buffers_;
  Placement placement_;
  std::vector<Segment> segments_;
  std::vector<std::int64_t> gradient_offsets_;  // by parameter
  std::vector<std::vector<std::int64_t>>
      step_gradients_;  // by step and owned parameter: where its backward pass writes
  std::int64_t gradient_size_ = 0;
  std::set<std::pair<std::int64_t, std::int64_t>> reserved_;  // rows of a shard, of a batch
  std::vector<Buffer<float>> shared_;                         // one a step
  std::vector<Shard> shards_;
};

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_PLAN_H_
