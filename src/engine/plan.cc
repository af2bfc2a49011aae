#include "engine/plan.h"

#include <algorithm>

#include "engine/memory.h"

namespace undying::engine {
namespace {

constexpr std::int64_t kNone = -1;

// Parameters from which a step is updated early: 1 MiB a gradient, where memory traffic begins to cost more than a meeting of the shards.
constexpr std::int64_t kLarge = 1 << 18;

// The buffers a shard needs, as indices into the lifetimes that place() gets; kNone where there is none. Values and their gradients
// are numbered by what follows: value[i] is the input of step i, value[steps] the output.
struct Buffers {
  std::vector<Lifetime> lifetimes;
  std::vector<std::int64_t> value;
  std::vector<std::int64_t> diff;
  std::vector<std::int64_t> saved;
  std::vector<std::int64_t> scratch;

  std::int64_t add(std::int64_t size, int first, int last) {
    if (size == 0) return kNone;
    lifetimes.push_back({size, first, last});
    return static_cast<std::int64_t>(lifetimes.size()) - 1;
  }
};

// Time runs forward over the steps, through the loss, and back: step i runs at i and at 2 * steps - i.
Buffers lay_out(const std::vector<PlanStep>& steps, std::int64_t rows, bool training) {
  const int count = static_cast<int>(steps.size());
  const auto forward = [](int i) { return i; };
  const auto backward = [&](int i) { return 2 * count - i; };
  Buffers buffers;
  buffers.value.push_back(buffers.add(rows * steps[0].src_size, -1, 0));
  for (int i = 0; i < count; ++i) {
    const ops::Kernel& kernel = *steps[static_cast<std::size_t>(i)].kernel;
    const PlanStep& step = steps[static_cast<std::size_t>(i)];
    const bool writes_over_needed = training && (kernel.needs_src || (i > 0 && steps[static_cast<std::size_t>(i) - 1].kernel->needs_dst));
    Lifetime& src = buffers.lifetimes[static_cast<std::size_t>(buffers.value.back())];
    src.last = std::max(src.last, training && kernel.needs_src ? backward(i) : forward(i));
    if (kernel.in_place && i > 0 && !writes_over_needed && step.src_size == step.dst_size) {
      buffers.value.push_back(buffers.value.back());
    } else {
      buffers.value.push_back(buffers.add(rows * step.dst_size, forward(i), forward(i)));
    }
    Lifetime& dst = buffers.lifetimes[static_cast<std::size_t>(buffers.value.back())];
    const int used = i + 1 == count ? count : forward(i);
    dst.last = std::max(dst.last, training && kernel.needs_dst ? backward(i) : used);
    buffers.saved.push_back(training ? buffers.add(rows * kernel.saved, forward(i), backward(i)) : kNone);
    // Scratch is free for any use within one call, forward or backward: two short lives, one buffer that spans neither's gap.
    buffers.scratch.push_back(buffers.add(rows * kernel.scratch, forward(i), training ? backward(i) : forward(i)));
  }
  bool wanted = false;  // nobody wants the gradient of a value that no trained parameter has touched
  for (int i = 0; training && i <= count; ++i) {
    if (i > 0) wanted = wanted || steps[static_cast<std::size_t>(i) - 1].trains;
    const std::int64_t size = wanted || i == count ? steps[static_cast<std::size_t>(i) - 1].dst_size : 0;
    buffers.diff.push_back(buffers.add(rows * size, backward(i), backward(i) + 1));
  }
  return buffers;
}

bool is_activation(const Model& model, int node) {
  const auto& nodes = model.graph().nodes();
  return static_cast<std::size_t>(node) < nodes.size() && nodes[static_cast<std::size_t>(node)].op == "activation";
}

int layer_of(const Model& model, int node) {
  for (std::size_t i = 0; i < model.layers().size(); ++i)
    if (model.layers()[i].node == node) return static_cast<int>(i);
  return -1;
}

}  // namespace

Plan::Plan(Model& model, const PlanOptions& options) : options_(options), shards_(static_cast<std::size_t>(options.shards)) {
  compile(model);
  schedule();
  if (options.training) place_gradients(model);
  for (const PlanStep& step : steps_) shared_.emplace_back(static_cast<std::size_t>(step.kernel->shared * options.shards));
  for (int i = 0; i < options.shards; ++i) build_shard(model, i);
}

void Plan::compile(Model& model) {
  const auto& nodes = model.graph().nodes();
  const auto& shapes = model.graph().shapes();
  for (int i = 1; i < static_cast<int>(nodes.size()); ++i) {
    const Node& node = nodes[static_cast<std::size_t>(i)];
    const Shape& src = shapes[static_cast<std::size_t>(node.inputs[0])];
    const ops::Operator& row = ops::operator_named(node);
    PlanStep step{.node = i};
    if (row.fuses_activation && is_activation(model, i + 1)) step.follower = i + 1;
    step.kernel = row.plan(node, src, step.follower < 0 ? nullptr : &nodes[static_cast<std::size_t>(step.follower)]);
    step.src_size = ops::element_count(src);
    for (const int index : model.parameters_of(i))
      step.parameters.push_back(model.values(model.parameters()[static_cast<std::size_t>(index)]));
    if (step.follower > 0) {
      for (const int index : model.parameters_of(step.follower))
        step.parameters.push_back(model.values(model.parameters()[static_cast<std::size_t>(index)]));
      ++i;
    }
    step.dst_size = ops::element_count(shapes[static_cast<std::size_t>(i)]);
    step.layer = layer_of(model, i);
    std::int64_t size = 0;
    step.trains = !trained_parameters(model, step).empty();
    for (const int index : trained_parameters(model, step)) size += model.parameters()[static_cast<std::size_t>(index)].size;
    step.early_update = options_.training && options_.early_updates && size >= kLarge;
    steps_.push_back(std::move(step));
  }
}

std::vector<int> Plan::trained_parameters(const Model& model, const PlanStep& step) const {
  std::vector<int> indices;
  for (const int node : {step.node, step.follower})
    for (const int index : node < 0 ? std::vector<int>() : model.parameters_of(node))
      if (model.parameters()[static_cast<std::size_t>(index)].trained) indices.push_back(index);
  return indices;
}

void Plan::schedule() {
  const int count = static_cast<int>(steps_.size());
  segments_.emplace_back();
  const auto add = [&](Instruction::Kind kind, int step) {
    const int phases = options_.training && kind != Instruction::Kind::kLoss ? steps_[static_cast<std::size_t>(step)].kernel->phases : 1;
    for (int phase = 0; phase < phases; ++phase) {
      if (phase > 0) segments_.emplace_back();
      segments_.back().instructions.push_back({kind, step, phase});
    }
  };
  for (int i = 0; i < count; ++i) add(Instruction::Kind::kForward, i);
  segments_.back().instructions.push_back({Instruction::Kind::kLoss});
  const auto trained = std::find_if(steps_.begin(), steps_.end(), [](const PlanStep& step) { return step.trains; });
  const int first = options_.training ? static_cast<int>(trained - steps_.begin()) : count;  // nothing to learn before it
  for (int i = count - 1; i >= first; --i) {
    add(Instruction::Kind::kBackward, i);
    if (!steps_[static_cast<std::size_t>(i)].early_update) continue;
    segments_.push_back({.update = i, .instructions = {}});
    segments_.emplace_back();
  }
}

// The gradients of large steps share a buffer at the front; all others have a place of their own.
void Plan::place_gradients(const Model& model) {
  gradient_offsets_.assign(model.parameters().size(), 0);
  const auto place_step = [&](const PlanStep& step, std::int64_t offset) {
    for (const int index : trained_parameters(model, step)) {
      gradient_offsets_[static_cast<std::size_t>(index)] = offset;
      offset += static_cast<std::int64_t>(padded(static_cast<std::size_t>(model.parameters()[static_cast<std::size_t>(index)].size)));
    }
    return offset;
  };
  for (const PlanStep& step : steps_)
    if (step.early_update) gradient_size_ = std::max(gradient_size_, place_step(step, 0));
  for (const PlanStep& step : steps_)
    if (!step.early_update) gradient_size_ = place_step(step, gradient_size_);
}

void Plan::build_shard(Model& model, int index) {
  const Buffers buffers = lay_out(steps_, options_.capacity, options_.training);
  const Placement placement = place(buffers.lifetimes);
  Shard& shard = shards_[static_cast<std::size_t>(index)];
  shard.arena = Buffer<float>(static_cast<std::size_t>(placement.total));
  const auto at = [&](std::int64_t buffer) -> float* {
    return buffer == kNone ? nullptr : shard.arena.data() + placement.offsets[static_cast<std::size_t>(buffer)];
  };
  shard.gradients = Buffer<float>(static_cast<std::size_t>(gradient_size_));
  if (options_.counters) {
    const auto units = static_cast<std::size_t>(model.unit_size());
    shard.fired = Buffer<std::uint32_t>(units);
    shard.abs_output = Buffer<float>(units);
    shard.abs_gradient = Buffer<float>(units);
  }
  shard.inputs = at(buffers.value[0]);
  shard.outputs = at(buffers.value.back());
  if (options_.training) shard.diff_outputs = at(buffers.diff.back());
  shard.labels = Buffer<std::int32_t>(static_cast<std::size_t>(options_.capacity));
  shard.targets = Buffer<float>(static_cast<std::size_t>(options_.capacity * steps_.back().dst_size));
  shard.diff_parameters.resize(steps_.size());
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    PlanStep& step = steps_[i];
    for (const int node : {step.node, step.follower}) {
      for (const int owned : node < 0 ? std::vector<int>() : model.parameters_of(node)) {
        const bool wanted = options_.training && model.parameters()[static_cast<std::size_t>(owned)].trained;
        shard.diff_parameters[i].push_back(wanted ? shard.gradients.data() + gradient_offset(owned) : nullptr);
      }
    }
    ops::Pass pass{.shard = index, .shards = static_cast<int>(shards_.size()), .training = options_.training, .seed = options_.seed};
    pass.src = at(buffers.value[i]);
    pass.dst = at(buffers.value[i + 1]);
    pass.saved = at(buffers.saved[i]);
    pass.scratch = at(buffers.scratch[i]);
    pass.shared = shared_[i].data();
    if (options_.training) {
      pass.diff_dst = at(buffers.diff[i + 1]);
      pass.diff_src = at(buffers.diff[i]);
    }
    pass.parameters = step.parameters;
    pass.diff_parameters = shard.diff_parameters[i];
    if (options_.counters && step.layer >= 0) {
      const std::int64_t offset = model.layers()[static_cast<std::size_t>(step.layer)].offset;
      pass.counters = {shard.fired.data() + offset, shard.abs_output.data() + offset, shard.abs_gradient.data() + offset};
    }
    shard.passes.push_back(pass);
  }
}

std::int64_t Plan::bytes() const {
  std::size_t floats = 0;
  for (const Shard& shard : shards_) floats += shard.arena.size() + shard.gradients.size();
  return static_cast<std::int64_t>(floats * sizeof(float));
}

void Plan::begin(Shard& shard, std::int64_t first_row, std::int64_t rows, std::int64_t batch_rows, std::uint64_t step) {
  for (ops::Pass& pass : shard.passes) {
    pass.first_row = first_row;
    pass.rows = rows;
    pass.batch_rows = batch_rows;
    pass.step = step;
  }
}

}  // namespace undying::engine
