// What a run on a stream does otherwise: its parts are read one by one, its steps are too many to
// be kept, its score is the online error.

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/array/fits.h"
#include "train/fit.h"

namespace undying::train {
namespace {

constexpr std::size_t kMostSteps = 1 << 16;  // kept, of a stream

}  // namespace

Fit::Fit(State& state, const DataStream& stream, const Observer& observer, std::stop_token stop)
    : Fit(
          state,
          [&] {
            Parts parts{.stretch = stream.read(0), .stream = &stream};
            parts.train = parts.test = parts.stretch.get();
            return parts;
          }(),
          observer, std::move(stop)) {}

// By epochs alone.
std::int64_t Fit::steps_of_run() const {
  const auto steps = [&](std::int64_t examples) {
    return (examples + settings_.batch - 1) / settings_.batch;
  };
  const DataStream* stream = parts_.stream;
  if (stream == nullptr) return settings_.epochs * steps(parts_.train->size);
  if (stream->examples == 0) return settings_.epochs * steps(stream->stretch);
  const std::int64_t whole = std::min(settings_.epochs, stream->examples / stream->stretch);
  const bool part = whole < settings_.epochs;
  return whole * steps(stream->stretch) + (part ? steps(stream->examples % stream->stretch) : 0);
}

void Fit::next_stretch(std::int64_t index) {
  parts_.stretch = parts_.stream->read(index);
  parts_.train = parts_.test = parts_.stretch.get();
  if (kind(settings_.loss) == LossKind::kProbabilities) data::check_probabilities(*parts_.train);
  if (static_cast<std::int64_t>(order_.size()) == parts_.train->size) return;
  order_ = identity_order(parts_.train->size);
  if (settings_.health.census) identity_ = order_;
}

// Of a stream at most kMostSteps: every 2nd, 4th, ... of those so far, as they grow.
void Fit::keep_step(const StepRecord& record) {
  last_step_ = record;
  if (parts_.stream != nullptr) {
    if ((record.step - 1) % stride_ != 0) return;
    if (run_.steps.size() == kMostSteps) {
      stride_ *= 2;
      std::erase_if(run_.steps,
                    [&](const StepRecord& step) { return (step.step - 1) % stride_ != 0; });
      if ((record.step - 1) % stride_ != 0) return;
    }
  }
  run_.steps.push_back(record);
}

// Of the last tenth of the stretches.
void Fit::score_stream() {
  if (!run_.steps.empty() && run_.steps.back().step != last_step_.step)
    run_.steps.push_back(last_step_);
  const std::size_t count = (run_.epochs.size() + 9) / 10;
  double loss = 0.0;
  double accuracy = 0.0;
  for (std::size_t i = run_.epochs.size() - count; i < run_.epochs.size(); ++i) {
    loss += run_.epochs[i].train_loss / static_cast<double>(count);
    accuracy += run_.epochs[i].train_accuracy / static_cast<double>(count);
  }
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const bool any = count > 0 && run_.status != RunStatus::kDiverged;
  run_.test_loss = any ? loss : nan;
  run_.test_accuracy = any ? accuracy : nan;
  const Metric metric = metric_of(*parts_.train, settings_);
  run_.test_score = metric == Metric::kAccuracy ? run_.test_accuracy
                    : metric == Metric::kLoss   ? run_.test_loss
                                                : nan;
}

}  // namespace undying::train
