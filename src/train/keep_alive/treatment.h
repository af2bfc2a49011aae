#ifndef UNDYING_TRAIN_KEEP_ALIVE_TREATMENT_H_
#define UNDYING_TRAIN_KEEP_ALIVE_TREATMENT_H_

// What the remedies inside training do to a network: replace units by new ones, shake weights.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/wiring.h"
#include "optim/update.h"
#include "undying/run.h"
#include "undying/settings.h"

namespace undying::train {

// The units of one layer that can be replaced.
struct TreatedLayer {
  int layer = 0;  // of the model
  std::int64_t units = 0;
  std::int64_t offset = 0;  // in the unit arena
  std::int64_t positions = 1;
  engine::Wiring wiring;
};

class Treatment {
 public:
  // `moments`: the optimizer's arenas, where it has any; `outputs`: those of the network as it is,
  // in evaluation mode, for some examples of the step at hand.
  using Outputs = std::function<std::vector<float>()>;
  Treatment(engine::Model& model, engine::Engine& engine, std::span<Buffer<float>> moments,
            const TrainSettings& settings, Outputs outputs);

  engine::Model& model() { return *model_; }
  engine::Engine& engine() { return *engine_; }
  std::span<const TreatedLayer> layers() const { return layers_; }

  // The units of layers()[layer] become new ones: incoming weights drawn as at the beginning, bias,
  // scale, shift, slope and running statistics as at first, outgoing weights 0, and nothing in the
  // optimizer's memory of any of these. `silent`: see Replacement.
  void replace(std::int64_t step, std::size_t layer, std::span<const std::int64_t> units,
               bool silent);

  // Every weight w becomes shrink * w + perturb * (a fresh draw of it), and so does every bias,
  // whose draw is mostly 0. Not of norms, slopes and frozen tensors.
  void perturb(std::int64_t step, double shrink, double perturb);

  KeepAliveRecord& record() { return record_; }
  void each_state(Archive& archive);

 private:
  void find_layers();
  void renew(std::int64_t step, const TreatedLayer& layer, std::int64_t unit);
  void forget(int parameter, std::int64_t first, std::int64_t count);
  void reset(int node, std::int64_t unit);

  engine::Model* model_;
  engine::Engine* engine_;
  std::span<Buffer<float>> moments_;
  const TrainSettings* settings_;
  Outputs outputs_;
  std::vector<TreatedLayer> layers_;
  KeepAliveRecord record_;
  std::int64_t last_measured_ = -1;       // step
  std::vector<float> before_;             // the outputs as they were last measured, at that step
  std::unique_ptr<engine::Model> fresh_;  // whose weights are drawn to perturb with
};

}  // namespace undying::train

#endif  // UNDYING_TRAIN_KEEP_ALIVE_TREATMENT_H_
