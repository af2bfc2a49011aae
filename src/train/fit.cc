#include "train/fit.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/stop.h"
#include "engine/initializers.h"
#include "undying/evaluation.h"

namespace undying::train {

using Role = ops::ParameterSpec::Role;

namespace {

// What multiplies a value begins as 1, what is added along one dimension as 0.
bool is_multiplied(const Graph& graph, int node) {
  return std::ranges::any_of(graph.nodes(), [&](const Node& user) {
    const ops::Arithmetic arithmetic = ops::traits_of(user).arithmetic;
    const bool multiplies =
        arithmetic == ops::Arithmetic::kMultiply || arithmetic == ops::Arithmetic::kDivide;
    return multiplies && std::ranges::find(user.inputs, node) != user.inputs.end();
  });
}

// Weights that no sum over inputs reads: rows of a table, N(0, 1); parameters that values meet one
// by one, 1 where they multiply, 0 where they are one bias a unit, else (places in a sequence,
// tokens) N(0, 0.02^2). Returns whether it was one.
bool draw_apart(const engine::Model& model, const engine::Parameter& parameter,
                std::span<float> values, const Random& random) {
  const ops::Kind kind = ops::traits_of(model.graph().nodes()[parameter.node]).kind;
  const bool table = kind == ops::Kind::kTable;
  if (!table && kind != ops::Kind::kTensor) return false;
  const bool scale = !table && is_multiplied(model.graph(), parameter.node);
  const bool bias = !table && std::ranges::count_if(parameter.shape, [](std::int64_t extent) {
                                return extent > 1;
                              }) <= 1;
  if (scale || bias) {
    std::ranges::fill(values, scale ? 1.0f : 0.0f);
    return true;
  }
  std::vector<double> draws(values.size());
  random.normals(0, draws);
  for (std::size_t i = 0; i < draws.size(); ++i)
    values[i] = static_cast<float>((table ? 1.0 : 0.02) * draws[i]);
  return true;
}

}  // namespace

void initialize(engine::Model& model, Initializer initializer, std::uint64_t seed) {
  std::uint32_t drawn = 0;
  for (const engine::Parameter& parameter : model.parameters()) {
    if (parameter.role != Role::kWeight || parameter.frozen) continue;
    const std::span<float> values(model.values(parameter),
                                  static_cast<std::size_t>(parameter.size));
    if (draw_apart(model, parameter, values, Random(seed, Stream::kInitialDraw, drawn))) {
      ++drawn;
      continue;
    }
    const std::int64_t fan_out = parameter.shape[0];
    const std::int64_t fan_in = parameter.size / fan_out;
    std::span<float> bias;
    for (const int index : model.parameters_of(parameter.node)) {
      const engine::Parameter& other = model.parameters()[index];
      // Of a transposed convolution, whose weight is (inputs, outputs, ...), the rows drawn have no
      // bias each.
      if (other.role == Role::kBias && other.size == fan_out)
        bias = {model.values(other), static_cast<std::size_t>(other.size)};
    }
    engine::initialize_linear(initializer, model.activation_behind(parameter.node).gain(), fan_in,
                              fan_out, Random(seed, Stream::kInitialDraw, drawn++), values, bias);
  }
}

namespace {

// n / (K n_k), as scikit-learn's "balanced": K classes occur.
std::vector<float> balanced_weights(const Dataset& data) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(data.classes));
  for (const std::int32_t label : data.labels) ++counts[label];
  const auto classes = static_cast<double>(
      std::ranges::count_if(counts, [](std::int64_t count) { return count > 0; }));
  std::vector<float> weights;
  for (const std::int64_t count : counts)
    weights.push_back(count == 0 ? 0.0f
                                 : static_cast<float>(static_cast<double>(data.size) /
                                                      (classes * static_cast<double>(count))));
  return weights;
}

}  // namespace

