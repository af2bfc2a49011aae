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
    pulls_ = pulls_ || rules_.back()->pulls();
  }
  if (!replaces) treatment_.record().left_out.clear();
  if (replaces) engine.watch(this);
}

KeepAliveLoop::~KeepAliveLoop() { engine_->watch(nullptr); }

void KeepAliveLoop::saw(int shard, const engine::StepCounters& counters) {
  std::vector<float>& seen = seen_[static_cast<std::size_t>(shard)];
  std::copy_n(counters.abs_output.data(), seen.size(), seen.data());
}

std::span<const float* const> KeepAliveLoop::gradients(const engine::Slice& slice) const {
  thread_local std::vector<std::vector<float>> added;  // a rule's
  thread_local std::vector<const float*> all;
  all.assign(slice.gradients.begin(), slice.gradients.end());
  added.resize(std::max(added.size(), rules_.size()));
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const auto size = static_cast<std::size_t>(slice.size);
    added[i].resize(std::max(added[i].size(), size));
    if (rules_[i]->gradient(slice, std::span(added[i]).first(size))) all.push_back(added[i].data());
  }
  return all;
}

optim::SliceNorms KeepAliveLoop::update(const engine::Slice& slice, const Optimizer& optimizer,
                                        const optim::UpdateArgs& args) {
  const optim::SliceNorms norms =
      pulls_ ? update_in_pieces(slice, optimizer, args) : optim::update(optimizer, args);
  for (const auto& rule : rules_) rule->updated(slice);
  return norms;
}

// So that what is added is still in the nearest cache when it is summed.
optim::SliceNorms KeepAliveLoop::update_in_pieces(const engine::Slice& slice,
                                                  const Optimizer& optimizer,
                                                  optim::UpdateArgs args) const {
  constexpr std::int64_t kPiece = 2048;
  thread_local std::vector<const float*> own;
  own.assign(slice.gradients.begin(), slice.gradients.end());
  optim::SliceNorms norms;
  for (std::int64_t done = 0; done < slice.size; done += kPiece) {
    const engine::Slice piece{slice.index, slice.parameter, slice.offset + done,
                              std::min(kPiece, slice.size - done), own};
    args.n = piece.size;
    args.gradients = gradients(piece);
    const optim::SliceNorms part = optim::update(optimizer, args);
    norms.gradient += part.gradient;
    norms.update += part.update;
    norms.weight += part.weight;
    args.weights += piece.size;
    for (float*& state : args.state) state += state == nullptr ? 0 : piece.size;
    for (const float*& gradient : own) gradient += piece.size;
  }
  return norms;
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
