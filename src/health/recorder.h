#ifndef UNDYING_HEALTH_RECORDER_H_
#define UNDYING_HEALTH_RECORDER_H_

// From counters and censuses to the ledger of a run. A census alone makes a death or a revival
// (health/judge.h); what the training steps counted since the census before dates it, where they
// see the unit as evaluation does. Arrays are (layer, unit), in the order of the model's units.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/archive.h"
#include "engine/engine.h"
#include "health/judge.h"
#include "health/rank.h"
#include "undying/health.h"

namespace undying::health {

// Of one parameter in one step.
struct Norms {
  double gradient = 0.0;
  double update = 0.0;
  double weight = 0.0;
};

// How training steps see the examples, beside what the operators of the network do.
struct TrainingView {
  bool augmented = false;
  Precision precision = Precision::kFloat32;
};

// Keeps the ledger of a run: told what the steps saw and every census, it dates deaths and
// revivals.
//
// A census alone makes a death (health/judge.h); the counters only date it, at the step that began
// the silence that led to it, and the first firing after a confirmed death is a revival. Where
// training does not compute of a layer's inputs what evaluation does (`dated_`), firing and silence
// in training prove nothing: deaths and revivals are those between two censuses, dated to the
// second.
class Recorder {
 public:
  Recorder(const engine::Model& model, const HealthSettings& settings, std::string data,
           std::int64_t examples, const TrainingView& view = {});

  // The norms of a step, one a parameter of the model.
  void norms(std::span<const Norms> norms);
  // A census after `step` steps, and what the steps since the one before saw.
  // `ranks`: effective ranks by layer, where they were taken.
  void census(std::int64_t step, const engine::Activity& activity, const engine::Census& census,
              std::span<const SampledRank> ranks = {});
  // What the last steps of a run saw that ended before its next census: they date revivals, and no
  // more.
  void end(const engine::Activity& activity);

  // Where the size of D is known with each census only.
  void of_examples(std::int64_t examples) { ledger_.examples = examples; }

  const Ledger& ledger() const { return ledger_; }

  // Whether the counters of training steps say when a unit of this layer dies and comes back.
  bool dates(std::size_t layer) const { return dated_[layer]; }

  // All that it has recorded.
  void each_state(Archive& archive);

 private:
  struct NormSums {            // since the census before
    std::vector<Norms> norms;  // one a parameter
    std::int64_t steps = 0;
  };

  void date(const engine::Activity& activity);
  void date(std::size_t layer, std::int64_t unit, const engine::Activity& activity);
  void average(const engine::Activity& activity);
  LayerHealth census_of(std::int64_t step, std::size_t layer, const engine::Census& census);
  void live(std::int64_t step, std::size_t layer, std::int64_t unit, const UnitJudgement& found,
            LayerHealth& health);
  void fill_norms(std::size_t layer, LayerHealth& health) const;
  double gradient_norm_ratio() const;

  const engine::Model* model_;
  HealthSettings settings_;
  Ledger ledger_;
  std::vector<bool> dead_;  // confirmed, and not seen firing since
  std::vector<bool>
      faint_;  // dead, though it fires with numbers that count as 0: the counters cannot tell
  std::vector<std::int64_t> last_active_;  // the last step, or census, at which the unit fired
  std::vector<bool> dated_;                // by layer: whether the counters of steps say when
  NormSums sums_;
};

}  // namespace undying::health

#endif  // UNDYING_HEALTH_RECORDER_H_
