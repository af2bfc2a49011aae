#ifndef UNDYING_RUN_H_
#define UNDYING_RUN_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "undying/health.h"
#include "undying/score.h"

namespace undying {

struct StepRecord {
  std::int64_t step = 0;  // 1 for the first
  double loss = 0.0;      // mean over the batch, before the update
  double learning_rate = 0.0;
  double gradient_norm = 0.0;  // global, before clipping
  double update_ratio = 0.0;   // norm(delta theta) / norm(theta), global
};

// Of a stream, of one stretch of it.
struct EpochRecord {
  std::int64_t epoch = 0;   // 1 for the first
  std::int64_t step = 0;    // steps taken
  double train_loss = 0.0;  // mean over the epoch's batches, each before its update
  // The same of the share that was right; NaN for regression.
  double train_accuracy = std::numeric_limits<double>::quiet_NaN();
  double test_loss = 0.0;      // NaN when not evaluated
  double test_accuracy = 0.0;  // share in [0, 1]; NaN for regression or when not evaluated
  double test_score = std::numeric_limits<double>::quiet_NaN();  // by the metric
  // The same, where the run stops early.
  double validation_score = std::numeric_limits<double>::quiet_NaN();
  double seconds = 0.0;  // since the start, training steps only
  // Hidden units, and those found dead by this epoch's census; 0 where there was none.
  std::int64_t units = 0;
  std::int64_t dead = 0;
};

// Units that a remedy inside training replaced at one step, all of one layer.
struct Replacement {
  std::int64_t step = 0;  // after which
  std::string layer;      // "layer.3"
  std::vector<std::int64_t> units;
  bool silent = false;  // all of them gave 0 in every example seen since the remedy last looked
  // The largest difference of any output, in evaluation mode, over (the first 64 of) the examples
  // of that step; NaN: not measured, for of 100 steps at most one is.
  double output_change = std::numeric_limits<double>::quiet_NaN();
};

// What the remedies inside training did (TrainSettings::keep_alive).
struct KeepAliveRecord {
  static constexpr std::size_t kMost = 1000;

  std::vector<std::string> left_out;  // "layer.3: its units are read by ...": never replaced
  std::int64_t replaced = 0;          // units, each as often as it was
  std::int64_t silent = 0;            // of those
  std::vector<Replacement> events;    // the last kMost
  double output_change = 0.0;         // the largest measured
  std::int64_t perturbed = 0;         // how often all weights were
};

enum class RunStatus { kFinished, kDiverged, kInterrupted };
std::string_view name(RunStatus status);

struct Run {
  RunStatus status = RunStatus::kFinished;
  std::string reason;  // why it diverged: "loss is nan at step 812"
  // All of them; of a long stream every 2nd, 4th, ... and the last.
  std::vector<StepRecord> steps;
  std::vector<EpochRecord> epochs;
  Ledger ledger;
  KeepAliveRecord keep_alive;
  // Of the weights the run ends with; of a stream, which has no test part, online, of its last
  // tenth (at least one stretch). NaN for regression.
  double test_accuracy = 0.0;
  double test_loss = 0.0;
  double test_score = std::numeric_limits<double>::quiet_NaN();  // by the metric
  std::int64_t best_epoch = 0;  // whose weights these are, and whose ledger, of a run that stops
                                // early; 0: of the last step
  std::vector<float>
      examples;  // of a study's run: Trainer::example_scores() of the test set at the end
  double train_seconds = 0.0;  // inside steps, evaluation and censuses excluded
  std::int64_t samples = 0;    // trained on
  int threads = 1;
  int shards = 1;
};

std::int64_t steps_taken(const Run& run);
// Its accuracy, its loss, or what its metric says.
double score_of(const Run& run, Metric metric);
double score_of(const EpochRecord& epoch, Metric metric);
// The epoch whose weights a run ended with. There must be one.
const EpochRecord& kept_epoch(const Run& run);

// Called from the training thread; must not throw.
struct Observer {
  std::function<void(const StepRecord&)> step;
  std::function<void(const EpochRecord&)> epoch;
};

}  // namespace undying

#endif  // UNDYING_RUN_H_
