#ifndef UNDYING_HEALTH_H_
#define UNDYING_HEALTH_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "undying/activation.h"
#include "undying/setting.h"

namespace undying {

// The state of a unit, a neuron or a channel over all positions, over a data set D, in evaluation
// mode with frozen weights. Made in one place, from a census alone; docs/numerics.md gives the
// definitions.
enum class UnitState : std::uint8_t {
  kAlive,  // fires on some of D, not on all
  kDead,   // fires on none of D, and f' = 0 there; numerically dead ones, whose outputs are all
           // below 1.2e-38, included
  kAlwaysNegative,  // fires on none of D, but f' != 0 somewhere: not dead
  kAlwaysPositive,  // z > 0 on all of D: linear
};

// Whether |f'| near 0 means saturation: not the silence of rectifiers, which is counted apart; of
// relu6 its ceiling.
bool saturates(const Activation& activation);

// The life of one unit over a run.
struct UnitLife {
  UnitState state = UnitState::kAlive;  // at the last census
  bool born_dead = false;               // dead at the census before step 0
  bool dormant = false;      // tau-dormant at the last census, and neither dead nor always negative
  double firing_rate = 0.0;  // at the last census
  double training_firing_rate = 0.0;  // over the training steps between the last two censuses
  double output = 0.0;    // mean of |h| over those steps and their examples (x positions)
  double gradient = 0.0;  // mean of |dL/dz| over the same, L the loss of one example
  // Steps. Died: the one whose update began the silence that a census confirmed (0: born dead);
  // revived: the first firing after a confirmed death. Where training steps see the unit otherwise
  // than evaluation does (augmented examples, dropout, batch norm or random slopes before it,
  // products in bf16), and without counters, both are known from censuses alone and are the step of
  // the one that found it: it happened between the census before and that one.
  std::vector<std::int64_t> died;
  std::vector<std::int64_t> revived;
};

// One layer (the units of one activation) at one census.
struct LayerHealth {
  std::string name;  // of the activation's layer: "layer.3"
  std::int64_t units = 0;
  std::int64_t dead = 0;
  std::int64_t born_dead = 0;  // dead before step 0 (whether or not revived since)
  std::int64_t always_negative = 0;
  std::int64_t always_positive = 0;
  // E|h| / mean E|h| of the layer <= tau, and neither dead nor always negative.
  std::int64_t dormant = 0;
  std::int64_t died = 0;         // deaths confirmed since the census before
  std::int64_t revived = 0;      // revivals since the census before
  double firing_rate = 0.0;      // mean over units
  double saturated = 0.0;        // share of (unit, example) with |f'| < eps
  double signal_mean = 0.0;      // mean of h over units and D
  double signal_variance = 0.0;  // variance of h over units and D
  // Of the layer's weights, mean over the steps since the census before.
  double gradient_norm = 0.0;
  double weight_norm = 0.0;
  double update_ratio = 0.0;  // norm(delta theta) / norm(theta), mean over those steps
  // Of its outputs over a sample of D, of HealthSettings::ranks examples (Roy & Vetterli 2007);
  // NaN: not taken.
  double effective_rank = std::numeric_limits<double>::quiet_NaN();
};

struct CensusRecord {
  std::int64_t step = 0;            // steps taken when it was made; 0: before the first
  std::int64_t examples = 0;        // n = size of D
  std::vector<LayerHealth> layers;  // from the input to the output
  // Norm(grad W_1) / norm(grad W_L), W_L the output layer's; NaN before the first step.
  double gradient_norm_ratio = 0.0;
};

struct HealthSettings {
  bool counters = true;          // count in every step; without, deaths are dated by census only
  bool census = true;            // before the first step and after every epoch
  double dormant_tau = 0.025;    // Sokar et al. 2023
  double saturation_eps = 1e-3;  // |f'| below this is saturated
  std::int64_t ranks =
      0;  // examples of D over which a census takes effective ranks; 0: it does not

  template <class Self, class Visit>
  static void each(Self& self, Visit&& visit) {
    constexpr const char* kGroup = "Run and output";
    visit(Setting{"counters", "counters",
                  "do not count firing in every step (deaths are then dated by census only)", 0, 1,
                  "-", kGroup},
          self.counters);
    visit(Setting{"census", "census", "no passes over the whole training set to confirm deaths", 0,
                  1, "-", kGroup},
          self.census);
    visit(Setting{"ranks", "ranks",
                  "with each census take the effective rank of every layer's outputs, over so many "
                  "examples; 0: none",
                  0, 1 << 20, "", kGroup},
          self.ranks);
    visit(Setting{"dormant_tau", "dormant tau", "", 0.0, 1.0, "-"}, self.dormant_tau);
    visit(Setting{"saturation_eps", "saturation eps", "", 0.0, 1.0, "-"}, self.saturation_eps);
  }
};

// All that was seen of the neurons of a run. `lives[l][u]` belongs to unit u of layers()[l].
struct Ledger {
  std::string data;           // D: "fashion-mnist train"
  std::int64_t examples = 0;  // n
  std::vector<std::string> layers;
  std::vector<std::vector<UnitLife>> lives;
  std::vector<CensusRecord> censuses;

  std::int64_t units() const;
  std::int64_t dead() const;
  std::int64_t born_dead() const;
  std::int64_t always_negative() const;
  std::int64_t died() const;  // deaths after step 0, counted once per death
  std::int64_t revived() const;
};

}  // namespace undying

#endif  // UNDYING_HEALTH_H_
