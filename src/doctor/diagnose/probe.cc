#include "doctor/diagnose/probe.h"

#include <algorithm>

#include "engine/engine.h"
#include "onednn/gemm.h"

namespace undying::doctor {
namespace {

constexpr std::int64_t kRows = 32;

}  // namespace

Probe::Probe(const engine::Model& model, const std::vector<int>& nodes) : model_(Graph(model.graph().nodes(), nodes)) {
  for (std::size_t p = 0; p < model.parameters().size(); ++p) {
    const engine::Parameter& parameter = model.parameters()[p];
    std::copy_n(model.values(parameter), parameter.size, model_.values(model_.parameters()[p]));
  }
  engine::prepare();
  plan_ = std::make_unique<engine::Plan>(model_, engine::PlanOptions{.compile = {.capacity = kRows, .training = false}, .counters = false});
}

void Probe::run(const Dataset& data, std::span<const std::uint32_t> examples, const Visit& visit) {
  onednn::use_one_thread();
  const auto size = static_cast<std::int64_t>(examples.size());
  plan_->reserve(std::min(kRows, size));
  plan_->reserve(size % kRows);
  engine::Shard& shard = plan_->shards()[0];
  for (std::int64_t first = 0; first < size; first += kRows) {
    const std::int64_t rows = std::min(kRows, size - first);
    plan_->begin(shard, first, rows, rows, 0);
    gather(data, examples.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows)), shard.inputs[0]);
    for (int step = 0; step < static_cast<int>(plan_->steps().size()); ++step) plan_->forward(shard, {.step = step});
    visit(first, rows, shard.outputs);
  }
}

}  // namespace undying::doctor
