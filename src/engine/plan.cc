#include "engine/plan.h"

#include <algorithm>

#include "engine/passes/memory.h"

namespace undying::engine {

Plan::Plan(Model& model, const PlanOptions& options)
    : model_(&model),
      options_(options),
      compiled_(compile(model, options.compile, options.shards)),
      shards_(static_cast<std::size_t>(options.shards)) {
  buffers_ = lay_out(compiled_, options.compile.capacity, options.compile.training);
  placement_ = place(buffers_.lifetimes);
  schedule();
  if (options.compile.training) place_gradients(model);
}

void Plan::allocate() {
  for (const Step& step : compiled_.steps)
    shared_.emplace_back(static_cast<std::size_t>(step.kernel->shared * options_.shards));
  for (int i = 0; i < options_.shards; ++i) build_shard(i);
}

void Plan::schedule() {
  const int count = static_cast<int>(compiled_.steps.size());
  segments_.emplace_back();
  const auto add = [&](Instruction::Kind kind, int step) {
    const ops::Kernel& kernel = *compiled_.steps[step].kernel;
    if (kernel.view && kind == Instruction::Kind::kForward) return;
    for (int phase = 0; phase < (options_.compile.training ? kernel.phases : 1); ++phase) {
      if (phase > 0) segments_.emplace_back();
      segments_.back().instructions.push_back({kind, step, phase});
    }
  };
  for (int i = 0; i < count; ++i) add(Instruction::Kind::kForward, i);
  segments_.back().instructions.push_back({Instruction::Kind::kLoss});
  for (int i = count - 1; options_.compile.training && i >= 0; --i) {
    const Step& step = compiled_.steps[i];
    if (!step.backward) continue;
    add(Instruction::Kind::kBackward, i);
    if (!step.early_update) continue;
    segments_.push_back({.update = i, .instructions = {}});
    segments_.emplace_back();
  }
}

// Places what a step's backward pass writes. The first in backward order that owns a parameter
// writes where its sum is kept; the others write beside it, and are added.
std::int64_t Plan::place_step(const Model& model, std::size_t index, std::int64_t offset,
                              std::vector<bool>& placed) {
  for (const int owned : compiled_.steps[index].owned) {
    const auto p = static_cast<std::size_t>(owned);
    if (model.parameters()[p].trained) {
      step_gradients_[index].push_back(offset);
      if (!placed[p]) gradient_offsets_[p] = offset;
      placed[p] = true;
      offset +=
          static_cast<std::int64_t>(padded(static_cast<std::size_t>(model.parameters()[p].size)));
    } else {
      step_gradients_[index].push_back(kNoBuffer);
    }
  }
  return offset;
}

// The gradients of steps that are updated early share a buffer at the front; all others have a
// place of their own.
void Plan::place_gradients(const Model& model) {
  gradient_offsets_.assign(model.parameters().size(), 0);
  step_gradients_.resize(compiled_.steps.size());
  std::vector<bool> placed(model.parameters().size(), false);
  for (std::size_t i = 0; i < compiled_.steps.size(); ++i)
    if (compiled_.steps[i].early_update)
      gradient_size_ = std::max(gradient_size_, place_step(model, i, 0, placed));
  // Those without a backward pass come last: they write nothing, and their place stays 0.
  for (const bool backward : {true, false})
    for (std::size_t i = compiled_.steps.size(); i-- > 0;)
      if (!compiled_.steps[i].early_update && compiled_.steps[i].backward == backward)
        gradient_size_ = place_step(model, i, gradient_size_, placed);
}

ops::Pass Plan::build_pass(Shard& shard, int index, std::size_t i) const {
  const Step& step = compiled_.steps[i];
  Shard::Places& places = shard.places[i];
  ops::Pass pass{.shard = index,
                 .shards = static_cast<int>(shards_.size()),
                 .training = options_.compile.training && !options_.compile.frozen,
                 .seed = options_.seed};
  pass.src = places.src;
  pass.shared = const_cast<float*>(shared_[i].data());
  pass.diff_src = places.diff_src;
  pass.parameters = step.parameters;
  pass.diff_parameters = places.diff_parameters;
  if (options_.counters && step.layer >= 0) {
    const std::int64_t offset = model_->layers()[step.layer].offset;
    StepCounters& counters = shard.counters;
    pass.counters = {counters.fired.data() + offset, counters.abs_output.data() + offset,
                     counters.abs_gradient.data() + offset};
  }
  return pass;
}

// Where step `i` finds and leaves gradients in a shard.
void Plan::build_backward(Shard& shard, std::size_t i) {
  const Step& step = compiled_.steps[i];
  Shard::Places& places = shard.places[i];
  const auto at = [&](std::int64_t buffer) -> float* {
    return buffer == kNoBuffer ? nullptr : shard.arena.data() + placement_.offsets[buffer];
  };
  places.diff_scratch = at(buffers_.diff_scratch[i]);
  for (std::size_t k = 0; k < step.inputs.size(); ++k)
    places.diff_src[k] = at(buffers_.diff_src[i][k]);
  for (const Contribution& part : buffers_.contributions[i])
    shard.sums[i].push_back(
        {.from = at(part.from), .to = at(part.to), .row_size = part.size, .add = part.add});
  for (std::size_t p = 0; p < step.owned.size(); ++p) {
    const std::int64_t offset = step_gradients_[i][p];
    if (offset == kNoBuffer) continue;
    places.diff_parameters[p] = shard.gradients.data() + offset;
    float* kept = shard.gradients.data() + gradient_offset(step.owned[p]);
    if (kept != places.diff_parameters[p] && step.backward)
      shard.sums[i].push_back({.from = places.diff_parameters[p],
                               .to = kept,
                               .size = model_->parameters()[step.owned[p]].size});
  }
}

void Plan::build_shard(int index) {
  Shard& shard = shards_[index];
  const std::int64_t capacity = options_.compile.capacity;
  shard.arena = Buffer<float>(static_cast<std::size_t>(placement_.total));
  const auto at = [&](std::int64_t buffer) -> float* {
    return buffer == kNoBuffer ? nullptr : shard.arena.data() + placement_.offsets[buffer];
  };
  const auto value_at = [&](int value) { return at(buffers_.value[value]); };
  shard.gradients = Buffer<float>(static_cast<std::size_t>(gradient_size_));
  if (options_.counters) {
    const auto units = static_cast<std::size_t>(model_->unit_size());
    shard.counters = StepCounters(units);
    shard.activity = Activity(units);
  }
  for (const int input : compiled_.inputs) shard.inputs.push_back(value_at(input));
  for (const int output : compiled_.outputs) shard.outputs.push_back(value_at(output));
  shard.labels = Buffer<std::int32_t>(static_cast<std::size_t>(capacity));
  shard.targets = Buffer<float>(static_cast<std::size_t>(capacity * output_size()));
  shard.weights = Buffer<float>(static_cast<std::size_t>(capacity));
  shard.places.resize(compiled_.steps.size());
  shard.sums.resize(compiled_.steps.size());
  const bool training = options_.compile.training;
  if (training) shard.diff_output = at(buffers_.diff[compiled_.outputs[0]]);
  for (std::size_t i = 0; i < compiled_.steps.size(); ++i) {
    const Step& step = compiled_.steps[i];
    Shard::Places& places = shard.places[i];
    for (const int input : step.inputs) places.src.push_back(value_at(input));
    places.diff_src.assign(step.inputs.size(), nullptr);
    places.diff_parameters.assign(step.owned.size(), nullptr);
    places.scratch = at(buffers_.scratch[i]);
    if (training) build_backward(shard, i);
    ops::Pass pass = build_pass(shard, index, i);
    pass.dst = value_at(step.output);
    pass.saved = at(buffers_.saved[i]);
    if (training) pass.diff_dst = at(buffers_.diff[step.output]);
    shard.passes.push_back(pass);
  }
}

std::int64_t Plan::shard_bytes() const {
  std::int64_t floats = placement_.total + gradient_size_ + capacity() * output_size();
  for (const Step& step : compiled_.steps) floats += step.kernel->shared;
  return static_cast<std::int64_t>(sizeof(float)) * floats;
}

std::vector<int> Plan::unusable() const {
  std::vector<int> nodes;
  for (const Step& step : compiled_.steps)
    if (step.node >= 0 && !step.kernel->usable(step.parameters)) nodes.push_back(step.node);
  return nodes;
}

void Plan::reserve(std::int64_t rows, std::int64_t batch_rows) {
  if (batch_rows == 0 || !reserved_.insert({rows, batch_rows}).second) return;
  for (Step& step : compiled_.steps) step.kernel->reserve(rows, batch_rows);
}

void Plan::begin(Shard& shard, std::int64_t first_row, std::int64_t rows, std::int64_t batch_rows,
                 std::uint64_t step) const {
  for (ops::Pass& pass : shard.passes) {
    pass.first_row = first_row;
    pass.rows = rows;
    pass.batch_rows = batch_rows;
    pass.step = step;
  }
}

void Plan::forward(Shard& shard, const Instruction& instruction) const {
  const auto index = static_cast<std::size_t>(instruction.step);
  ops::Pass& pass = shard.passes[index];
  pass.scratch = shard.places[index].scratch;
  compiled_.steps[index].kernel->forward(pass, instruction.phase);
}

void Plan::backward(Shard& shard, const Instruction& instruction) const {
  const auto index = static_cast<std::size_t>(instruction.step);
  const ops::Kernel& kernel = *compiled_.steps[index].kernel;
  ops::Pass& pass = shard.passes[index];
  pass.scratch = shard.places[index].diff_scratch;
  if (!kernel.view) kernel.backward(pass, instruction.phase);
  if (instruction.phase + 1 < kernel.phases) return;
  for (const Shard::Sum& sum : shard.sums[index]) {
    const std::int64_t size = pass.rows * sum.row_size + sum.size;
    if (sum.add) {
      for (std::int64_t i = 0; i < size; ++i) sum.to[i] += sum.from[i];
    } else {
      std::copy_n(sum.from, size, sum.to);
    }
  }
}

}  // namespace undying::engine
