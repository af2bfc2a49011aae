#include "doctor/replay/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <utility>

#include "doctor/replay/explain.h"
#include "health/recorder.h"
#include "train/fit.h"
#include "undying/error.h"

namespace undying::doctor {
namespace {

[[noreturn]] void refuse(const RecordedCourse& recorded, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, recorded.name, what);
}

class Replaying {
 public:
  Replaying(Trainer& trainer, const Dataset& data, const RecordedCourse& recorded,
            const ReplaySettings& settings, const ReplayProgress& progress)
      : trainer_(trainer),
        data_(data),
        recorded_(recorded),
        progress_(progress),
        explainer_(train::Access::of(trainer), data, settings) {}

  void add(const std::vector<UnitEvent>& events) {
    const train::State& state = train::Access::of(trainer_);
    check_layers(state.model);
    const health::Recorder recorder(state.model, state.settings.health, data_.name, data_.size,
                                    {state.settings.augmentation.any(), state.settings.precision});
    for (const UnitEvent& event : events) {
      explainer_.add(event, recorded_.censuses, recorder.dates(event.layer));
      last_ = std::max(last_, explainer_.last());
    }
  }

  Replay run(const std::stop_token& stop) {
    const std::stop_callback forward(stop, [this] { ends_.request_stop(); });
    try_to([&] { explainer_.at(0); });
    if (!explainer_.done() && !error_) train(stop);
    if (error_ && !stop.stop_requested()) std::rethrow_exception(error_);
    found_.explanations = explainer_.take();
    found_.interrupted = stop.stop_requested() && !explainer_.done();
    if (!found_.interrupted && !explainer_.done())
      refuse(recorded_, fmt::format("ends here after step {}, before all that is on record has "
                                    "happened",
                                    found_.steps));
    return std::move(found_);
  }

 private:
  void train(const std::stop_token& stop) {
    trainer_.fit(data_, data_,
                 {.step = [&](const StepRecord& record) { step(record); },
                  .epoch = [&](const EpochRecord& epoch) { this->epoch(epoch); }},
                 ends_.get_token());
    if (!stop.stop_requested()) return;
    error_ = nullptr;  // of a pass that the request ended
  }

  // Events are of layers by number: they must be those of this network.
  void check_layers(const engine::Model& model) const {
    const auto said = [&](std::size_t layer, const std::string& here) {
      const bool known = layer < recorded_.layers.size();
      refuse(
          recorded_,
          fmt::format("is of another network: {} there, {} here; expected the data and the model "
                      "files as they were when the run was trained",
                      known ? fmt::format("layer {} has {} units", recorded_.layers[layer].first,
                                          recorded_.layers[layer].second)
                            : fmt::format("{} layers", recorded_.layers.size()),
                      here));
    };
    const std::vector<engine::Layer>& here = model.layers();
    for (std::size_t layer = 0; layer < std::max(here.size(), recorded_.layers.size()); ++layer) {
      if (layer >= here.size()) said(layer, fmt::format("{} layers", here.size()));
      if (layer >= recorded_.layers.size() || recorded_.layers[layer].first != here[layer].name ||
          recorded_.layers[layer].second != here[layer].units)
        said(layer, fmt::format("layer {} has {} units", here[layer].name, here[layer].units));
    }
  }

  // What may fail where nothing may be thrown.
  template <class Work>
  void try_to(const Work& work) {
    try {
      work();
    } catch (...) {
      error_ = std::current_exception();
      ends_.request_stop();
    }
  }

  void step(const StepRecord& record) {
    if (error_ || explainer_.done()) return;
    found_.steps = record.step;
    try_to([&] {
      check(recorded_.steps, record.step, record.loss, "the loss of");
      explainer_.saw(record);
      explainer_.at(record.step);
    });
    if (progress_) progress_(record.step, last_, explainer_.found());
    if (explainer_.done()) ends_.request_stop();
  }

  void epoch(const EpochRecord& epoch) {
    if (error_ || ends_.stop_requested()) return;
    try_to([&] {
      check(recorded_.epochs, epoch.step, epoch.train_loss, "the mean loss of the epoch up to");
    });
  }

  // Against what is on record.
  void check(const std::vector<RecordedCourse::Loss>& losses, std::int64_t step, double loss,
             const char* what) {
    const auto found = std::ranges::lower_bound(losses, step, {}, &RecordedCourse::Loss::first);
    if (found == losses.end() || found->first != step) return;
    if (found->second != loss)
      refuse(recorded_,
             fmt::format("is of another run than this program makes here: {} step {} is {} there "
                         "and {} here. Bits repeat with the same data, files, version and CPU "
                         "instruction set; repeat the training here and replay that",
                         what, step, found->second, loss));
    ++found_.checked;
  }

  Trainer& trainer_;
  const Dataset& data_;
  const RecordedCourse& recorded_;
  const ReplayProgress& progress_;
  Explainer explainer_;
  std::int64_t last_ = 0;
  std::stop_source ends_;
  std::exception_ptr error_;
  Replay found_;
};

}  // namespace

TrainSettings replay_settings(TrainSettings settings) {
  settings.health.census = false;
  settings.evaluate = false;
  settings.early_stop = 0;
  return settings;
}

Replay replay(Trainer& trainer, const Dataset& train, const RecordedCourse& recorded,
              const std::vector<UnitEvent>& events, const ReplaySettings& settings,
              const ReplayProgress& progress, const std::stop_token& stop) {
  Replaying replaying(trainer, train, recorded, settings, progress);
  replaying.add(events);
  return replaying.run(stop);
}

}  // namespace undying::doctor
