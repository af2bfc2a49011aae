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

// How much an example counts in the cross-entropies of training. Test losses and scores weigh all
// alike.
enum class ClassWeights {
  kNone,
  kBalanced,  // n / (K n_k), of the training examples: each of the K classes that occur in all as
              // much as any other (scikit-learn's)
};

// "none", "balanced". Throws Error{kInvalidArgument} listing what is known.
ClassWeights parse_class_weights(std::string_view text);
std::string_view name(ClassWeights weights);

// Remedies that run inside training, after every step (docs/plasticity.md): those that draw units
// anew which have come to nothing, and those that hold weights near where they began.
struct KeepAlive {
  struct Rule {
    std::string name;            // "redo"
    std::vector<double> values;  // all that it takes
    bool operator==(const Rule&) const = default;
  };
  std::vector<Rule> rules;  // in this order after each step; empty: none

  bool any() const { return !rules.empty(); }
  std::string specification() const;  // "redo:0.1,1000 + l2-init"; "none"
  bool operator==(const KeepAlive&) const = default;
};

// "none", "cbp", "redo:0.1,500", "redo+l2-init:0.01". Throws Error{kInvalidArgument}.
KeepAlive parse_keep_alive(std::string_view text);
std::vector<std::string> keep_alive_forms();  // "redo[:TAU[,EVERY]]"

struct TrainSettings {
  Optimizer optimizer = Sgd{};
  Schedule schedule;
  Loss loss = Loss::kSoftmaxCrossEntropy;
  double label_smoothing = 0.0;  // cross-entropy: [0, 1)
  double huber_delta = 1.0;
  ClassWeights class_weights = ClassWeights::kNone;  // of cross-entropy and binary cross-entropy
  std::optional<Metric>
      metric;  // by which runs are scored; none: the accuracy of classes, the loss of values
  // > 0: the run ends after so many epochs without a better score on validation rows, and the
  // weights are those of the epoch with the best.
  std::int64_t early_stop = 0;
  // > 0: gradients are scaled so that their global norm is at most this, inside the step.
  double clip_norm = 0.0;
  KeepAlive keep_alive;
  Initializer initializer = Initializer::kKaimingNormal;
  Precision precision = Precision::kFloat32;
  std::int64_t batch = 128;
  std::int64_t epochs = 1;
  std::int64_t max_steps = 0;  // > 0: the run ends after this many steps, within whatever epoch
  // Data order, dropout, RReLU; and the initial draw unless init_seed is set.
  std::uint64_t seed = 1;
  std::uint64_t init_seed = 0;  // > 0: seed of the initial draw alone
  bool shuffle = true;
  Augmentation augmentation;  // of the images that steps are made on; evaluation and censuses see
                              // them as they are
  bool evaluate = true;       // on the test set after every epoch
  int threads = 0;            // 0: one per core
  int shards = 0;  // 0: as many as threads. Results depend on the shards, never on the threads
  HealthSettings health;
  // Several, with losses of their own: `loss` is their weighted sum. Empty: one output.
  std::vector<OutputLoss> outputs = {};
  std::vector<std::string> frozen = {};  // tensors that are neither drawn nor trained

  // All but outputs and frozen tensors, which a network's file says. A flag that is on is turned
  // off by its name with --no- in front, and its help says what that does.
  template <class Self, class Visit>
  static void each(Self& self, Visit&& visit) {
    each_of_learning(self, visit);
    each_of_run(self, visit);
    HealthSettings::each(self.health, visit);
  }

 private:
  static constexpr double kSteps = 1LL << 40;

