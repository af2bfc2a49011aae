#ifndef UNDYING_ENGINE_PLAN_H_
#define UNDYING_ENGINE_PLAN_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "engine/model.h"
#include "ops/loss.h"
#include "ops/operator.h"

namespace undying::engine {

// What a worker does next with a shard.
struct Instruction {
  enum class Kind { kForward, kLoss, kBackward } kind = Kind::kForward;
  int step = 0;
  int phase = 0;
};

// What a worker does between two meetings of all shards: the update of one step's parameters, then instructions for each of its shards.
struct Segment {
  int update = -1;  // a step; -1: none
  std::vector<Instruction> instructions;
};

// One kernel of a plan: a node, and the activation node behind it where it is fused.
struct PlanStep {
  std::unique_ptr<ops::Kernel> kernel;
  int node = 0;
  int follower = -1;
  int layer = -1;             // whose units it counts
  std::int64_t src_size = 0;  // floats a row
  std::int64_t dst_size = 0;
  std::vector<float*> parameters;
  bool trains = false;        // it has trained parameters
  bool early_update = false;  // its parameters are updated within the backward pass
};

// The memory of one shard, and for every step of the plan where its tensors lie.
struct Shard {
  Buffer<float> arena;
  Buffer<float> gradients;        // as long as the model's trained arena; empty in evaluation
  std::vector<ops::Pass> passes;  // one a step
  std::vector<std::vector<float*>> diff_parameters;
  float* inputs = nullptr;  // (capacity, input size)
  const float* outputs = nullptr;
  float* diff_outputs = nullptr;
  Buffer<std::int32_t> labels;
  Buffer<float> targets;
  Buffer<std::uint32_t> fired;  // units
  Buffer<float> abs_output;
  Buffer<float> abs_gradient;
  ops::LossSums loss;
};

// What a graph compiles to for one number of rows and one mode: kernels built once, every buffer placed once. Nothing is allocated
// when it runs. Instructions come in segments; all shards meet between two segments.
//
// Early updates: the parameters of a large step are updated as soon as all shards have their gradients, in the middle of the backward
// pass. Those gradients are then still in a cache, and one buffer a shard serves all large steps: the shards meet before and after.
struct PlanOptions {
  std::int64_t capacity = 0;  // rows of a shard
  int shards = 1;
  bool training = true;
  bool counters = true;
  bool early_updates = false;  // not with clipping, which needs all gradients first
  std::uint64_t seed = 1;
};

class Plan {
 public:
  Plan(Model& model, const PlanOptions& options);

  std::span<const Segment> segments() const { return segments_; }
  std::vector<Shard>& shards() { return shards_; }
  const std::vector<PlanStep>& steps() const { return steps_; }
  std::int64_t bytes() const;
  std::int64_t gradient_offset(int parameter) const {
    return gradient_offsets_[static_cast<std::size_t>(parameter)];
  }  // in a shard's gradients

  // Tells a shard which rows of which batch it holds from now on.
  void begin(Shard& shard, std::int64_t first_row, std::int64_t rows, std::int64_t batch_rows, std::uint64_t step);
  void forward(Shard& shard, const Instruction& instruction) const {
    const auto index = static_cast<std::size_t>(instruction.step);
    steps_[index].kernel->forward(shard.passes[index], instruction.phase);
  }
  void backward(Shard& shard, const Instruction& instruction) const {
    const auto index = static_cast<std::size_t>(instruction.step);
    steps_[index].kernel->backward(shard.passes[index], instruction.phase);
  }

 private:
  void compile(Model& model);
  void schedule();
  void place_gradients(const Model& model);
  std::vector<int> trained_parameters(const Model& model, const PlanStep& step) const;
  void build_shard(Model& model, int index);

  PlanOptions options_;
  std::vector<PlanStep> steps_;
  std::vector<Segment> segments_;
  std::vector<std::int64_t> gradient_offsets_;
  std::int64_t gradient_size_ = 0;
  std::vector<Buffer<float>> shared_;  // one a step
  std::vector<Shard> shards_;
};

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_PLAN_H_
