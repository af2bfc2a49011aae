#include "train/fit.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/evenly_spaced.h"
#include "base/stop.h"
#include "health/layer_ranks.h"
#include "undying/evaluation.h"

namespace undying::train {

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
                slice_squares_[slice.index] = optim::gradient_square_sum(args_of(slice));
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
    : Fit(state, Parts{.train = &train, .test = &test, .validation = validation}, observer,
          std::move(stop)) {}

Fit::Fit(State& state, Parts parts, const Observer& observer, std::stop_token stop)
    : state_(state),
      settings_(state.settings),
      parts_(std::move(parts)),
      observer_(observer),
      stop_(std::move(stop)),
      checkpoint_(std::exchange(state.checkpoint, {})),
      order_(identity_order(parts_.train->size)),
      identity_(settings_.health.census ? order_ : std::vector<std::uint32_t>()),
      class_weights_(settings_.class_weights == ClassWeights::kBalanced
                         ? balanced_weights(*parts_.train)
                         : std::vector<float>()),
      draws_(settings_.seed, Stream::kAugmentation),
      recorder_(state.model, settings_.health, parts_.train->name, parts_.train->size,
                {settings_.augmentation.any(), settings_.precision}),
      slice_squares_(state.engine.slices().size()),
      slice_norms_(state.engine.slices().size()),
      norms_(state.model.parameters().size()) {
  total_steps_ = steps_of_run();
  if (settings_.max_steps > 0) total_steps_ = std::min(total_steps_, settings_.max_steps);
  learning_rate_factor(settings_.schedule, 0,
                       total_steps_);  // throws on a schedule that does not fit the run
  run_.steps.reserve(static_cast<std::size_t>(std::min<std::int64_t>(total_steps_, 1 << 16)));
  run_.threads = state.engine.threads();
  run_.shards = state.engine.shards();
  if (settings_.clip_norm > 0.0) passes_.push_back(clip_pass());
  if (settings_.keep_alive.any())
    keep_alive_ = std::make_unique<KeepAliveLoop>(state.model, state.engine, state.moments,
                                                  settings_, [this] { return outputs_of_step(); });
  passes_.push_back({.apply = [this](const engine::Slice& slice) { update(slice); }, .finish = {}});
}

// What the network as it is, in evaluation mode, gives for examples of the step at hand.
std::vector<float> Fit::outputs_of_step() {
  constexpr std::int64_t kMost = 64;
  const Stoppable whole((std::stop_token()));  // no unit is half replaced
  const std::int64_t rows = std::min(rows_, kMost);
  std::vector<float> outputs(
      static_cast<std::size_t>(rows * ops::element_count(state_.model.graph().output_shape())));
  const auto order = std::span<const std::uint32_t>(order_).subspan(
      static_cast<std::size_t>(first_), static_cast<std::size_t>(rows));
  state_.engine.evaluate(DatasetSource(*parts_.train, order), rows, outputs.data());
  return outputs;
}

bool Fit::done() const {
  return stopped_ || run_.status != RunStatus::kFinished || taken_ >= total_steps_;
}

// Work that a stop request ends, and the run with it.
template <class Work>
void Fit::try_to(const Work& work) {
  if (!unless_stopped(work)) run_.status = RunStatus::kInterrupted;
}

Run Fit::run() {
  const Stoppable stoppable(stop_);
  state_.engine.take_activity();  // of a run that threw
  if (resume())
    run_epoch();
  else if (settings_.health.census)
    take_first_census();
  while (epoch_ <= settings_.epochs && !done()) run_epoch();
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
  if (parts_.stream != nullptr) score_stream();
  run_.ledger = recorder_.ledger();
  if (keep_alive_ != nullptr) run_.keep_alive = keep_alive_->record();
  return std::move(run_);
}

// From the next example of the epoch at hand on.
void Fit::run_epoch() {
  if (parts_.stream != nullptr && epoch_ > 1) next_stretch(epoch_ - 1);
  if (settings_.shuffle && parts_.stream == nullptr) shuffle(settings_.seed, epoch_, order_);
  draws_ = Random(settings_.seed, Stream::kAugmentation, static_cast<std::uint32_t>(epoch_));
  while (next_ < parts_.train->size && !done()) {
    const std::int64_t rows = std::min(settings_.batch, parts_.train->size - next_);
    run_step(next_, rows);
    if (run_.status != RunStatus::kInterrupted) next_ += rows;  // else it was not taken
    keep_if_due();
    if (stop_.stop_requested() && !done()) run_.status = RunStatus::kInterrupted;
  }
  // A stop, in the epoch or while it ends, keeps what was before its end, which is then done again.
  const std::string before = checkpoint_.file.empty() ? std::string() : state_bytes();
  if (online_.steps > 0) finish_epoch();
  if (stop_.stop_requested() && run_.status != RunStatus::kDiverged) keep(before);
  ++epoch_;
  next_ = 0;
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
    return run(
        AugmentedSource(*parts_.train, order, class_weights_, settings_.augmentation, draws_));
  return run(DatasetSource(*parts_.train, order, class_weights_));
}

void Fit::run_step(std::int64_t first, std::int64_t rows) {
  const auto start = std::chrono::steady_clock::now();
  learning_rate_ = undying::learning_rate(settings_.optimizer) *
                   learning_rate_factor(settings_.schedule, taken_, total_steps_);
  ++state_.steps_taken;
  double loss = 0.0;
  try_to([&] { loss = step(first, rows) * parts_.train->loss_unit(); });
  if (run_.status == RunStatus::kInterrupted) {
    --state_.steps_taken;
    return;
  }
  const StepRecord record = finish_step(loss);
  recorder_.norms(norms_);
  first_ = first;
  rows_ = rows;
  if (keep_alive_ != nullptr) keep_alive_->end_step(state_.steps_taken, rows);
  run_.samples += rows;
  run_.train_seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ++taken_;
  ++online_.steps;
  online_.examples += rows;
  online_.correct += state_.engine.correct();
  online_.loss += loss;
  keep_step(record);
  if (!std::isfinite(loss) || !std::isfinite(record.gradient_norm)) {
    run_.status = RunStatus::kDiverged;
    const char* what = std::isfinite(loss) ? "gradient norm is " : "loss is ";
    run_.reason = what + std::string(std::isnan(loss + record.gradient_norm) ? "nan" : "infinite") +
                  " at step " + std::to_string(record.step);
  }
  if (observer_.step) observer_.step(record);
}

optim::UpdateArgs Fit::args_of(const engine::Slice& slice) const {
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
  if (keep_alive_ != nullptr) args.pull = keep_alive_->pull(slice);
  return args;
}

void Fit::update(const engine::Slice& slice) {
  slice_norms_[slice.index] = optim::update(settings_.optimizer, args_of(slice));
  if (keep_alive_ != nullptr) keep_alive_->updated(slice);
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
  for (const auto& each : state_.engine.derivations()) {
    const engine::DerivedNorms& derived = each->norms();
    norms_[derived.parameter] = {derived.gradient, derived.update, derived.weight};
  }
  for (health::Norms& norms : norms_)
    norms = {std::sqrt(norms.gradient), std::sqrt(norms.update), std::sqrt(norms.weight)};
  return {.step = taken_ + 1,
          .loss = loss,
          .learning_rate = learning_rate_,
          .gradient_norm = std::sqrt(total.gradient),
          .update_ratio = total.weight > 0.0 ? std::sqrt(total.update / total.weight) : 0.0};
}

void Fit::finish_epoch() {
  EpochRecord record{.epoch = epoch_,
                     .step = taken_,
                     .train_loss = online_.loss / static_cast<double>(online_.steps),
                     .seconds = run_.train_seconds};
  if (parts_.train->classes > 0)
    record.train_accuracy =
        static_cast<double>(online_.correct) / static_cast<double>(online_.examples);
  online_ = {};
  record.test_loss = record.test_accuracy = std::numeric_limits<double>::quiet_NaN();
  if (settings_.evaluate && parts_.stream == nullptr && run_.status != RunStatus::kDiverged)
    score(record);
  if (settings_.health.census && run_.status == RunStatus::kFinished) {
    try_to([&] { take_census(); });
    record.units = recorder_.ledger().units();
    record.dead = recorder_.ledger().dead();
  }
  if (parts_.validation != nullptr && run_.status == RunStatus::kFinished)
    try_to([&] { watch(record); });
  run_.epochs.push_back(record);
  if (observer_.epoch) observer_.epoch(record);
}

// On the test set. A stop request leaves time for a score that takes no time to speak of.
void Fit::score(EpochRecord& record) {
  constexpr double kQuick = 4e9;  // multiply-adds: a tenth of a second
  const double work = multiply_adds(state_.model.graph()) * static_cast<double>(parts_.test->size);
  const Stoppable stoppable(work < kQuick ? std::stop_token() : stop_);
  try_to([&] {
    const Trainer::Score score = state_.score(*parts_.test);
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
  record.validation_score = state_.score(*parts_.validation).score;
  const std::span<const float> trained(state_.model.trained(),
                                       static_cast<std::size_t>(state_.model.trained_size()));
  const std::span<const float> statistics = state_.model.statistics();
  const Metric metric = metric_of(*parts_.validation, settings_);
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
  const bool known = state_.first_census != nullptr && settings_.health.ranks == 0;
  if (known && state_.steps_taken == 0 && !fresh)
    return recorder_.census(0, state_.engine.take_activity(), *state_.first_census);
  if (fresh) {
    if (settings_.shuffle && parts_.stream == nullptr) shuffle(settings_.seed, 1, order_);
    try_to([&] {
      state_.engine.measure_statistics(DatasetSource(*parts_.train, order_),
                                       std::min(settings_.batch, parts_.train->size));
    });
  }
  try_to([&] { take_census(); });
  std::copy(before.begin(), before.end(), statistics.begin());
}

void Fit::take_census() {
  engine::Census census(state_.model.unit_size());
  const std::vector<std::uint32_t> sample =
      evenly_spaced(parts_.train->size, settings_.health.ranks);
  std::optional<health::RankObserver> ranks;
  if (!sample.empty()) ranks.emplace(state_.model, sample);
  recorder_.of_examples(parts_.train->size);
  state_.engine.evaluate(DatasetSource(*parts_.train, identity_), parts_.train->size, nullptr,
                         &census, static_cast<float>(settings_.health.saturation_eps),
                         ranks ? &*ranks : nullptr);
  recorder_.census(
      taken_, state_.engine.take_activity(), census,
      ranks ? ranks->ranks(state_.engine.threads()) : std::vector<health::SampledRank>());
}

}  // namespace undying::train
