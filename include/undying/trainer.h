#ifndef UNDYING_TRAINER_H_
#define UNDYING_TRAINER_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "undying/augmentation.h"
#include "undying/dataset.h"
#include "undying/graph.h"
#include "undying/health.h"
#include "undying/optimizer.h"
#include "undying/score.h"

namespace undying {

namespace train {
struct State;
}

enum class Loss { kSoftmaxCrossEntropy, kMeanSquaredError, kBinaryCrossEntropy, kHuber };

// Of matrix products and convolutions in training. kBfloat16: factors rounded to bfloat16, sums, weights and everything else in float32;
// needs a CPU with AVX512_BF16 or AMX, and is refused elsewhere.
enum class Precision { kFloat32, kBfloat16 };

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

// How much an example counts in the cross-entropies of training. Test losses and scores weigh all alike.
enum class ClassWeights {
  kNone,
  kBalanced,  // n / (K n_k), of the training examples: each of the K classes that occur in all as much as any other (scikit-learn's)
};

// Parsers of the command line's notation; all throw Error{kInvalidArgument} listing what is known.
Loss parse_loss(std::string_view text);                   // "cross-entropy", "mse", "bce", "huber"
Precision parse_precision(std::string_view text);         // "float32", "bf16"
Initializer parse_initializer(std::string_view text);     // "kaiming-normal", ..., "randomized-asymmetric"
ClassWeights parse_class_weights(std::string_view text);  // "none", "balanced"
std::string_view name(ClassWeights weights);
std::string_view name(Loss loss);
std::string_view name(Initializer initializer);
std::string_view name(Precision precision);

// What is asked of one of several outputs, which packed() has joined: elements [first, first + width) of that.
struct OutputLoss {
  std::string output;
  Loss loss = Loss::kMeanSquaredError;
  double weight = 1.0;
  std::int64_t first = 0;
  std::int64_t width = 0;
  std::int64_t target = 0;   // the first of its columns in the targets
  std::int64_t columns = 0;  // of them: 1 where it is a class, or `width`
  bool classes = false;
};

struct TrainSettings {
  Optimizer optimizer = Sgd{};
  Schedule schedule;
  Loss loss = Loss::kSoftmaxCrossEntropy;
  double label_smoothing = 0.0;  // cross-entropy: [0, 1)
  double huber_delta = 1.0;
  ClassWeights class_weights = ClassWeights::kNone;  // of cross-entropy and binary cross-entropy
  std::optional<Metric> metric;                      // by which runs are scored; none: the accuracy of classes, the loss of values
  std::int64_t early_stop = 0;  // > 0: the run ends after so many epochs without a better score on validation rows, and the weights are
                                // those of the epoch with the best
  double clip_norm = 0.0;       // > 0: gradients are scaled so that their global norm is at most this, inside the step
  Initializer initializer = Initializer::kKaimingNormal;
  Precision precision = Precision::kFloat32;
  std::int64_t batch = 128;
  std::int64_t epochs = 1;
  std::int64_t max_steps = 0;   // > 0: the run ends after this many steps, within whatever epoch
  std::uint64_t seed = 1;       // data order, dropout, RReLU; and the initial draw unless init_seed is set
  std::uint64_t init_seed = 0;  // > 0: seed of the initial draw alone
  bool shuffle = true;
  Augmentation augmentation;  // of the images that steps are made on; evaluation and censuses see them as they are
  bool evaluate = true;       // on the test set after every epoch
  int threads = 0;            // 0: one per core
  int shards = 0;             // 0: as many as threads. Results depend on the shards, never on the threads
  HealthSettings health;
  std::vector<OutputLoss> outputs = {};  // several, with losses of their own: `loss` is their weighted sum. Empty: one output
  std::vector<std::string> frozen = {};  // tensors that are neither drawn nor trained
};

struct StepRecord {
  std::int64_t step = 0;  // 1 for the first
  double loss = 0.0;      // mean over the batch, before the update
  double learning_rate = 0.0;
  double gradient_norm = 0.0;  // global, before clipping
  double update_ratio = 0.0;   // norm(delta theta) / norm(theta), global
};

struct EpochRecord {
  std::int64_t epoch = 0;                                              // 1 for the first
  std::int64_t step = 0;                                               // steps taken
  double train_loss = 0.0;                                             // mean over the epoch's batches
  double test_loss = 0.0;                                              // NaN when not evaluated
  double test_accuracy = 0.0;                                          // share in [0, 1]; NaN for regression or when not evaluated
  double test_score = std::numeric_limits<double>::quiet_NaN();        // by the metric
  double validation_score = std::numeric_limits<double>::quiet_NaN();  // the same, where the run stops early
  double seconds = 0.0;                                                // since the start, training steps only
  std::int64_t units = 0;  // hidden units, and those found dead by this epoch's census; 0 where there was none
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
  double test_accuracy = 0.0;  // of the weights the run ends with; NaN for regression
  double test_loss = 0.0;
  double test_score = std::numeric_limits<double>::quiet_NaN();  // by the metric
  std::int64_t best_epoch = 0;  // whose weights these are, and whose ledger, of a run that stops early; 0: of the last step
  std::vector<float> examples;  // of a study's run: Trainer::example_scores() of the test set at the end
  double train_seconds = 0.0;   // inside steps, evaluation and censuses excluded
  std::int64_t samples = 0;     // trained on
  int threads = 1;
  int shards = 1;
};

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

// One kernel of the compiled training plan, in the order they run forward.
struct PlanStep {
  std::string name;            // of the node; of a reorder, of what it reorders
  std::string op;              // with what is fused: "linear + leaky_relu:0.01"; "reorder" changes a layout
  Shape shape;                 // of its output, for one example
  bool channels_last = false;  // its output's layout
  bool in_place = false;       // its output lies where its first input lay
  std::int64_t bytes = 0;      // of memory of its own, over all shards: output where not in place, and what is kept for the backward pass
  std::string implementation;  // what runs, where there is a choice
};

struct PlanSummary {
  std::vector<PlanStep> steps;
  int reorders = 0;                  // that copy
  std::int64_t arena_bytes = 0;      // values, gradients of values and work space, over all shards, buffers shared by lifetime
  std::int64_t unshared_bytes = 0;   // the same if no buffer were used twice
  std::int64_t gradient_bytes = 0;   // of parameters, over all shards
  std::int64_t parameter_bytes = 0;  // trained ones
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
  // kDiverged; a stop request ends it after the step at hand as kInterrupted; such runs keep their last weights. `validation`: what early
  // stopping watches, and only that (validation_split() cuts such rows off).
  Run fit(const Dataset& train, const Dataset& test, const Observer& observer = {}, std::stop_token stop = {},
          const Dataset* validation = nullptr);

