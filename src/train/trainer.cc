#include "undying/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "data/augment.h"
#include "data/fits.h"
#include "engine/engine.h"
#include "health/recorder.h"
#include "onednn/convolution.h"
#include "optim/update.h"
#include "train/fit.h"
#include "train/table_numbers.h"
#include "undying/error.h"

namespace undying {
namespace {

[[noreturn]] void fail(const std::string& setting, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, setting, message);
}

void check_settings(const TrainSettings& settings) {
  optim::validate(settings.optimizer);
  if (settings.batch < 1) fail("batch", "is " + std::to_string(settings.batch) + "; expected at least 1");
  if (settings.epochs < 1) fail("epochs", "is " + std::to_string(settings.epochs) + "; expected at least 1");
  if (settings.max_steps < 0) fail("steps", "is " + std::to_string(settings.max_steps) + "; expected 0 (no limit) or more");
  if (settings.threads < 0 || settings.threads > 1024)
    fail("threads", "is " + std::to_string(settings.threads) + "; expected 1..1024, or 0 for one per core");
  if (settings.shards < 0 || settings.shards > 1024)
    fail("shards", "is " + std::to_string(settings.shards) + "; expected 1..1024, or 0 for as many as threads");
  if (!(settings.label_smoothing >= 0.0 && settings.label_smoothing < 1.0))
    fail("label smoothing", "is " + std::to_string(settings.label_smoothing) + "; expected 0 <= s < 1");
  if (!(settings.huber_delta > 0.0)) fail("Huber delta", "is " + std::to_string(settings.huber_delta) + "; expected above 0");
  if (settings.precision == Precision::kBfloat16 && !onednn::has_bfloat16())
    fail("precision", "is bf16, but this CPU has neither AVX512_BF16 nor AMX; expected float32 here");
  const Augmentation& augmentation = settings.augmentation;
  if (augmentation.crop < 0) fail("augmentation", "crops " + std::to_string(augmentation.crop) + " pixels; expected 0 (off) or more");
  if (augmentation.cutout < 0)
    fail("augmentation", "cuts out " + std::to_string(augmentation.cutout) + " pixels; expected 0 (off) or more");
  if (!(settings.clip_norm >= 0.0)) fail("clip norm", "is " + std::to_string(settings.clip_norm) + "; expected 0 (off) or more");
}

engine::EngineOptions engine_options(const TrainSettings& settings) {
  const int threads = settings.threads > 0 ? settings.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int shards = static_cast<int>(std::min<std::int64_t>(settings.shards > 0 ? settings.shards : threads, settings.batch));
  return {.batch = settings.batch,
          .shards = shards,
          .threads = threads,
          .counters = settings.health.counters,
          .seed = settings.seed,
          .early_updates = settings.clip_norm == 0.0,
          .precision = settings.precision,
          .loss = {settings.loss, settings.label_smoothing, settings.huber_delta}};
}

}  // namespace

Trainer::Trainer(Graph graph, TrainSettings settings) {
  check_settings(settings);
  state_ = std::make_unique<train::State>(std::move(graph), settings, engine_options(settings));
}

Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer& Trainer::operator=(Trainer&&) noexcept = default;

const Graph& Trainer::graph() const { return state_->model.graph(); }
PlanSummary Trainer::plan() const {
  PlanSummary summary = state_->engine.training_plan().summary();
  summary.parameter_bytes = static_cast<std::int64_t>(sizeof(float)) * state_->model.trained_size();
  return summary;
}

const TrainSettings& Trainer::settings() const { return state_->settings; }

train::State::State(Graph graph, const TrainSettings& chosen, const engine::EngineOptions& options)
    : settings(chosen), model(std::move(graph)), engine(model, options) {
  train::initialize(model, settings.initializer, settings.init_seed > 0 ? settings.init_seed : settings.seed);
  for (int i = 0; i < optim::state_count(settings.optimizer); ++i)
    moments[i] = Buffer<float>(static_cast<std::size_t>(model.trained_size()));
}

void train::State::check_fit(const Dataset& data) const {
  const Graph& graph = model.graph();
  const std::int64_t outputs = ops::element_count(graph.output_shape());
  if (data.size < 1) fail("data " + data.name, "has no examples");
  data::check_shape(data, graph.input_shape());
  check_table_numbers(graph, data);
  if (settings.loss == Loss::kBinaryCrossEntropy) data::check_probabilities(data);
  const bool binary = settings.loss == Loss::kBinaryCrossEntropy && outputs == 1 && data.classes == 2;
  const std::int64_t wanted = data.classes > 0 ? data.classes : data.outputs;
  if (wanted != outputs && !binary)
    fail("data " + data.name,
         (data.classes > 0 ? "has " + std::to_string(wanted) + " classes" : "has targets of " + std::to_string(wanted) + " values") +
             "; the model has " + std::to_string(outputs) + (outputs == 1 ? " output" : " outputs") +
             (outputs == 1 && data.classes == 2 ? "; with --loss bce one output tells two classes apart" : ""));
  if (data.classes == 0 && settings.loss == Loss::kSoftmaxCrossEntropy)
    fail("loss cross-entropy", "needs classes, but " + data.name + " has values as targets; choose mse or huber");
}

