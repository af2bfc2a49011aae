#include "engine/engine.h"

#include <algorithm>
#include <functional>

#include "base/stop.h"
#include "onednn/gemm.h"

namespace undying::engine {
namespace {

// 64 KiB a stream: fits the first-level caches with its state.
constexpr std::int64_t kSliceFloats = 16384;
constexpr std::int64_t kEvaluationRows = 256;  // of a shard at a time, at most
// Of the largest value of a shard, beyond which it takes fewer rows.
constexpr std::int64_t kEvaluationFloats = 1 << 22;

}  // namespace

void prepare() { onednn::prepare(); }

Engine::Engine(Model& model, const EngineOptions& options)
    : model_(&model),
      options_(options),
      warm_up_(prepare),
      workers_(std::make_unique<Workers>(std::min(options.threads, options.shards))),
      derivations_(derivations_of(model)) {
  workers_->run([](int) { onednn::use_one_thread(); });
}

Engine::~Engine() = default;

void Engine::compile_training(std::set<int> exact) {
  auto plan = std::make_unique<Plan>(
      *model_,
      PlanOptions{.compile = {.capacity = (options_.batch + options_.shards - 1) / options_.shards,
                              .training = true,
                              .early_updates = options_.early_updates && !options_.long_steps,
                              .precision = options_.precision,
                              .exact = std::move(exact)},
                  .shards = options_.shards,
                  .counters = options_.counters,
                  .seed = options_.seed});
  plan->allocate();
  for (std::size_t s = 0; training_ != nullptr && s < plan->shards().size(); ++s)
    plan->shards()[s].activity = std::move(training_->shards()[s].activity);
  training_ = std::move(plan);
  cut_slices();
}

const Plan& Engine::training_plan() {
  if (training_ == nullptr) compile_training({});
  return *training_;
}

std::span<const Slice> Engine::slices() {
  training_plan();
  return slices_;
}

// Readies the training plan for a batch of this many rows.
void Engine::prepare_step(std::int64_t rows) {
  if (warm_up_.joinable()) warm_up_.join();
  onednn::use_one_thread();  // the caller may be another thread than at the last step
  training_plan();
  if (const std::vector<int> nodes = training_->unusable(); !nodes.empty()) {
    exact_.insert(nodes.begin(), nodes.end());
    compile_training(exact_);
  }
  for (int s = 0; s < options_.shards; ++s) training_->reserve(shard_rows(rows, s), rows);
}

std::int64_t evaluation_rows(const Model& model) {
  std::int64_t largest = 1;
  for (const ops::Value& value : model.node_values())
    largest = std::max(largest, ops::element_count(value.shape));
  return std::clamp<std::int64_t>(kEvaluationFloats / largest, 1, kEvaluationRows);
}

Engine::Range Engine::share(int items, int worker) const {
  const int workers = workers_->count();
  return {items * worker / workers, items * (worker + 1) / workers};
}

double Engine::step(const BatchSource& source, std::int64_t rows, std::uint64_t step,
                    std::span<const SlicePass> passes) {
  prepare_step(rows);
  step_ = step;
  ++steps_;
  stop_ = options_.long_steps ? Stoppable::token() : std::stop_token();
  abandoned_ = false;
  std::vector<float> statistics;
  if (stop_.stop_possible())
    statistics.assign(model_->statistics().begin(), model_->statistics().end());
  workers_->run([&](int worker) {
    run_shards(worker, source, rows, step, passes);
    if (!options_.long_steps) tally(worker, rows);  // while others are still at it
    workers_->barrier().arrive();
    if (abandoned_) return;
    if (options_.long_steps) tally(worker, rows);
    if (!derivations_.empty()) pull_back(worker);
    run_passes(worker, passes);
    if (!derivations_.empty()) derive(worker);
  });
  if (abandoned_) forget_step(statistics);
  double loss = 0.0;
  for (const Shard& shard : training_->shards()) loss += shard.loss.loss;
  return loss / static_cast<double>(rows);
}

std::int64_t Engine::correct() const {
  std::int64_t correct = 0;
  for (const Shard& shard : training_->shards()) correct += shard.loss.correct;
  return correct;
}

// Of a step that was abandoned before its update: what it has counted and measured goes.
void Engine::forget_step(const std::vector<float>& statistics) {
  std::ranges::copy(statistics, model_->statistics().begin());
  for (Shard& shard : training_->shards()) shard.counters.clear();
  --steps_;
  throw_interrupted();
}

void Engine::run_shards(int worker, const BatchSource& source, std::int64_t rows,
                        std::uint64_t step, std::span<const SlicePass> passes) {
  const auto [begin, end] = share(options_.shards, worker);
  for (int s = begin; s < end; ++s) {
    fill(*training_, training_->shards()[s], source, rows * s / options_.shards,
         shard_rows(rows, s), rows, step);
  }
  bool meet = false;
  for (const Segment& segment : training_->segments()) {
    if (meet) workers_->barrier().arrive();
    meet = true;
    if (segment.update >= 0) apply(worker, passes[0], early_slices_[segment.update]);
    for (int s = begin; s < end; ++s)
      for (const Instruction& instruction : segment.instructions) {
        if (stop_.stop_requested()) abandoned_ = true;  // all meet once more before they update
        if (!abandoned_) execute(training_->shards()[s], instruction, source, rows);
      }
  }
}

// What the step has counted of the units.
void Engine::tally(int worker, std::int64_t rows) {
  const auto [begin, end] = share(options_.shards, worker);
  for (int s = begin; options_.counters && s < end; ++s) {
    Shard& shard = training_->shards()[s];
    if (watch_ != nullptr) watch_->saw(s, shard.counters);
    shard.activity.tally(shard.counters, steps_, rows);
  }
}

void Engine::measure_statistics(const BatchSource& source, std::int64_t rows) {
  const auto replace = [&](bool value) {
    for (Shard& shard : training_->shards())
      for (ops::Pass& pass : shard.passes) pass.replace_statistics = value;
  };
  prepare_step(rows);
  replace(true);
  stop_ = Stoppable::token();
  workers_->run([&](int worker) { run_forward(worker, source, rows); });
  for (Shard& shard : training_->shards()) shard.counters.clear();  // that was no step
  replace(false);
  if (stop_.stop_requested()) throw_interrupted();
}

// The forward pass of a training step alone.
void Engine::run_forward(int worker, const BatchSource& source, std::int64_t rows) {
  const auto [begin, end] = share(options_.shards, worker);
  for (int s = begin; s < end; ++s) {
    fill(*training_, training_->shards()[s], source, rows * s / options_.shards,
         shard_rows(rows, s), rows, step_);
  }
  for (const Segment& segment : training_->segments()) {
    for (const Instruction& instruction : segment.instructions) {
      if (instruction.kind == Instruction::Kind::kLoss) return;
      for (int s = begin; s < end && !stop_.stop_requested(); ++s)
        training_->forward(training_->shards()[s], instruction);
    }
    workers_->barrier().arrive();
  }
}

// This worker's part of a run of slices.
void Engine::apply(int worker, const SlicePass& pass, const SliceRun& run) const {
  const auto w = static_cast<std::size_t>(worker);
  for (int i = run.bounds[w]; i < run.bounds[w + 1]; ++i) pass.apply(slices_[i]);
}

Engine::SliceRun Engine::divide(int begin, int end) const {
  std::int64_t total = 0;
  for (int i = begin; i < end; ++i) total += slices_[i].size;
  SliceRun run{{begin}};
  std::int64_t sum = 0;
  int at = begin;
  for (int worker = 1; worker <= workers_->count(); ++worker) {
    while (at < end && sum < total * worker / workers_->count()) sum += slices_[at++].size;
    run.bounds.push_back(at);
  }
  return run;
}

void Engine::fill(Plan& plan, Shard& shard, const BatchSource& source, std::int64_t first,
                  std::int64_t count, std::int64_t rows, std::uint64_t step) {
  plan.begin(shard, first, count, rows, step);
  read(source, first, count, shard);
}

void Engine::execute(Shard& shard, const Instruction& instruction, const BatchSource& source,
                     std::int64_t rows) {
  switch (instruction.kind) {
    case Instruction::Kind::kForward:
      return training_->forward(shard, instruction);
    case Instruction::Kind::kBackward:
      return training_->backward(shard, instruction);
    case Instruction::Kind::kLoss:
      shard.loss = ops::compute_loss(options_.loss,
                                     {.rows = shard.passes.back().rows,
                                      .width = training_->output_size(),
                                      .outputs = shard.outputs[0],
                                      .labels = source.has_labels() ? shard.labels.data() : nullptr,
                                      .targets = shard.targets.data(),
                                      .diff = shard.diff_output,
                                      .scale = static_cast<float>(1.0 / static_cast<double>(rows)),
                                      .weights = shard.weighted ? shard.weights.data() : nullptr});
  }
}

void Engine::run_passes(int worker, std::span<const SlicePass> passes) {
  for (std::size_t p = 0; p < passes.size(); ++p) {
    for (const SliceRun& run : late_slices_) apply(worker, passes[p], run);
    if (!passes[p].finish) continue;
    workers_->barrier().arrive();
    if (worker == 0) passes[p].finish();
    if (p + 1 < passes.size()) workers_->barrier().arrive();
  }
}

// What the shards found of derived parameters, to their leaves. All workers meet behind it.
void Engine::pull_back(int worker) {
  const auto [begin, end] = share(static_cast<int>(derivations_.size()), worker);
  for (int i = begin; i < end; ++i) derivations_[i]->pull_back(*model_, derived_gradients_[i]);
  workers_->barrier().arrive();
}

// The derived parameters of the leaves as they are now, which all workers have updated.
void Engine::derive(int worker) {
  workers_->barrier().arrive();
  const auto [begin, end] = share(static_cast<int>(derivations_.size()), worker);
  for (int i = begin; i < end; ++i) derivations_[i]->derive(*model_);
}

void Engine::derive() {
  for (const auto& each : derivations_) each->derive(*model_);
}

// A parameter in slices, whose gradient is the sum of those of all shards (`parts` 1), is one
// shard's in each of so many parts, or no shard's (0); and of whatever is derived from it.
void Engine::cut(int p, int parts) {
  const Parameter& parameter = model_->parameters()[p];
  const std::int64_t pieces = std::max(1, parts);
  const std::int64_t rows = pieces == 1 ? 1 : parameter.shape[0];
  const std::int64_t row = parameter.size / rows;
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    const std::int64_t end = rows * (piece + 1) / pieces * row;
    for (std::int64_t at = rows * piece / pieces * row; at < end; at += kSliceFloats) {
      auto& gradients = slice_gradients_.emplace_back();
      for (int s = 0; s < options_.shards; ++s)
        if (parts == 1 || (parts > 1 && s == piece))
          gradients.push_back(training_->shards()[s].gradients.data() +
                              training_->gradient_offset(p) + at);
      for (const auto& each : derivations_)
        if (const float* of_leaf = each->gradient(p)) gradients.push_back(of_leaf + at);
      slices_.push_back({static_cast<int>(slices_.size()),
                         p,
                         parameter.offset + at,
                         std::min(kSliceFloats, end - at),
                         {}});
    }
  }
}

