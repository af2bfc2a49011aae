// What a plan will take, without running it: steps, reorders, bytes.

#include "engine/plan.h"

namespace undying::engine {

PlanSummary Plan::summary() const {
  PlanSummary summary;
  constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));
  const auto shards = static_cast<std::int64_t>(shards_.size());
  const auto bytes = [&](std::int64_t buffer) {
    return buffer == kNoBuffer ? 0 : kFloat * shards * buffers_.lifetimes[buffer].size;
  };
  for (std::size_t i = 0; i < compiled_.steps.size(); ++i) {
    const Step& step = compiled_.steps[i];
    const PlanValue& dst = compiled_.values[step.output];
    const std::int64_t own = buffers_.value[step.output];
    const bool in_place = !step.inputs.empty() && buffers_.value[step.inputs[0]] == own;
    summary.reorders += step.node < 0 && !step.kernel->view;
    summary.steps.push_back(
        {.name = step.name,
         .op = step.op,
         .shape = dst.value.shape,
         .channels_last = dst.value.layout == ops::Layout::kChannelsLast,
         .in_place = in_place,
         .bytes = (in_place ? 0 : bytes(own)) + bytes(buffers_.saved[i]),
         .implementation = step.kernel->view ? "a view" : step.kernel->implementation()});
  }
  for (const Shard& shard : shards_) {
    summary.arena_bytes += kFloat * static_cast<std::int64_t>(shard.arena.size());
    summary.gradient_bytes += kFloat * static_cast<std::int64_t>(shard.gradients.size());
  }
  for (const Lifetime& lifetime : buffers_.lifetimes)
    summary.unshared_bytes += kFloat * shards * lifetime.size;
  return summary;
}

}  // namespace undying::engine
