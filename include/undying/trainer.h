#ifndef UNDYING_TRAINER_H_
#define UNDYING_TRAINER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "undying/augmentation.h"
#include "undying/dataset.h"
#include "undying/graph.h"
#include "undying/health.h"
#include "undying/optimizer.h"

namespace undying {

namespace train {
struct State;
}

enum class Loss { kSoftmaxCrossEntropy, kMeanSquaredError, kBinaryCrossEntropy, kHuber };

// How parameters are first drawn. Kaiming uses the gain of the activation that follows the layer. Biases start at 0, except
// kRandomizedAsymmetric.
enum class Initializer {
  kKaimingNormal,
  kKaimingUniform,
  kXavierNormal,
  kXavierUniform,
  kLecunNormal,
  kOrthogonal,            // times the gain of the activation that follows
  kRandomizedAsymmetric,  // Lu et al. 2019, arXiv 1903.06733
};

// Parsers of the command line's notation; all throw Error{kInvalidArgument} listing what is known.
Loss parse_loss(std::string_view text);                // "cross-entropy", "mse", "bce", "huber"
Initializer parse_initializer(std::string_view text);  // "kaiming-normal", ..., "randomized-asymmetric"
std::string_view name(Loss loss);
std::string_view name(Initializer initializer);

struct TrainSettings {
  Optimizer optimizer = Sgd{};
  Schedule schedule;
  Loss loss = Loss::kSoftmaxCrossEntropy;
  double label_smoothing = 0.0;  // cross-entropy: [0, 1)
  double huber_delta = 1.0;
  double clip_norm = 0.0;  // > 0: gradients are scaled so that their global norm is at most this, inside the step
  Initializer initializer = Initializer::kKaimingNormal;
  std::int64_t batch = 128;
  std::int64_t epochs = 1;
  std::int64_t max_steps = 0;   // > 0: the run ends after this many steps, within whatever epoch
  std::uint64_t seed = 1;       // data order, dropout, RReLU; and the initial draw unless init_seed is set
  std::uint64_t init_seed = 0;  // > 0: seed of the initial draw alone
  bool shuffle = true;
  Augmentation augmentation;  // of the images that steps are made on; evaluation and censuses see them as they are
  bool evaluate = true;  // on the test set after every epoch
  int threads = 0;       // 0: one per core
  int shards = 0;        // 0: as many as threads. Results depend on the shards, never on the threads
  HealthSettings health;
};

struct StepRecord {
  std::int64_t step = 0;  // 1 for the first
  double loss = 0.0;      // mean over the batch, before the update
  double learning_rate = 0.0;
  double gradient_norm = 0.0;  // global, before clipping
  double update_ratio = 0.0;   // norm(delta theta) / norm(theta), global
};

struct EpochRecord {
  std::int64_t epoch = 0;      // 1 for the first
  std::int64_t step = 0;       // steps taken
  double train_loss = 0.0;     // mean over the epoch's batches
  double test_loss = 0.0;      // NaN when not evaluated
  double test_accuracy = 0.0;  // share in [0, 1]; NaN for regression or when not evaluated
  double seconds = 0.0;        // since the start, training steps only
  std::int64_t units = 0;      // hidden units, and those found dead by this epoch's census; 0 where there was none
  std::int64_t dead = 0;
};

enum class RunStatus { kFinished, kDiverged, kInterrupted };
std::string_view name(RunStatus status);

struct Run {
  RunStatus status = RunStatus::kFinished;
  std::string reason;  // why it diverged: "loss is nan at step 812"
  std::vector<StepRecord> steps;
  std::vector<EpochRecord> epochs;
  Ledger ledger;
  double test_accuracy = 0.0;  // after the last step; NaN for regression
  double test_loss = 0.0;
  double train_seconds = 0.0;  // inside steps, evaluation and censuses excluded
  std::int64_t samples = 0;    // trained on
  int threads = 1;
  int shards = 1;
};

// Called from the training thread; must not throw.
struct Observer {
  std::function<void(const StepRecord&)> step;
  std::function<void(const EpochRecord&)> epoch;
};

// Trains one network. The same settings, data and shards give bit-identical parameters and ledger on any number of threads.
class Trainer {
 public:
  // Compiles the plan and draws the initial parameters. Throws Error on settings that cannot be used.
  Trainer(Graph graph, TrainSettings settings);
  ~Trainer();
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;

  // Throws Error{kInvalidArgument} when the data does not fit the graph. A NaN or infinity in loss or gradient ends the run as
  // kDiverged; a stop request ends it after the step at hand as kInterrupted.
  Run fit(const Dataset& train, const Dataset& test, const Observer& observer = {}, std::stop_token stop = {});

  // Throws what fit() would throw for this data, without training.
  void check(const Dataset& data) const;

  // Mean loss and accuracy (share in [0, 1]; NaN for regression) over the whole of `data`, in evaluation mode.
  struct Score {
    double loss = 0.0;
    double accuracy = 0.0;
  };
  Score evaluate(const Dataset& data);

  // Outputs in evaluation mode: (data.size, outputs) row-major.
  std::vector<float> predict(const Dataset& data);

  // Parameters and running statistics by name: "layer.N.weight" (out, in), "layer.N.bias", "layer.N.slope", "layer.N.bn.*".
  std::vector<Tensor> tensors() const;
  // Sets those named. Throws Error{kBadData} on a name or shape that does not fit, and when a parameter is missing.
  void load(const std::vector<Tensor>& tensors);

  const Graph& graph() const;
  const TrainSettings& settings() const;

 private:
  std::unique_ptr<train::State> state_;
};

}  // namespace undying

#endif  // UNDYING_TRAINER_H_
