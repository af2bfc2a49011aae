#include "engine/gradients.h"

#include <algorithm>
#include <functional>
#include <set>

#include "onednn/gemm.h"

namespace undying::engine {
namespace {

constexpr std::int64_t kMostRows = 64;  // of a block: all values of a block are kept for its backward pass

// What one worker's blocks add up to.
struct Sums {
  Sums(std::int64_t trained, std::int64_t units)
      : gradient(static_cast<std::size_t>(trained)), nonzero(static_cast<std::size_t>(trained)), unit(static_cast<std::size_t>(units)) {}

  std::vector<double> gradient;
  std::vector<std::uint8_t> nonzero;
  std::vector<double> unit;
  ops::LossSums loss;
};

class FrozenPass {
 public:
  FrozenPass(Model& model, const BatchSource& source, std::int64_t rows, const GradientOptions& options)
      : model_(model), source_(source), rows_(rows), options_(options), block_(std::min(kMostRows, evaluation_rows(model))) {
    plan_ = compile({});
    if (const std::vector<int> nodes = plan_->unusable(); !nodes.empty()) plan_ = compile({nodes.begin(), nodes.end()});
    plan_->reserve(std::min(block_, rows));
    plan_->reserve(rows % block_);
    for (const Step& step : plan_->steps())
      for (const int p : step.owned)
        if (step.backward && model.parameters()[static_cast<std::size_t>(p)].trained) learning_.insert(p);
    sums_.assign(static_cast<std::size_t>(options.shards), Sums(model.trained_size(), model.unit_size()));
  }

  Gradients run() {
    Workers workers(std::min(options_.threads, options_.shards));
    workers.run([&](int worker) {
      onednn::use_one_thread();
      for (int lane = worker; lane < options_.shards; lane += workers.count()) run_lane(lane);
    });
    return total();
  }

 private:
  std::unique_ptr<Plan> compile(std::set<int> exact) {
    return std::make_unique<Plan>(model_,
                                  PlanOptions{.compile = {.capacity = block_, .training = true, .frozen = true, .exact = std::move(exact)},
                                              .shards = options_.shards});
  }

  // A lane takes every S-th block of rows.
  void run_lane(int lane) {
    for (std::int64_t first = lane * block_; first < rows_; first += block_ * options_.shards)
      run_block(lane, first, std::min(block_, rows_ - first));
  }

  void run_block(int lane, std::int64_t first, std::int64_t count) {
    Shard& shard = plan_->shards()[static_cast<std::size_t>(lane)];
    Sums& sums = sums_[static_cast<std::size_t>(lane)];
    plan_->begin(shard, first, count, rows_, 0);
    read(source_, first, count, shard);
    for (const Segment& segment : plan_->segments())
      for (const Instruction& instruction : segment.instructions) execute(shard, instruction, count, sums);
    add(shard, sums);
  }

  void execute(Shard& shard, const Instruction& instruction, std::int64_t count, Sums& sums) {
    if (instruction.kind == Instruction::Kind::kForward) return plan_->forward(shard, instruction);
    if (instruction.kind == Instruction::Kind::kBackward) return plan_->backward(shard, instruction);
    const ops::LossSums loss = ops::compute_loss(options_.loss, {.rows = count,
                                                                 .width = plan_->output_size(),
                                                                 .outputs = shard.outputs[0],
                                                                 .labels = source_.has_labels() ? shard.labels.data() : nullptr,
                                                                 .targets = shard.targets.data(),
                                                                 .diff = shard.diff_output});
    sums.loss.loss += loss.loss;
    sums.loss.correct += loss.correct;
  }

  // What the block left is added up. A parameter that several steps share has one gradient.
  void add(Shard& shard, Sums& sums) const {
    for (const int p : learning_) {
      const Parameter& parameter = model_.parameters()[static_cast<std::size_t>(p)];
      const float* from = shard.gradients.data() + plan_->gradient_offset(p);
      for (std::int64_t i = 0; i < parameter.size; ++i) {
        const auto at = static_cast<std::size_t>(parameter.offset + i);
        sums.gradient[at] += static_cast<double>(from[i]);
        sums.nonzero[at] |= static_cast<std::uint8_t>(from[i] != 0.0f);
      }
    }
    float* units = shard.counters.abs_gradient.data();
    for (std::size_t i = 0; i < sums.unit.size(); ++i) sums.unit[i] += static_cast<double>(units[i]);
    std::fill_n(units, sums.unit.size(), 0.0f);
  }

  Gradients total() const {
    Gradients all{.mean = sums_[0].gradient, .nonzero = sums_[0].nonzero, .units = sums_[0].unit, .loss = sums_[0].loss};
    for (std::size_t lane = 1; lane < sums_.size(); ++lane) {
      const Sums& part = sums_[lane];
      for (std::size_t i = 0; i < all.mean.size(); ++i) {
        all.mean[i] += part.gradient[i];
        all.nonzero[i] |= part.nonzero[i];
      }
      for (std::size_t i = 0; i < all.units.size(); ++i) all.units[i] += part.unit[i];
      all.loss.loss += part.loss.loss;
      all.loss.correct += part.loss.correct;
    }
    for (double& value : all.mean) value /= static_cast<double>(rows_);
    for (double& value : all.units) value /= static_cast<double>(rows_);
    pool(model_.layers(), all.units.data(), std::plus<>());
    return all;
  }

  Model& model_;
  const BatchSource& source_;
  std::int64_t rows_;
  GradientOptions options_;
  std::int64_t block_;
  std::unique_ptr<Plan> plan_;
  std::set<int> learning_;  // parameters that a gradient reaches
  std::vector<Sums> sums_;
};

}  // namespace

Gradients frozen_gradients(Model& model, const BatchSource& source, std::int64_t rows, const GradientOptions& options) {
  return FrozenPass(model, source, rows, options).run();
}

}  // namespace undying::engine
