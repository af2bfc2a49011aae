// The public face of training: checks settings, network and data against each other, and hands the
// work to train::Fit (train/fit.cc) and train::State.

#include "undying/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "data/array/fits.h"
#include "data/image/augment.h"
#include "engine/engine.h"
#include "health/recorder.h"
#include "onednn/convolution.h"
#include "optim/update.h"
#include "train/fit.h"
#include "train/initialize.h"
#include "train/metrics.h"
#include "train/table_numbers.h"
#include "undying/error.h"

namespace undying {
namespace {

[[noreturn]] void refuse(const std::string& setting, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, setting, message);
}

void check_settings(const TrainSettings& settings) {
  optim::validate(settings.optimizer);
  if (settings.batch < 1)
    refuse("batch", "is " + std::to_string(settings.batch) + "; expected at least 1");
  if (settings.epochs < 1)
    refuse("epochs", "is " + std::to_string(settings.epochs) + "; expected at least 1");
  if (settings.max_steps < 0)
    refuse("steps", "is " + std::to_string(settings.max_steps) + "; expected 0 (no limit) or more");
  if (settings.threads < 0 || settings.threads > 1024)
    refuse("threads",
           "is " + std::to_string(settings.threads) + "; expected 1..1024, or 0 for one per core");
  if (settings.shards < 0 || settings.shards > 1024)
    refuse("shards", "is " + std::to_string(settings.shards) +
                         "; expected 1..1024, or 0 for as many as threads");
  if (!(settings.label_smoothing >= 0.0 && settings.label_smoothing < 1.0))
    refuse("label smoothing",
           "is " + std::to_string(settings.label_smoothing) + "; expected 0 <= s < 1");
  if (!(settings.huber_delta > 0.0))
    refuse("Huber delta", "is " + std::to_string(settings.huber_delta) + "; expected above 0");
  if (settings.precision == Precision::kBfloat16 && !onednn::has_bfloat16())
    refuse("precision",
           "is bf16, but this CPU has neither AVX512_BF16 nor AMX; expected float32 here");
  const Augmentation& augmentation = settings.augmentation;
  if (augmentation.crop < 0)
    refuse("augmentation",
           "crops " + std::to_string(augmentation.crop) + " pixels; expected 0 (off) or more");
  if (augmentation.cutout < 0)
    refuse("augmentation",
           "cuts out " + std::to_string(augmentation.cutout) + " pixels; expected 0 (off) or more");
  if (settings.early_stop < 0)
    refuse("early stop",
           "is " + std::to_string(settings.early_stop) + "; expected 0 (off) or more epochs");
  if (settings.class_weights != ClassWeights::kNone && kind(settings.loss) == LossKind::kValues)
    refuse("class weights",
           "are of cross-entropy and bce; the loss is " + std::string(name(settings.loss)));
  if (!(settings.clip_norm >= 0.0))
    refuse("clip norm", "is " + std::to_string(settings.clip_norm) + "; expected 0 (off) or more");
}

// Multiply-adds of a step, a thread, beyond which it is long: half a second and more.
constexpr double kLongStep = 2e10;

engine::EngineOptions engine_options(const Graph& graph, const TrainSettings& settings) {
  const int threads = settings.threads > 0
                          ? settings.threads
                          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int shards = static_cast<int>(
      std::min<std::int64_t>(settings.shards > 0 ? settings.shards : threads, settings.batch));
  const double work = 3.0 * multiply_adds(graph) * static_cast<double>(settings.batch);
  return {
      .batch = settings.batch,
      .shards = shards,
      .threads = threads,
      .counters = settings.health.counters,
      .seed = settings.seed,
      .early_updates = settings.clip_norm == 0.0,
      .precision = settings.precision,
      .long_steps = work / std::min(threads, shards) > kLongStep,
      .loss = {settings.loss, settings.label_smoothing, settings.huber_delta, settings.outputs}};
}

engine::Model make_model(Graph graph, const std::vector<std::string>& frozen) {
  engine::Model model(std::move(graph));
  model.freeze(frozen);
  return model;
}

}  // namespace

