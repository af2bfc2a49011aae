#include "train/keep_alive/keep_alive.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "undying/error.h"

namespace undying::train {
namespace {

void check(const Rule& rule, std::string_view name, Treatment& treatment,
           const TrainSettings& settings) {
  if (!rule.replaces()) return;
  const auto refuse = [&](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("keep alive {}", name), message);
  };
  if (!settings.health.counters)
    refuse("goes by what the counters see; expected them on (without --no-counters)");
  if (treatment.layers().empty())
    refuse(fmt::format("has no layer whose units it could replace ({})",
                       treatment.record().left_out.empty()
                           ? "there is no hidden layer"
                           : fmt::format("{}", fmt::join(treatment.record().left_out, "; "))));
}

}  // namespace

void check_keep_alive(const Graph& graph, const TrainSettings& settings) {
  engine::Model model(graph);
  engine::Engine engine(model, {.batch = 1});
  const KeepAliveLoop made(model, engine, {}, settings, {});  // says what is wrong
}

KeepAliveLoop::KeepAliveLoop(engine::Model& model, engine::Engine& engine,
                             std::span<Buffer<float>> moments, const TrainSettings& settings,
                             Treatment::Outputs outputs)
    : engine_(&engine),
      treatment_(model, engine, moments, settings, std::move(outputs)),
      seen_(static_cast<std::size_t>(engine.shards()),
            std::vector<float>(static_cast<std::size_t>(model.unit_size()))),
      abs_output_(static_cast<std::size_t>(model.unit_size())) {
  bool replaces = false;
  for (const KeepAlive::Rule& chosen : settings.keep_alive.rules) {
    const auto rows = rule_rows();
    const auto row = std::ranges::find(rows, chosen.name, &RuleRow::name);
    rules_.push_back(row->make(treatment_, chosen.values));
    check(*rules_.back(), chosen.name, treatment_, settings);
    replaces = replaces || rules_.back()->replaces();
  }
  if (!replaces) treatment_.record().left_out.clear();
  if (replaces) engine.watch(this);
}

KeepAliveLoop::~KeepAliveLoop() { engine_->watch(nullptr); }

void KeepAliveLoop::saw(int shard, const engine::StepCounters& counters) {
  std::vector<float>& seen = seen_[static_cast<std::size_t>(shard)];
  std::copy_n(counters.abs_output.data(), seen.size(), seen.data());
}

// One of them at most pulls: a rule is there once, and l2-init alone does.
optim::Pull KeepAliveLoop::pull(const engine::Slice& slice) const {
  for (const auto& rule : rules_)
    if (const optim::Pull found = rule->pull(slice); found.towards != nullptr) return found;
  return {};
}

void KeepAliveLoop::updated(const engine::Slice& slice) {
  for (const auto& rule : rules_) rule->updated(slice);
}

void KeepAliveLoop::end_step(std::int64_t step, std::int64_t examples) {
  std::ranges::fill(abs_output_, 0.0);
  for (const std::vector<float>& seen : seen_)
    for (std::size_t unit = 0; unit < seen.size(); ++unit)
      abs_output_[unit] += static_cast<double>(seen[unit]);
  engine::pool(treatment_.model().layers(), abs_output_.data(), std::plus<>());
  const StepView view{.step = step, .examples = examples, .abs_output = abs_output_};
  for (const auto& rule : rules_) rule->step(view, treatment_);
}

void KeepAliveLoop::each_state(Archive& archive) {
  treatment_.each_state(archive);
  for (const auto& rule : rules_)
    rule->each_state([&](const Rule::State& state) {
      std::visit([&](const auto& numbers) { archive.fixed(numbers); }, state);
    });
}

}  // namespace undying::train