  template <class Self, class Visit>
  static void each_of_learning(Self& self, Visit&& visit) {
    visit(Setting{"optimizer", "optimizer", "", 0, 0, "-"}, self.optimizer);
    visit(Setting{"schedule", "schedule", "over the steps of the run", 0, 0, "-"}, self.schedule);
    visit(Setting{"warmup", "warm-up", "steps of linear warm-up", 0, kSteps, "-"},
          self.schedule.warmup);
    each_of_loss(self, visit);
    visit(Setting{"early_stop", "early stop",
                  "end a run after so many epochs without a better score on validation rows, which "
                  "are cut off the training rows, and "
                  "keep the weights of the best epoch; 0: off",
                  0, 1e6, "early stop"},
          self.early_stop);
    visit(Setting{"clip_norm", "clip norm",
                  "scale gradients so that their global norm is at most this; 0: off", 0.0,
                  Setting::kMost, "-"},
          self.clip_norm);
    visit(Setting{"keep_alive", "keep alive",
                  "remedies inside training, joined by +, with their own numbers behind a colon", 0,
                  0, "keep alive"},
          self.keep_alive);
    visit(Setting{"init_scheme", "initial draw",
                  "how weights are drawn; kaiming with the activation's own gain", 0, 0, "-",
                  "Network"},
          self.initializer);
    visit(Setting{"precision", "precision",
                  "of matrix products and convolutions: float32, or bf16 with sums and weights in "
                  "float32",
                  0, 0, "-"},
          self.precision);
  }

  template <class Self, class Visit>
  static void each_of_loss(Self& self, Visit&& visit) {
    visit(Setting{"loss", "loss", "default: cross-entropy for classes, mse otherwise", 0, 0, "-"},
          self.loss);
    visit(Setting{"label_smoothing", "label smoothing", "of cross-entropy", 0.0, 0.999, "-"},
          self.label_smoothing);
    visit(Setting{"huber_delta", "Huber delta", "where the Huber loss turns linear", 1e-30,
                  Setting::kMost, "-"},
          self.huber_delta);
    visit(Setting{"class_weights", "class weights",
                  "none, or balanced: in the training loss of cross-entropy and bce every class "
                  "counts as much as any other",
                  0, 0, "class weights"},
          self.class_weights);
    visit(Setting{"metric", "metric",
                  "what scores, chooses and is judged; default: accuracy, or the loss"},
          self.metric);
  }

  template <class Self, class Visit>
  static void each_of_run(Self& self, Visit&& visit) {
    constexpr double kSeeds = 1LL << 62;
    constexpr const char* kRun = "Run and output";
    visit(Setting{"batch", "batch", "examples a step", 1, 1 << 24, "-"}, self.batch);
    visit(Setting{"epochs", "epochs", "passes over the training data", 1, 1e6, "-"}, self.epochs);
    visit(Setting{"steps", "steps",
                  "end after this many steps, with as many epochs as they need unless --epochs is "
                  "given; 0: with the epochs",
                  0, kSteps, "-"},
          self.max_steps);
    visit(Setting{"seed", "seed", "of the initial draw, the data order, dropout and random slopes",
                  0, kSeeds, "-", kRun},
          self.seed);
    visit(Setting{"init_seed", "seed of the initial draw", "", 0, kSeeds, "-"}, self.init_seed);
    visit(Setting{"shuffle", "shuffle", "keep the order of the data", 0, 1, "-"}, self.shuffle);
    visit(
        Setting{"augment", "augmentation",
                "what training does to images, separated by commas: flip (left to right, one in "
                "two), crop[:PIXELS] (padded by so many, "
                "4, and cut at a random place), cutout[:SIDE] (a square of that side, 8, blanked)",
                0, 0, "-", "Data"},
        self.augmentation);
    visit(Setting{"evaluate", "evaluate", "", 0, 1, "-"}, self.evaluate);
    visit(Setting{"threads", "threads", "worker threads; 0: one per core", 0, 1024, "-", kRun},
          self.threads);
    visit(Setting{"shards", "shards",
                  "pieces a batch is cut into: they, and never the threads, decide the last bits "
                  "of a result; 0: as many as threads",
                  0, 1024, "-", kRun},
          self.shards);
  }
};

}  // namespace undying

#endif  // UNDYING_SETTINGS_H_
