#ifndef UNDYING_TRAIN_KEEP_ALIVE_KEEP_ALIVE_H_
#define UNDYING_TRAIN_KEEP_ALIVE_KEEP_ALIVE_H_

#include <memory>
#include <span>
#include <vector>

#include "train/keep_alive/rule.h"

namespace undying::train {

// Throws Error{kInvalidArgument} where settings name remedies that replace units, and the network
// has none that they could.
void check_keep_alive(const Graph& graph, const TrainSettings& settings);

// The remedies of one run at work; a run without any has none of this.
class KeepAliveLoop final : public engine::StepWatch {
 public:
  // Throws Error{kInvalidArgument} where a remedy that replaces units has none to treat, or no
  // counters to go by.
  KeepAliveLoop(engine::Model& model, engine::Engine& engine, std::span<Buffer<float>> moments,
                const TrainSettings& settings, Treatment::Outputs outputs);
  ~KeepAliveLoop() override;
  KeepAliveLoop(const KeepAliveLoop&) = delete;
  KeepAliveLoop& operator=(const KeepAliveLoop&) = delete;

  void saw(int shard, const engine::StepCounters& counters) override;

  // What the remedies add to the gradient of a slice; and a slice that was updated with it.
  optim::Pull pull(const engine::Slice& slice) const;
  void updated(const engine::Slice& slice);
  void end_step(std::int64_t step, std::int64_t examples);

  void each_state(Archive& archive);

  const KeepAliveRecord& record() { return treatment_.record(); }

 private:
  engine::Engine* engine_;
  Treatment treatment_;
  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<std::vector<float>> seen_;  // by shard: sum of |h| of each unit, in the last step
  std::vector<double> abs_output_;        // of all shards
};

}  // namespace undying::train

#endif  // UNDYING_TRAIN_KEEP_ALIVE_KEEP_ALIVE_H_