Trainer::Trainer(Graph graph, TrainSettings settings) {
  check_settings(settings);
  const engine::EngineOptions options = engine_options(graph, settings);
  state_ = std::make_unique<train::State>(std::move(graph), std::move(settings), options);
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

train::State::State(Graph graph, TrainSettings chosen, const engine::EngineOptions& options)
    : settings(std::move(chosen)),
      model(make_model(std::move(graph), settings.frozen)),
      engine(model, options) {
  train::initialize(model, settings.initializer,
                    settings.init_seed > 0 ? settings.init_seed : settings.seed);
  for (int i = 0; i < optim::state_count(settings.optimizer); ++i)
    moments[i] = Buffer<float>(static_cast<std::size_t>(model.trained_size()));
}

void train::State::check_fit(const Dataset& data) const {
  const Graph& graph = model.graph();
  const std::int64_t outputs = ops::element_count(graph.output_shape());
  if (data.size < 1) refuse("data " + data.name, "has no examples");
  data::check_shape(data, graph.input_shape());
  check_table_numbers(graph, data);
  const bool probabilities = kind(settings.loss) == LossKind::kProbabilities;
  if (probabilities) data::check_probabilities(data);
  if (!settings.outputs.empty()) return check_parts(data);
  const bool binary = probabilities && outputs == 1 && data.classes == 2;
  if (!binary) data::check_outputs(data, outputs);
  if (data.classes == 0 && kind(settings.loss) == LossKind::kClasses)
    refuse("loss " + std::string(name(settings.loss)),
           "needs classes, but " + data.name + " has values as targets; choose mse or huber");
  if (data.classes == 0 && settings.class_weights != ClassWeights::kNone)
    refuse("class weights", "need classes, but " + data.name + " has values as targets");
  if (settings.metric) check_metric(*settings.metric, data);
}

// Several outputs, whose targets stand side by side.
void train::State::check_parts(const Dataset& data) const {
  const ops::LossOptions options{.outputs = settings.outputs};
  if (settings.metric.value_or(Metric::kLoss) != Metric::kLoss)
    refuse("metric",
           std::string(name(*settings.metric)) +
               " is of one output; choose it with --output NAME, or leave the sum of the losses");
  if (settings.class_weights != ClassWeights::kNone)
    refuse("class weights", "are of one output; choose it with --output NAME");
  if (data.outputs != options.columns() || data.classes > 0)
    refuse("data " + data.name, "has targets of " + std::to_string(data.outputs) +
                                    " values; the outputs that are asked for need " +
                                    std::to_string(options.columns()));
}

Run Trainer::fit(const Dataset& train, const Dataset& test, const Observer& observer,
                 std::stop_token stop, const Dataset* validation) {
  check(train);
  if (state_->settings.evaluate) state_->check_fit(test);
  if ((state_->settings.early_stop > 0) != (validation != nullptr))
    refuse("early stop", validation == nullptr ? "needs validation rows to watch; none were given"
                                               : "is off; expected no validation rows then");
  if (validation != nullptr) state_->check_fit(*validation);
  return train::Fit(*state_, train, test, observer, std::move(stop), validation).run();
}

void Trainer::keep(const Checkpoint& checkpoint) {
  if (!checkpoint.file.empty() && checkpoint.every < 1)
    refuse("checkpoint",
           "is kept every " + std::to_string(checkpoint.every) + " steps; expected at least 1");
  state_->checkpoint = checkpoint;
}

Run Trainer::fit(const DataStream& stream, const Observer& observer, std::stop_token stop) {
  const TrainSettings& settings = state_->settings;
  if (settings.early_stop > 0)
    refuse("early stop",
           "has no validation rows on a stream, which is never seen twice; expected 0");
  if (settings.class_weights != ClassWeights::kNone)
    refuse("class weights",
           "are of a data set that is known as a whole; expected none on a stream");
  if (settings.metric && *settings.metric != Metric::kLoss && *settings.metric != Metric::kAccuracy)
    refuse("metric", std::string(name(*settings.metric)) +
                         " is not kept online; expected accuracy or loss on a stream");
  check(*stream.read(0));
  return train::Fit(*state_, stream, observer, std::move(stop)).run();
}

std::int64_t steps_taken(const Run& run) { return run.steps.empty() ? 0 : run.steps.back().step; }

double score_of(const Run& run, Metric metric) {
  return metric == Metric::kAccuracy ? run.test_accuracy
         : metric == Metric::kLoss   ? run.test_loss
                                     : run.test_score;
}

double score_of(const EpochRecord& epoch, Metric metric) {
  return metric == Metric::kAccuracy ? epoch.test_accuracy
         : metric == Metric::kLoss   ? epoch.test_loss
                                     : epoch.test_score;
}

const EpochRecord& kept_epoch(const Run& run) {
  return run.best_epoch > 0 ? run.epochs[run.best_epoch - 1] : run.epochs.back();
}

void Trainer::check(const Dataset& data) const {
  state_->check_fit(data);
  data::check_augmentation(state_->settings.augmentation, data);
  state_->engine.training_plan();  // throws where it cannot be trained
}

Trainer::Score Trainer::evaluate(const Dataset& data) {
  state_->check_fit(data);
  return state_->score(data);
}

// The loss and the accuracy are the engine's own sums; other metrics need the outputs.
Trainer::Score train::State::score(const Dataset& data) {
  const Metric metric = metric_of(data, settings);
  const bool of_sums = metric == Metric::kAccuracy || metric == Metric::kLoss;
  std::vector<float> found;
  const ops::LossSums sums = evaluate(data, of_sums ? nullptr : &found);
  const auto n = static_cast<double>(data.size);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Trainer::Score score{sums.loss / n * data.loss_unit(),
                       data.classes > 0 ? static_cast<double>(sums.correct) / n : nan};
  score.score = metric == Metric::kAccuracy ? score.accuracy
                : metric == Metric::kLoss   ? score.loss
                                            : nan;
  if (of_sums || !std::isfinite(score.loss)) return score;
  const Predictions predictions = answers_of(data, std::move(found));
  score.score = train::Scorer(predictions, data).score(metric);
  return score;
}

void train::to_units(const Dataset& data, std::vector<float>& outputs) {
  for (std::size_t i = 0; i < outputs.size() && !data.target_mean.empty(); ++i)
    outputs[i] = outputs[i] * data.target_deviation + data.target_mean[i % data.target_mean.size()];
}

ops::LossSums train::State::evaluate(const Dataset& data, std::vector<float>* outputs) {
  const auto order = train::identity_order(data.size);
  if (outputs != nullptr)
    outputs->resize(
        static_cast<std::size_t>(data.size * ops::element_count(model.graph().output_shape())));
  return engine.evaluate(train::DatasetSource(data, order), data.size,
                         outputs == nullptr ? nullptr : outputs->data());
}

Predictions train::State::answers_of(const Dataset& data, std::vector<float> outputs) const {
  train::to_units(data, outputs);
  return train::answers(model.graph(), std::move(outputs), data.size,
                        std::vector<std::string>(static_cast<std::size_t>(data.classes)));
}

std::vector<float> Trainer::example_scores(const Dataset& data, std::int64_t most) {
  state_->check_fit(data);
  const std::int64_t rows = std::min(data.size, most);
  std::vector<std::uint32_t> order(static_cast<std::size_t>(rows));
  for (std::int64_t i = 0; i < rows; ++i)
    order[i] = static_cast<std::uint32_t>(i * data.size / rows);
  const Metric metric = metric_of(data, state_->settings);
  if (metric != Metric::kAccuracy && metric != Metric::kLoss) {
    std::vector<float> found;
    state_->evaluate(data, &found);
    const Predictions predictions = state_->answers_of(data, std::move(found));
    return train::Scorer(predictions, data).parts(metric, order);
  }
  const std::int64_t width = ops::element_count(graph().output_shape());
  std::vector<float> outputs(static_cast<std::size_t>(rows * width));
  state_->engine.evaluate(train::DatasetSource(data, order), rows, outputs.data());
  const TrainSettings& settings = state_->settings;
  const ops::LossOptions options{settings.loss, settings.label_smoothing, settings.huber_delta,
                                 settings.outputs};
  const std::int64_t columns = settings.outputs.empty() ? width : options.columns();
  std::vector<float> scores;
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t row = order[i];
    const ops::LossSums sums = ops::compute_loss(
        options, {.rows = 1,
                  .width = width,
                  .outputs = outputs.data() + i * width,
                  .labels = data.classes > 0 ? data.labels.data() + row : nullptr,
                  .targets = data.classes > 0 ? nullptr : data.targets.data() + row * columns});
    scores.push_back(
        static_cast<float>(data.classes > 0 ? static_cast<double>(sums.correct) : sums.loss));
  }
  return scores;
}

