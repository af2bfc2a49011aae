#include "engine/passes/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <stop_token>
#include <string>

#include "base/stop.h"
#include "engine/engine.h"
#include "onednn/gemm.h"
#include "undying/error.h"

namespace undying::engine {

void read(const BatchSource& source, std::int64_t first, std::int64_t rows, Shard& shard,
          bool answers) {
  for (std::size_t i = 0; i < shard.inputs.size(); ++i)
    source.inputs(static_cast<int>(i), first, rows, shard.inputs[i]);
  if (!answers) return;
  shard.weighted = source.weights(first, rows, shard.weights.data());
  if (source.has_labels()) return source.labels(first, rows, shard.labels.data());
  source.targets(first, rows, shard.targets.data());
}

namespace {

class Pass {
 public:
  Pass(Plan& plan, Workers& workers, const PassRequest& pass)
      : plan_(plan),
        workers_(workers),
        pass_(pass),
        lanes_(static_cast<int>(plan.shards().size())),
        stop_(Stoppable::token()) {
    for (Shard& shard : plan_.shards()) shard.loss = {};
  }

  ops::LossSums run() {
    onednn::use_one_thread();
    plan_.reserve(std::min(plan_.capacity(), pass_.rows));
    plan_.reserve(pass_.rows % plan_.capacity());
    for (PassObserver* observer : pass_.observers) observer->begin(plan_);
    workers_.run([this](int worker) {
      onednn::use_one_thread();
      work(worker);
    });
    if (stop_.stop_requested()) throw_interrupted();
    ops::LossSums total;
    for (const Shard& shard : plan_.shards()) {
      total.loss += shard.loss.loss;
      total.correct += shard.loss.correct;
    }
    return total;
  }

 private:
  Shard& shard(int lane) { return plan_.shards()[lane]; }

  // The chunk of a lane in a round; without rows where there are no more.
  Chunk chunk(int lane, std::int64_t round) {
    const std::int64_t first = std::min(pass_.rows, (round * lanes_ + lane) * plan_.capacity());
    return {lane, first, std::min(plan_.capacity(), pass_.rows - first), shard(lane)};
  }

  void work(int worker) {
    const int begin = lanes_ * worker / workers_.count();
    const int end = lanes_ * (worker + 1) / workers_.count();
    const std::int64_t round_rows = plan_.capacity() * lanes_;
    for (std::int64_t round = 0; round * round_rows < pass_.rows && !ended_; ++round) {
      if (plan_.backward())
        walk_together(worker, begin, end, round);
      else
        for (int lane = begin; lane < end; ++lane) walk(chunk(lane, round));
    }
  }

  // Forward alone: nobody waits for anybody.
  void walk(const Chunk& chunk) {
    if (chunk.rows == 0) return;
    start(chunk);
    for (const Instruction& instruction : plan_.segments().front().instructions)
      execute(chunk, instruction);
  }

  // All lanes meet between two segments, and once they have their gradients. After a stop request
  // they still do, with nothing to do in between, until one says for all that the pass has ended.
  void walk_together(int worker, int begin, int end, std::int64_t round) {
    for (int lane = begin; lane < end; ++lane) start(chunk(lane, round));
    bool meet = false;
    for (const Segment& segment : plan_.segments()) {
      if (meet) workers_.barrier().arrive();
      meet = true;
      if (segment.update >= 0) gather(segment.update, worker);
      for (int lane = begin; lane < end; ++lane)
        for (const Instruction& instruction : segment.instructions)
          execute(chunk(lane, round), instruction);
    }
    workers_.barrier().arrive();
    gather(-1, worker);
    if (worker == 0 && stop_.stop_requested()) ended_ = true;
    workers_.barrier().arrive();
  }

  void start(const Chunk& chunk) {
    if (stop_.stop_requested()) return;
    plan_.begin(chunk.shard, chunk.first, chunk.rows, pass_.rows, pass_.step);
    if (chunk.rows > 0)
      read(pass_.source, chunk.first, chunk.rows, chunk.shard, pass_.loss != nullptr);
  }

  void execute(const Chunk& chunk, const Instruction& instruction) {
    if (stop_.stop_requested()) return;
    switch (instruction.kind) {
      case Instruction::Kind::kForward:
        return forward(chunk, instruction);
      case Instruction::Kind::kBackward:
        return plan_.backward(chunk.shard, instruction);
      case Instruction::Kind::kLoss:
        if (chunk.rows == 0) return;
        if (pass_.loss != nullptr) add_loss(chunk);
        for (PassObserver* observer : pass_.observers) observer->finish(chunk);
    }
  }