// The norm of the whole gradient, before it is used.
engine::SlicePass Fit::clip_pass() {
  return {.apply =
              [this](const engine::Slice& slice) {
                slice_squares_[slice.index] =
                    optim::gradient_square_sum(slice.size, slice.gradients);
              },
          .finish =
              [this] {
                double sum = 0.0;
                for (const double square : slice_squares_) sum += square;
                gradient_scale_ = std::min(1.0, settings_.clip_norm / (std::sqrt(sum) + 1e-6));
              }};
}

Fit::Fit(State& state, const Dataset& train, const Dataset& test, const Observer& observer,
         std::stop_token stop, const Dataset* validation)
    : state_(state),
      settings_(state.settings),
      train_(train),
      test_(test),
      validation_(validation),
      observer_(observer),
      stop_(std::move(stop)),
      order_(identity_order(train.size)),
      identity_(settings_.health.census ? order_ : std::vector<std::uint32_t>()),
      class_weights_(settings_.class_weights == ClassWeights::kBalanced ? balanced_weights(train)
                                                                        : std::vector<float>()),
      source_(train, order_),
      draws_(settings_.seed, Stream::kAugmentation),
      recorder_(state.model, settings_.health, train.name, train.size,
                {settings_.augmentation.any(), settings_.precision}),
      slice_squares_(state.engine.slices().size()),
      slice_norms_(state.engine.slices().size()),
      norms_(state.model.parameters().size()) {
  const std::int64_t steps_per_epoch = (train.size + settings_.batch - 1) / settings_.batch;
  total_steps_ = settings_.epochs * steps_per_epoch;
  if (settings_.max_steps > 0) total_steps_ = std::min(total_steps_, settings_.max_steps);
  learning_rate_factor(settings_.schedule, 0,
                       total_steps_);  // throws on a schedule that does not fit the run
  run_.steps.reserve(static_cast<std::size_t>(std::min<std::int64_t>(total_steps_, 1 << 16)));
  run_.threads = state.engine.threads();
  run_.shards = state.engine.shards();
  if (settings_.clip_norm > 0.0) passes_.push_back(clip_pass());
  passes_.push_back({.apply = [this](const engine::Slice& slice) { update(slice); }, .finish = {}});
}

bool Fit::done() const {
  return stopped_ || run_.status != RunStatus::kFinished ||
         static_cast<std::int64_t>(run_.steps.size()) >= total_steps_;
}

// Work that a stop request ends, and the run with it.
template <class Work>
void Fit::try_to(const Work& work) {
  if (!unless_stopped(work)) run_.status = RunStatus::kInterrupted;
}

Run Fit::run() {
  const Stoppable stoppable(stop_);
  state_.engine.take_activity();  // of a run that threw
  if (settings_.health.census) take_first_census();
  for (std::int64_t epoch = 1; epoch <= settings_.epochs && !done(); ++epoch) run_epoch(epoch);
  if (best_ && run_.status == RunStatus::kFinished)
    restore();
  else
    recorder_.end(state_.engine.take_activity());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const EpochRecord end =
      run_.epochs.empty() ? EpochRecord{.test_loss = nan, .test_accuracy = nan} : kept_epoch(run_);
  run_.test_loss = end.test_loss;
  run_.test_accuracy = end.test_accuracy;
  run_.test_score = end.test_score;
  run_.ledger = recorder_.ledger();
  return std::move(run_);
}

void Fit::run_epoch(std::int64_t epoch) {
  if (settings_.shuffle) shuffle(settings_.seed, epoch, order_);
  draws_ = Random(settings_.seed, Stream::kAugmentation, static_cast<std::uint32_t>(epoch));
  const auto steps_before = static_cast<std::int64_t>(run_.steps.size());
  for (std::int64_t first = 0; first < train_.size && !done(); first += settings_.batch) {
    run_step(first, std::min(settings_.batch, train_.size - first));
    if (stop_.stop_requested() && !done()) run_.status = RunStatus::kInterrupted;
  }
  if (static_cast<std::int64_t>(run_.steps.size()) > steps_before)
    finish_epoch(epoch, steps_before);
  if (stop_.stop_requested() && !done()) run_.status = RunStatus::kInterrupted;
}