std::vector<float> Trainer::predict(const Dataset& data) {
  state_->check_fit(data);
  std::vector<float> outputs;
  state_->evaluate(data, &outputs);
  train::to_units(data, outputs);
  return outputs;
}

std::vector<Tensor> Trainer::tensors() const {
  std::vector<Tensor> tensors;
  for (const engine::Parameter& parameter : state_->model.parameters()) {
    const float* values = state_->model.values(parameter);
    tensors.push_back(
        {parameter.name, parameter.shape, std::vector<float>(values, values + parameter.size)});
  }
  return tensors;
}

namespace {

// Of each parameter, the tensor of its name; null: none. Throws where a tensor has no parameter, or
// another shape.
std::vector<const Tensor*> by_parameter(const std::vector<engine::Parameter>& parameters,
                                        const std::vector<Tensor>& tensors) {
  std::vector<const Tensor*> found(parameters.size(), nullptr);
  for (const Tensor& tensor : tensors) {
    const auto at = std::find_if(parameters.begin(), parameters.end(), [&](const auto& parameter) {
      return parameter.name == tensor.name;
    });
    if (at == parameters.end())
      throw Error(ErrorCode::kBadData, "tensor " + tensor.name,
                  "the model has no parameter of this name");
    if (at->shape != tensor.shape)
      throw Error(ErrorCode::kBadData, "tensor " + tensor.name,
                  "has shape " + ops::to_string(tensor.shape) + "; the model expects " +
                      ops::to_string(at->shape));
    found[at - parameters.begin()] = &tensor;
  }
  return found;
}

}  // namespace

void Trainer::load(const std::vector<Tensor>& tensors) {
  const auto& parameters = state_->model.parameters();
  const std::vector<const Tensor*> found = by_parameter(parameters, tensors);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (found[i] == nullptr)
      throw Error(ErrorCode::kBadData, "tensor " + parameters[i].name,
                  "is missing; the model needs it");
  set(tensors);
}

void Trainer::set(const std::vector<Tensor>& tensors) {
  const auto& parameters = state_->model.parameters();
  const std::vector<const Tensor*> found = by_parameter(parameters, tensors);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (found[i] != nullptr)
      std::ranges::copy(found[i]->values, state_->model.values(parameters[i]));
  state_->engine.derive();
  state_->statistics_loaded =
      std::ranges::any_of(parameters, [&](const engine::Parameter& parameter) {
        using Role = ops::ParameterSpec::Role;
        if (parameter.role != Role::kRunningMean && parameter.role != Role::kRunningVariance)
          return false;
        const float fresh = parameter.role == Role::kRunningMean ? 0.0f : 1.0f;
        const float* values = state_->model.values(parameter);
        return std::any_of(values, values + parameter.size,
                           [&](float value) { return value != fresh; });
      });
}

}  // namespace undying