  void forward(const Chunk& chunk, const Instruction& instruction) {
    chunk.pass(instruction.step).census = nullptr;
    if (chunk.rows > 0)
      for (PassObserver* observer : pass_.observers) observer->before(chunk, instruction.step);
    plan_.forward(chunk.shard, instruction);
    if (chunk.rows > 0)
      for (PassObserver* observer : pass_.observers) observer->after(chunk, instruction.step);
  }

  void add_loss(const Chunk& chunk) {
    const ops::LossSums part = ops::compute_loss(
        *pass_.loss, {.rows = chunk.rows,
                      .width = plan_.output_size(),
                      .outputs = chunk.shard.outputs[0],
                      .labels = pass_.source.has_labels() ? chunk.shard.labels.data() : nullptr,
                      .targets = chunk.shard.targets.data(),
                      .diff = chunk.shard.diff_output});
    chunk.shard.loss.loss += part.loss;
    chunk.shard.loss.correct += part.correct;
  }

  void gather(int step, int worker) {
    if (stop_.stop_requested()) return;
    for (PassObserver* observer : pass_.observers)
      observer->gather(plan_, step, worker, workers_.count());
  }

  Plan& plan_;
  Workers& workers_;
  const PassRequest& pass_;
  int lanes_;
  std::stop_token stop_;
  std::atomic<bool> ended_ = false;  // of a pass whose lanes meet
};

// Rounded up: as much as is said is enough.
std::string size_text(std::int64_t bytes) {
  constexpr std::int64_t kKilo = 1000, kMega = 1'000'000;
  if (bytes >= 10 * kMega) return fmt::format("{} MB", (bytes + kMega - 1) / kMega);
  return bytes >= 10 * kKilo ? fmt::format("{} KB", (bytes + kKilo - 1) / kKilo)
                             : fmt::format("{} bytes", bytes);
}

[[noreturn]] void refuse(std::int64_t memory, std::int64_t needed, int lanes) {
  throw Error(ErrorCode::kInvalidArgument, "memory",
              fmt::format("is {}; a pass over the data needs {} for one example {}: give it as "
                          "much, or fewer threads",
                          size_text(memory), size_text(needed),
                          lanes == 1 ? "at a time" : fmt::format("a thread, {} threads", lanes)));
}

}  // namespace

ops::LossSums run(Plan& plan, Workers& workers, const PassRequest& pass) {
  return Pass(plan, workers, pass).run();
}

std::int64_t chunk_rows(const Model& model, std::int64_t most) {
  constexpr std::int64_t kFewest = 16;
  std::int64_t row = 1;
  for (const ops::Value& value : model.node_values()) row += ops::element_count(value.shape);
  return std::min(most, std::max(kFewest, model.trained_size() / row));
}

std::unique_ptr<Plan> fitting_plan(Model& model, PlanOptions options, std::int64_t rows,
                                   std::int64_t memory) {
  options.compile.capacity = rows;
  while (true) {
    auto plan = std::make_unique<Plan>(model, options);
    if (const std::vector<int> nodes = plan->unusable();
        options.compile.training && !nodes.empty()) {
      options.compile.exact.insert(nodes.begin(), nodes.end());
      plan = std::make_unique<Plan>(model, options);
    }
    if (memory == 0 || plan->bytes() <= memory) return plan;
    std::int64_t& capacity = options.compile.capacity;
    if (capacity == 1) refuse(memory, plan->bytes(), options.shards);
    capacity = std::clamp<std::int64_t>(
        static_cast<std::int64_t>(static_cast<double>(capacity) * static_cast<double>(memory) /
                                  static_cast<double>(plan->bytes())),
        1, capacity - 1);
  }
}

Runner::Runner(Model& model, const RunnerOptions& options)
    : workers_(std::make_unique<Workers>(std::min(options.threads, options.lanes))) {
  prepare();
  onednn::use_one_thread();
  plan_ = fitting_plan(model,
                       {.compile = {.training = options.backward,
                                    .frozen = true,
                                    .early_updates = options.backward,
                                    .apart = options.apart},
                        .shards = options.lanes,
                        .counters = options.backward},
                       options.most_rows, options.memory);
  plan_->allocate();
}

}  // namespace undying::engine