// Slices never span two parameters, so that norms can be summed by parameter. Those of one step
// follow one another.
void Engine::cut_slices() {
  const auto& parameters = model_->parameters();
  slices_.clear();
  slice_gradients_.clear();
  early_slices_.clear();
  late_slices_.clear();
  std::set<int> seen;  // a shared parameter has one run of slices
  int late = 0;        // the first slice of the run at hand that is updated late
  for (const Step& step : training_->steps()) {
    const int first = static_cast<int>(slices_.size());
    for (const int p : step.owned) {
      const Parameter& parameter = parameters[p];
      if (!parameter.trained || parameter.frozen || !seen.insert(p).second) continue;
      const bool divided = step.kernel->divides && p == step.owned.front();
      cut(p, divided ? options_.shards : 1);
    }
    const int end = static_cast<int>(slices_.size());
    early_slices_.push_back(step.early_update ? divide(first, end) : SliceRun());
    if (step.early_update) {
      if (late < first) late_slices_.push_back(divide(late, first));
      late = end;
    }
  }
  for (int p = 0; p < static_cast<int>(parameters.size()); ++p)
    if (parameters[p].leaf && !parameters[p].frozen && seen.insert(p).second) cut(p, 0);
  if (late < static_cast<int>(slices_.size()))
    late_slices_.push_back(divide(late, static_cast<int>(slices_.size())));
  for (Slice& slice : slices_) slice.gradients = slice_gradients_[slice.index];
  derived_gradients_.assign(derivations_.size(), {});
  for (std::size_t i = 0; i < derivations_.size(); ++i)
    for (const Shard& shard : training_->shards())
      derived_gradients_[i].push_back(shard.gradients.data() +
                                      training_->gradient_offset(derivations_[i]->parameter()));
}