Run Trainer::fit(const Dataset& train, const Dataset& test, const Observer& observer, std::stop_token stop) {
  check(train);
  if (state_->settings.evaluate) state_->check_fit(test);
  return train::Fit(*state_, train, test, observer, std::move(stop)).run();
}

void Trainer::check(const Dataset& data) const {
  state_->check_fit(data);
  data::check_augmentation(state_->settings.augmentation, data);
}

Trainer::Score Trainer::evaluate(const Dataset& data) {
  state_->check_fit(data);
  return state_->score(data);
}

Trainer::Score train::State::score(const Dataset& data) {
  const auto order = train::identity_order(data.size);
  const ops::LossSums sums = engine.evaluate(train::DatasetSource(data, order), data.size);
  const auto n = static_cast<double>(data.size);
  return {sums.loss / n * data.loss_unit(),
          data.classes > 0 ? static_cast<double>(sums.correct) / n : std::numeric_limits<double>::quiet_NaN()};
}

std::vector<float> Trainer::example_scores(const Dataset& data, std::int64_t most) {
  state_->check_fit(data);
  const std::int64_t rows = std::min(data.size, most);
  std::vector<std::uint32_t> order(static_cast<std::size_t>(rows));
  for (std::int64_t i = 0; i < rows; ++i) order[static_cast<std::size_t>(i)] = static_cast<std::uint32_t>(i * data.size / rows);
  const std::int64_t width = ops::element_count(graph().output_shape());
  std::vector<float> outputs(static_cast<std::size_t>(rows * width));
  state_->engine.evaluate(train::DatasetSource(data, order), rows, outputs.data());
  const TrainSettings& settings = state_->settings;
  const ops::LossOptions options{settings.loss, settings.label_smoothing, settings.huber_delta};
  std::vector<float> scores;
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t row = order[static_cast<std::size_t>(i)];
    const ops::LossSums sums = ops::compute_loss(options, {.rows = 1,
                                                           .width = width,
                                                           .outputs = outputs.data() + i * width,
                                                           .labels = data.classes > 0 ? data.labels.data() + row : nullptr,
                                                           .targets = data.classes > 0 ? nullptr : data.targets.data() + row * width});
    scores.push_back(static_cast<float>(data.classes > 0 ? static_cast<double>(sums.correct) : sums.loss));
  }
  return scores;
}

std::vector<float> Trainer::predict(const Dataset& data) {
  state_->check_fit(data);
  const auto order = train::identity_order(data.size);
  std::vector<float> outputs(static_cast<std::size_t>(data.size * ops::element_count(graph().output_shape())));
  state_->engine.evaluate(train::DatasetSource(data, order), data.size, outputs.data());
  for (std::size_t i = 0; i < outputs.size() && !data.target_mean.empty(); ++i)
    outputs[i] = outputs[i] * data.target_deviation + data.target_mean[i % data.target_mean.size()];
  return outputs;
}

std::vector<Tensor> Trainer::tensors() const {
  std::vector<Tensor> tensors;
  for (const engine::Parameter& parameter : state_->model.parameters()) {
    const float* values = state_->model.values(parameter);
    tensors.push_back({parameter.name, parameter.shape, std::vector<float>(values, values + parameter.size)});
  }
  return tensors;
}

void Trainer::load(const std::vector<Tensor>& tensors) {
  const auto& parameters = state_->model.parameters();
  std::vector<const Tensor*> found(parameters.size(), nullptr);
  for (const Tensor& tensor : tensors) {
    const auto at =
        std::find_if(parameters.begin(), parameters.end(), [&](const auto& parameter) { return parameter.name == tensor.name; });
    if (at == parameters.end()) throw Error(ErrorCode::kBadData, "tensor " + tensor.name, "the model has no parameter of this name");
    if (at->shape != tensor.shape)
      throw Error(ErrorCode::kBadData, "tensor " + tensor.name,
                  "has shape " + ops::to_string(tensor.shape) + "; the model expects " + ops::to_string(at->shape));
    found[static_cast<std::size_t>(at - parameters.begin())] = &tensor;
  }
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (found[i] == nullptr) throw Error(ErrorCode::kBadData, "tensor " + parameters[i].name, "is missing; the model needs it");
  for (std::size_t i = 0; i < parameters.size(); ++i)
    std::copy(found[i]->values.begin(), found[i]->values.end(), state_->model.values(parameters[i]));
  state_->statistics_loaded = std::ranges::any_of(parameters, [&](const engine::Parameter& parameter) {
    using Role = ops::ParameterSpec::Role;
    if (parameter.role != Role::kRunningMean && parameter.role != Role::kRunningVariance) return false;
    const float fresh = parameter.role == Role::kRunningMean ? 0.0f : 1.0f;
    const float* values = state_->model.values(parameter);
    return std::any_of(values, values + parameter.size, [&](float value) { return value != fresh; });
  });
}

}  // namespace undying
