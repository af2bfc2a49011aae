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

// One kernel of a plan: a node, and the activation node behind it where it is fused.
struct PlanStep {
  std::unique_ptr<ops::Kernel> kernel;
  int node = 0;
  int follower = -1;
  int layer = -1;             // whose units it counts
  std::int64_t src_size = 0;  // floats a row
  std::int64_t dst_size = 0;
  std::vector<float*> parameters;
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
class Plan {
 public:
  Plan(Model& model, std::int64_t capacity, int shards, bool training, bool counters, std::uint64_t seed);

  std::int64_t capacity() const { return capacity_; }  // rows of a shard
  std::span<const std::vector<Instruction>> segments() const { return segments_; }
  std::vector<Shard>& shards() { return shards_; }
  const std::vector<PlanStep>& steps() const { return steps_; }
  std::int64_t bytes() const;

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
  void build_shard(Model& model, int index, bool counters, std::uint64_t seed);

  std::int64_t capacity_;
  bool training_;
  std::vector<PlanStep> steps_;
  std::vector<std::vector<Instruction>> segments_;
  std::vector<Buffer<float>> shared_;  // one a step
  std::vector<Shard> shards_;
};

}  // namespace undying::engine

#endif  // UNDYING_ENGINE_PLAN_H_