  // Throws what fit() would throw for this data, without training.
  void check(const Dataset& data) const;

  // Mean loss and accuracy (share in [0, 1]; NaN for regression) over the whole of `data`, in evaluation mode; and the score by the metric.
  struct Score {
    double loss = 0.0;
    double accuracy = 0.0;
    double score = 0.0;
  };
  Score evaluate(const Dataset& data);

  // What each example adds to the score, up to a constant, in evaluation mode: 1 or 0 for right or wrong, its loss; by other metrics their
  // influence function, of RMSE on its logarithm. Of more than `most` examples, of so many, evenly spaced.
  std::vector<float> example_scores(const Dataset& data, std::int64_t most = 20'000);

  // Outputs in evaluation mode: (data.size, outputs) row-major.
  std::vector<float> predict(const Dataset& data);

  // Parameters and running statistics by name: "layer.N.weight" (out, in), "layer.N.bias", "layer.N.slope", "layer.N.bn.*".
  std::vector<Tensor> tensors() const;
  // Sets those named. Throws Error{kBadData} on a name or shape that does not fit, and when a parameter is missing.
  void load(const std::vector<Tensor>& tensors);
  // The same for some; the others stay as they are.
  void set(const std::vector<Tensor>& tensors);

  // How the training plan runs and where its memory goes.
  PlanSummary plan() const;

  const Graph& graph() const;
  const TrainSettings& settings() const;

 private:
  std::unique_ptr<train::State> state_;
};

}  // namespace undying

#endif  // UNDYING_TRAINER_H_