// The engine's step on rows first, first + 1, ... of this epoch; returns the loss.
double Fit::step(std::int64_t first, std::int64_t rows) {
  const auto order =
      std::span<const std::uint32_t>(order_).subspan(static_cast<std::size_t>(first));
  const auto run = [&](const engine::BatchSource& batch) {
    return state_.engine.step(batch, rows, static_cast<std::uint64_t>(state_.steps_taken), passes_);
  };
  if (settings_.augmentation.any())
    return run(AugmentedSource(train_, order, class_weights_, settings_.augmentation, draws_));
  return run(DatasetSource(train_, order, class_weights_));
}

void Fit::run_step(std::int64_t first, std::int64_t rows) {
  const auto start = std::chrono::steady_clock::now();
  const auto index = static_cast<std::int64_t>(run_.steps.size());
  learning_rate_ = undying::learning_rate(settings_.optimizer) *
                   learning_rate_factor(settings_.schedule, index, total_steps_);
  ++state_.steps_taken;
  double loss = 0.0;
  try_to([&] { loss = step(first, rows) * train_.loss_unit(); });
  if (run_.status == RunStatus::kInterrupted) {
    --state_.steps_taken;
    return;
  }
  const StepRecord record = finish_step(loss);
  recorder_.norms(norms_);
  run_.samples += rows;
  run_.train_seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  run_.steps.push_back(record);
  if (!std::isfinite(loss) || !std::isfinite(record.gradient_norm)) {
    run_.status = RunStatus::kDiverged;
    const char* what = std::isfinite(loss) ? "gradient norm is " : "loss is ";
    run_.reason = what + std::string(std::isnan(loss + record.gradient_norm) ? "nan" : "infinite") +
                  " at step " + std::to_string(record.step);
  }
  if (observer_.step) observer_.step(record);
}

void Fit::update(const engine::Slice& slice) {
  const engine::Parameter& parameter = state_.model.parameters()[slice.parameter];
  optim::UpdateArgs args{.n = slice.size,
                         .weights = state_.model.trained() + slice.offset,
                         .gradients = slice.gradients};
  for (int i = 0; i < optim::kMostStates; ++i)
    if (state_.moments[i].size() > 0) args.state[i] = state_.moments[i].data() + slice.offset;
  args.learning_rate = learning_rate_;
  args.step = state_.steps_taken;
  args.decay = parameter.decays;
  args.gradient_scale = gradient_scale_;
  slice_norms_[slice.index] = optim::update(settings_.optimizer, args);
}

StepRecord Fit::finish_step(double loss) {
  for (health::Norms& norms : norms_) norms = {};
  optim::SliceNorms total;
  for (const engine::Slice& slice : state_.engine.slices()) {
    const optim::SliceNorms& part = slice_norms_[slice.index];
    health::Norms& norms = norms_[slice.parameter];
    norms.gradient += part.gradient;
    norms.update += part.update;
    norms.weight += part.weight;
    total.gradient += part.gradient;
    total.update += part.update;
    total.weight += part.weight;
  }
  for (health::Norms& norms : norms_)
    norms = {std::sqrt(norms.gradient), std::sqrt(norms.update), std::sqrt(norms.weight)};
  return {.step = static_cast<std::int64_t>(run_.steps.size()) + 1,
          .loss = loss,
          .learning_rate = learning_rate_,
          .gradient_norm = std::sqrt(total.gradient),
          .update_ratio = total.weight > 0.0 ? std::sqrt(total.update / total.weight) : 0.0};
}