Activity Engine::take_activity() {
  training_plan();
  std::vector<Shard>& shards = training_->shards();
  Activity all(shards.front().activity.fired.size());
  all.examples = shards.front().activity.examples;
  for (Shard& shard : shards) {
    all.add(shard.activity);
    shard.activity.clear();
  }
  steps_ = 0;
  all.pool(model_->layers());
  return all;
}

void Engine::each_state(Archive& archive) {
  std::vector<int> exact(exact_.begin(), exact_.end());
  archive(exact);
  if (archive.reading() && exact_ != std::set<int>(exact.begin(), exact.end()))
    compile_training(exact_ = {exact.begin(), exact.end()});
  training_plan();
  archive(step_);
  archive(steps_);
  for (Shard& shard : training_->shards()) shard.activity.each_state(archive);
}

ops::LossSums Engine::evaluate(const BatchSource& source, std::int64_t rows, float* outputs,
                               Census* census, float eps, PassObserver* observer) {
  if (warm_up_.joinable()) warm_up_.join();
  if (evaluation_ == nullptr) {
    evaluation_ = std::make_unique<Plan>(
        *model_, PlanOptions{.compile = {.capacity = evaluation_rows(*model_), .training = false},
                             .shards = options_.shards,
                             .counters = false});
    evaluation_->allocate();
  }
  CensusObserver counted(eps);
  OutputObserver copied(outputs);
  std::vector<PassObserver*> observers;
  if (census != nullptr) observers.push_back(&counted);
  if (outputs != nullptr) observers.push_back(&copied);
  if (observer != nullptr) observers.push_back(observer);
  const ops::LossSums sums = run(*evaluation_, *workers_,
                                 {.source = source,
                                  .rows = rows,
                                  .loss = &options_.loss,
                                  .step = step_,
                                  .observers = observers});
  if (census != nullptr) census->add(counted.total());
  return sums;
}

std::int64_t Engine::bytes() const {
  return (training_ == nullptr ? 0 : training_->bytes()) +
         (evaluation_ == nullptr ? 0 : evaluation_->bytes());
}

}  // namespace undying::engine
