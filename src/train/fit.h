#ifndef UNDYING_TRAIN_FIT_H_
#define UNDYING_TRAIN_FIT_H_

// The training loop behind Trainer: epochs in a drawn order, steps by the engine, a census and an
// evaluation after each epoch, early stopping on validation rows.

#include <memory>
#include <optional>
#include <vector>

#include "base/archive.h"
#include "engine/engine.h"
#include "health/recorder.h"
#include "optim/update.h"
#include "train/keep_alive/keep_alive.h"
#include "train/source.h"
#include "undying/evaluation.h"
#include "undying/trainer.h"

namespace undying::train {

// What a Trainer owns.
struct State {
  State(Graph graph, TrainSettings settings, const engine::EngineOptions& options);

  void check_fit(const Dataset& data) const;
  void check_parts(const Dataset& data) const;
  Trainer::Score score(const Dataset& data);
  // The sums over the whole of `data`, and the outputs (size, width) where wanted.
  ops::LossSums evaluate(const Dataset& data, std::vector<float>* outputs = nullptr);
  Predictions answers_of(const Dataset& data, std::vector<float> outputs) const;

  TrainSettings settings;
  engine::Model model;
  engine::Engine engine;
  Buffer<float> moments[optim::kMostStates];  // the optimizer's
  std::int64_t steps_taken = 0;               // over all calls of fit
  bool statistics_loaded = false;
  Checkpoint checkpoint;                               // of the next call of fit
  std::shared_ptr<const engine::Census> first_census;  // of the network as loaded over what it is
                                                       // about to be trained on, where it is known
};

// For those above who know something of a run before it begins.
struct Access {
  static State& of(Trainer& trainer) { return *trainer.state_; }
};

// Outputs that stand for standardised targets, in the units of the data.
void to_units(const Dataset& data, std::vector<float>& outputs);

// One call of Trainer::fit.
class Fit {
 public:
  // `validation`: what early stopping watches; null where it is off.
  Fit(State& state, const Dataset& train, const Dataset& test, const Observer& observer,
      std::stop_token stop, const Dataset* validation);
  // On a stream: its stretches are the epochs.
  Fit(State& state, const DataStream& stream, const Observer& observer, std::stop_token stop);
  Run run();

 private:
  // The parts that training begins with.
  struct Parts {
    std::shared_ptr<const Dataset> stretch;  // of a stream; null: none
    const DataStream* stream = nullptr;
    const Dataset* train = nullptr;
    const Dataset* test = nullptr;
    const Dataset* validation = nullptr;
  };
  Fit(State& state, Parts parts, const Observer& observer, std::stop_token stop);
  std::int64_t steps_of_run() const;
  void next_stretch(std::int64_t index);
  void keep_step(const StepRecord& record);
  void score_stream();

  // Of the run's checkpoint (train/checkpoint.cc).
  bool resume();
  void keep_if_due();
  std::string state_bytes();
  void keep(const std::string& state);
  std::string fingerprint() const;
  void each_state(Archive& archive);

  void run_epoch();
  void run_step(std::int64_t first, std::int64_t rows);
  double step(std::int64_t first, std::int64_t rows);
  engine::SlicePass clip_pass();
  optim::UpdateArgs args_of(const engine::Slice& slice) const;
  void update(const engine::Slice& slice);
  std::vector<float> outputs_of_step();
  StepRecord finish_step(double loss);
  void finish_epoch();
  void score(EpochRecord& record);
  template <class Work>
  void try_to(const Work& work);
  void watch(EpochRecord& record);
  void restore();
  void take_first_census();
  void take_census();
  bool done() const;

  State& state_;
  const TrainSettings& settings_;
  Parts parts_;
  const Observer& observer_;
  std::stop_token stop_;
  Checkpoint checkpoint_;
  std::int64_t total_steps_ = 0;
  std::int64_t taken_ = 0;  // steps
  std::int64_t epoch_ = 1;  // at hand
  std::int64_t next_ = 0;   // example of it, in its order
  // Of the epoch at hand, so far.
  struct Online {
    std::int64_t steps = 0;
    std::int64_t examples = 0;
    std::int64_t correct = 0;
    double loss = 0.0;  // sum over the steps
  };
  Online online_;
  std::int64_t stride_ = 1;  // of the steps that are kept of a stream
  StepRecord last_step_;
  std::string fingerprint_;  // where it keeps a checkpoint
  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> identity_;  // of the training set, for its censuses
  std::vector<float> class_weights_;     // how much the examples of each class count; empty: alike
  Random draws_;                         // of this epoch's augmentation
  health::Recorder recorder_;
  std::vector<engine::SlicePass> passes_;
  std::vector<double> slice_squares_;  // for clipping
  std::vector<optim::SliceNorms> slice_norms_;
  std::vector<health::Norms> norms_;  // of this step, one a parameter
  double learning_rate_ = 0.0;
  double gradient_scale_ = 1.0;
  struct Best {
    std::int64_t epoch = 0;
    double score = 0.0;
    std::vector<float> trained;
    std::vector<float> statistics;
    health::Recorder recorder;
  };
  std::unique_ptr<KeepAliveLoop> keep_alive_;  // null: no remedies inside this training
  std::int64_t first_ = 0;                     // of the step at hand, in the order of the epoch
  std::int64_t rows_ = 0;
  std::optional<Best> best_;  // epoch so far, on the validation rows
  bool stopped_ = false;      // early
  Run run_;
};

}  // namespace undying::train

#endif  // UNDYING_TRAIN_FIT_H_
