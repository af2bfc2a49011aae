#ifndef UNDYING_TRAINER_H_
#define UNDYING_TRAINER_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <vector>

#include "undying/dataset.h"
#include "undying/graph.h"
#include "undying/plan.h"
#include "undying/run.h"
#include "undying/settings.h"

namespace undying {

namespace train {
struct State;
struct Access;
}  // namespace train

// A file that a run is kept in as it goes, every so many steps, and goes on from: bit by bit as if
// it had never ended.
struct Checkpoint {
  std::filesystem::path file;  // empty: none
  std::int64_t every = 0;      // steps
  bool resume = false;         // go on from it, where it exists
};

// Trains one network. The same settings, data and shards give bit-identical parameters and ledger
// on any number of threads.
class Trainer {
 public:
  // Compiles the plan and draws the initial parameters. Throws Error on settings that cannot be
  // used.
  Trainer(Graph graph, TrainSettings settings);
  ~Trainer();
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;

  // Throws Error{kInvalidArgument} when the data does not fit the graph. A NaN or infinity in loss
  // or gradient ends the run as kDiverged; a stop request ends it as kInterrupted after the step at
  // hand, or where steps are long before it; such runs keep their last weights. `validation`: what
  // early stopping watches, and only that (validation_split() cuts such rows off).
  Run fit(const Dataset& train, const Dataset& test, const Observer& observer = {},
          std::stop_token stop = {}, const Dataset* validation = nullptr);

  // On a stream, in its order: the loss of each step, before its update, is the online error;
  // epochs are stretches, settings.epochs the most of them, and a census is of the stretch that
  // ends. Nothing is evaluated, shuffled or stopped early.
  Run fit(const DataStream& stream, const Observer& observer = {}, std::stop_token stop = {});

  // Of the next call of fit. Throws Error there: kInvalidArgument where the file holds another run,
  // kBadData where it is damaged.
  void keep(const Checkpoint& checkpoint);

  // Throws what fit() would throw for this data, without training.
  void check(const Dataset& data) const;

  // Mean loss and accuracy (share in [0, 1]; NaN for regression) over the whole of `data`, in
  // evaluation mode; and the score by the metric.
  struct Score {
    double loss = 0.0;
    double accuracy = 0.0;
    double score = 0.0;
  };
  Score evaluate(const Dataset& data);

  // What each example adds to the score, up to a constant, in evaluation mode: 1 or 0 for right or
  // wrong, its loss; by other metrics their influence function, of RMSE on its logarithm. Of more
  // than `most` examples, of so many, evenly spaced.
  std::vector<float> example_scores(const Dataset& data, std::int64_t most = 20'000);

  // Outputs in evaluation mode: (data.size, outputs) row-major.
  std::vector<float> predict(const Dataset& data);

  // Parameters and running statistics by name: "layer.N.weight" (out, in), "layer.N.bias",
  // "layer.N.slope", "layer.N.bn.*".
  std::vector<Tensor> tensors() const;
  // Sets those named. Throws Error{kBadData} on a name or shape that does not fit, and when a
  // parameter is missing.
  void load(const std::vector<Tensor>& tensors);
  // The same for some; the others stay as they are.
  void set(const std::vector<Tensor>& tensors);

  // How the training plan runs and where its memory goes.
  PlanSummary plan() const;

  const Graph& graph() const;
  const TrainSettings& settings() const;

 private:
  friend struct train::Access;
  std::unique_ptr<train::State> state_;
};

}  // namespace undying

#endif  // UNDYING_TRAINER_H_
