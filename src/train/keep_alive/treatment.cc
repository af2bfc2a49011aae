#include "train/keep_alive/treatment.h"

#include <algorithm>
#include <cmath>

#include "base/philox.h"
#include "engine/initializers.h"
#include "train/initialize.h"

namespace undying::train {
namespace {

using Role = ops::ParameterSpec::Role;

constexpr std::int64_t kMeasureEvery = 100;  // steps: what it costs stays below 1% of a step

// The sequence of draws of one unit at one step; of a whole parameter, in place of the layer and
// the unit.
Random draws_of(std::uint64_t seed, std::int64_t step, std::uint32_t layer, std::uint64_t unit) {
  const auto block = Random(seed, Stream::kKeepAlive, layer)
                         .block((static_cast<std::uint64_t>(step) << 24U) + unit);
  return {(static_cast<std::uint64_t>(block[1]) << 32U) | block[0], Stream::kKeepAlive, block[2]};
}

bool frozen(const engine::Model& model, const std::vector<engine::Span>& spans) {
  return std::ranges::any_of(
      spans, [&](const engine::Span& span) { return model.parameters()[span.parameter].frozen; });
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return largest;
}

}  // namespace

Treatment::Treatment(engine::Model& model, engine::Engine& engine, std::span<Buffer<float>> moments,
                     const TrainSettings& settings, Outputs outputs)
    : model_(&model),
      engine_(&engine),
      moments_(moments),
      settings_(&settings),
      outputs_(std::move(outputs)) {
  find_layers();
}

void Treatment::find_layers() {
  const auto& layers = model_->layers();
  for (int l = 0; l < static_cast<int>(layers.size()); ++l) {
    const engine::Layer& layer = layers[l];
    engine::Wiring wiring = engine::wiring_of(*model_, layer);
    std::string obstacle = engine::obstacle(*model_, wiring);
    if (obstacle.empty() && (frozen(*model_, engine::incoming(*model_, wiring, 0)) ||
                             frozen(*model_, engine::outgoing(*model_, wiring, 0))))
      obstacle = "tensors around it are frozen";
    if (!obstacle.empty())
      record_.left_out.push_back(layer.name + ": " + obstacle);
    else
      layers_.push_back({l, layer.units, layer.offset, layer.positions, std::move(wiring)});
  }
}

void Treatment::replace(std::int64_t step, std::size_t layer, std::span<const std::int64_t> units,
                        bool silent) {
  if (units.empty()) return;
  const TreatedLayer& treated = layers_[layer];
  const bool measured =
      last_measured_ < 0 || step == last_measured_ || step - last_measured_ >= kMeasureEvery;
  if (measured && (step != last_measured_ || before_.empty())) before_ = outputs_();
  for (const std::int64_t unit : units) renew(step, treated, unit);
  Replacement event{.step = step,
                    .layer = model_->layers()[treated.layer].name,
                    .units = {units.begin(), units.end()},
                    .silent = silent};
  if (measured) {
    std::vector<float> after = outputs_();
    event.output_change = largest_difference(before_, after);
    before_ = std::move(after);
    record_.output_change = std::max(record_.output_change, event.output_change);
    last_measured_ = step;
  }
  record_.replaced += static_cast<std::int64_t>(units.size());
  if (silent) record_.silent += static_cast<std::int64_t>(units.size());
  if (record_.events.size() == KeepAliveRecord::kMost) record_.events.erase(record_.events.begin());
  record_.events.push_back(std::move(event));
}

void Treatment::renew(std::int64_t step, const TreatedLayer& layer, std::int64_t unit) {
  engine::Model& model = *model_;
  const int node = layer.wiring.weight;
  for (const int reset_node : {node, layer.wiring.norm, model.layers()[layer.layer].node})
    if (reset_node >= 0) reset(reset_node, unit);
  const engine::Parameter& weight =
      model.parameters()[engine::parameter_of(model, node, Role::kWeight)];
  const std::int64_t fan_in = weight.size / weight.shape[0];
  const int bias = engine::parameter_of(model, node, Role::kBias);
  engine::initialize_row(
      settings_->initializer, model.activation_behind(node).gain(), fan_in, weight.shape[0],
      draws_of(settings_->seed, step, static_cast<std::uint32_t>(layer.layer),
               static_cast<std::uint64_t>(unit)),
      {model.values(weight) + unit * fan_in, static_cast<std::size_t>(fan_in)},
      bias < 0 ? std::span<float>()
               : std::span<float>(model.values(model.parameters()[bias]) + unit, 1));
  for (const engine::Span& span : engine::outgoing(model, layer.wiring, unit)) {
    float* values = model.values(model.parameters()[span.parameter]);
    for (std::int64_t i = 0; i < span.count; ++i) {
      std::fill_n(values + span.first + i * span.stride, span.size, 0.0f);
      forget(span.parameter, span.first + i * span.stride, span.size);
    }
  }
}

// What a node owns one of for each unit, or a row: as it was at first, but for weights, which are
// drawn.
void Treatment::reset(int node, std::int64_t unit) {
  for (const int index : model_->parameters_of(node)) {
    const engine::Parameter& parameter = model_->parameters()[index];
    if (parameter.frozen) continue;
    if (parameter.role == Role::kSlope && parameter.size == 1) continue;  // of the whole layer
    const std::int64_t row = parameter.size / parameter.shape[0];
    std::fill_n(model_->values(parameter) + unit * row, row, parameter.initial);
    if (parameter.trained) forget(index, unit * row, row);
  }
}

void Treatment::forget(int parameter, std::int64_t first, std::int64_t count) {
  for (Buffer<float>& moment : moments_)
    if (moment.size() > 0)
      std::fill_n(moment.data() + model_->parameters()[parameter].offset + first, count, 0.0f);
}

void Treatment::perturb(std::int64_t step, double shrink, double perturb) {
  const auto drawn = draws_of(settings_->seed, step, ~0U, 0).block(0);
  if (fresh_ == nullptr) fresh_ = std::make_unique<engine::Model>(model_->graph());
  initialize(*fresh_, settings_->initializer,
             (static_cast<std::uint64_t>(drawn[1]) << 32U) | drawn[0]);
  for (const engine::Parameter& parameter : model_->parameters()) {
    const bool weighs = parameter.role == Role::kWeight || parameter.role == Role::kBias;
    if (!parameter.trained || parameter.frozen || !weighs) continue;
    float* values = model_->values(parameter);
    const float* fresh = fresh_->values(parameter);
    for (std::int64_t i = 0; i < parameter.size; ++i)
      values[i] = static_cast<float>(shrink * static_cast<double>(values[i]) +
                                     perturb * static_cast<double>(fresh[i]));
  }
  engine_->derive();
  ++record_.perturbed;
  before_.clear();
}

void Treatment::each_state(Archive& archive) {
  archive(record_.left_out);
  archive(record_.replaced);
  archive(record_.silent);
  archive.each(record_.events, [&](Replacement& event) {
    archive(event.step);
    archive(event.layer);
    archive(event.units);
    archive(event.silent);
    archive(event.output_change);
  });
  archive(record_.output_change);
  archive(record_.perturbed);
  archive(last_measured_);
}

}  // namespace undying::train
