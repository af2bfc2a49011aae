#include "engine/passes/layer_walk.h"

#include <algorithm>

#include "engine/engine.h"
#include "onednn/gemm.h"

namespace undying::engine {
namespace {

constexpr std::int64_t kMostRows = 64;  // of a chunk

}  // namespace

LayerWalk::LayerWalk(Model& model, const BatchSource& source, std::int64_t rows,
                     const Options& options)
    : source_(source), rows_(rows), workers_(std::make_unique<Workers>(options.threads)) {
  prepare();
  onednn::use_one_thread();
  PlanOptions plan{
      .compile = {.training = false, .apart = {options.nodes.begin(), options.nodes.end()}},
      .shards = options.threads,
      .counters = false};
  const auto smallest =
      fitting_plan(model, plan, std::min(rows, chunk_rows(model, kMostRows)), options.memory);
  chunks_ = (rows + smallest->capacity() - 1) / smallest->capacity();
  const std::int64_t fit =
      options.memory == 0 ? chunks_
                          : options.memory / std::max<std::int64_t>(1, smallest->shard_bytes());
  waiting_ = fit >= chunks_ ? chunks_ : fit - options.threads;
  plan.compile.capacity = smallest->capacity();
  plan.shards = static_cast<int>(waiting_) + (waiting_ < chunks_ ? options.threads : 0);
  plan_ = std::make_unique<Plan>(model, plan);
  plan_->allocate();
  plan_->reserve(plan_->capacity());
  plan_->reserve(rows % plan_->capacity());
  for (const int node : options.nodes)
    for (std::size_t i = 0; i < plan_->steps().size(); ++i)
      if (plan_->steps()[i].node == node) stops_.push_back(static_cast<int>(i));
}

void LayerWalk::advance(const Visit& visit) {
  workers_->run([&](int worker) {
    onednn::use_one_thread();
    for (std::int64_t chunk = worker; chunk < chunks_; chunk += workers_->count())
      carry(chunk, worker, visit);
  });
  ++next_;
  added_.clear();
}

// From where the chunk stands to the next stop.
void LayerWalk::carry(std::int64_t chunk, int worker, const Visit& visit) {
  const bool waits = chunk < waiting_;
  Shard& shard = plan_->shards()[waits ? chunk : waiting_ + worker];
  const std::int64_t first = chunk * plan_->capacity();
  const std::int64_t rows = std::min(plan_->capacity(), rows_ - first);
  int step = 0;
  if (waits && next_ > 0) {
    add_settled(shard, rows);
    step = stops_[next_ - 1] + 1;
  } else {
    plan_->begin(shard, first, rows, rows_, 0);
    read(source_, first, rows, shard, false);
  }
  for (; step <= stops_[next_]; ++step) plan_->forward(shard, {.step = step});
  visit(chunk, rows, shard.passes[stops_[next_]].dst);
}

void LayerWalk::add_settled(Shard& shard, std::int64_t rows) const {
  if (added_.empty()) return;
  const int stop = stops_[next_ - 1];
  float* values = shard.passes[stop].dst;
  const auto units = std::ssize(added_);
  const std::int64_t lines = rows * plan_->values()[plan_->steps()[stop].output].size / units;
  for (std::int64_t line = 0; line < lines; ++line)
    for (std::int64_t unit = 0; unit < units; ++unit) values[line * units + unit] += added_[unit];
}

}  // namespace undying::engine
