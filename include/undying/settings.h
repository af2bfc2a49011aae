#ifndef UNDYING_SETTINGS_H_
#define UNDYING_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "undying/augmentation.h"
#include "undying/health.h"
#include "undying/initializer.h"
#include "undying/loss.h"
#include "undying/optimizer.h"
#include "undying/precision.h"
#include "undying/score.h"

namespace undying {

// How much an example counts in the cross-entropies of training. Test losses and scores weigh all alike.
enum class ClassWeights {
  kNone,
  kBalanced,  // n / (K n_k), of the training examples: each of the K classes that occur in all as much as any other (scikit-learn's)
};

// "none", "balanced". Throws Error{kInvalidArgument} listing what is known.
ClassWeights parse_class_weights(std::string_view text);
std::string_view name(ClassWeights weights);

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

}  // namespace undying

#endif  // UNDYING_SETTINGS_H_