void Fit::finish_epoch(std::int64_t epoch, std::int64_t steps_before) {
  EpochRecord record{.epoch = epoch,
                     .step = static_cast<std::int64_t>(run_.steps.size()),
                     .seconds = run_.train_seconds};
  for (auto i = static_cast<std::size_t>(steps_before); i < run_.steps.size(); ++i)
    record.train_loss += run_.steps[i].loss;
  record.train_loss /= static_cast<double>(record.step - steps_before);
  record.test_loss = record.test_accuracy = std::numeric_limits<double>::quiet_NaN();
  if (settings_.evaluate && run_.status != RunStatus::kDiverged) score(record);
  if (settings_.health.census && run_.status == RunStatus::kFinished) {
    try_to([&] { take_census(); });
    record.units = recorder_.ledger().units();
    record.dead = recorder_.ledger().dead();
  }
  if (validation_ != nullptr && run_.status == RunStatus::kFinished) try_to([&] { watch(record); });
  run_.epochs.push_back(record);
  if (observer_.epoch) observer_.epoch(record);
}

// On the test set. A stop request leaves time for a score that takes no time to speak of.
void Fit::score(EpochRecord& record) {
  constexpr double kQuick = 4e9;  // multiply-adds: a tenth of a second
  const double work = multiply_adds(state_.model.graph()) * static_cast<double>(test_.size);
  const Stoppable stoppable(work < kQuick ? std::stop_token() : stop_);
  try_to([&] {
    const Trainer::Score score = state_.score(test_);
    record.test_loss = score.loss;
    record.test_accuracy = score.accuracy;
    record.test_score = score.score;
    if (!std::isfinite(score.loss) && run_.status == RunStatus::kFinished) {
      run_.status = RunStatus::kDiverged;
      run_.reason = "test loss is " + std::string(std::isnan(score.loss) ? "nan" : "infinite") +
                    " after step " + std::to_string(record.step);
    }
  });
}

// After the census of an epoch: keeps it where it is the best so far, and ends the run where none
// was for long.
void Fit::watch(EpochRecord& record) {
  record.validation_score = state_.score(*validation_).score;
  const std::span<const float> trained(state_.model.trained(),
                                       static_cast<std::size_t>(state_.model.trained_size()));
  const std::span<const float> statistics = state_.model.statistics();
  const Metric metric = metric_of(*validation_, settings_);
  if (std::isfinite(record.validation_score) &&
      (!best_ || better(metric, record.validation_score, best_->score)))
    best_ = Best{record.epoch,
                 record.validation_score,
                 {trained.begin(), trained.end()},
                 {statistics.begin(), statistics.end()},
                 recorder_};
  stopped_ = record.epoch - (best_ ? best_->epoch : 0) >= settings_.early_stop;
}

// The best epoch becomes the run's end: its weights and its ledger.
void Fit::restore() {
  std::ranges::copy(best_->trained, state_.model.trained());
  std::ranges::copy(best_->statistics, state_.model.statistics().begin());
  recorder_ = best_->recorder;
  state_.engine.take_activity();
  run_.best_epoch = best_->epoch;
}

// Before the first step running statistics hold nothing yet, unless they were loaded: this census
// alone takes those of the first batch in their place.
void Fit::take_first_census() {
  const std::span<float> statistics = state_.model.statistics();
  const std::vector<float> before(statistics.begin(), statistics.end());
  const bool fresh = !before.empty() && state_.steps_taken == 0 && !state_.statistics_loaded;
  if (state_.first_census != nullptr && state_.steps_taken == 0 && !fresh)
    return recorder_.census(0, state_.engine.take_activity(), *state_.first_census);
  if (fresh) {
    if (settings_.shuffle) shuffle(settings_.seed, 1, order_);
    try_to(
        [&] { state_.engine.measure_statistics(source_, std::min(settings_.batch, train_.size)); });
  }
  try_to([&] { take_census(); });
  std::copy(before.begin(), before.end(), statistics.begin());
}

void Fit::take_census() {
  engine::Census census(state_.model.unit_size());
  state_.engine.evaluate(DatasetSource(train_, identity_), train_.size, nullptr, &census,
                         static_cast<float>(settings_.health.saturation_eps));
  recorder_.census(static_cast<std::int64_t>(run_.steps.size()), state_.engine.take_activity(),
                   census);
}

}  // namespace undying::train
