#ifndef UNDYING_DOCTOR_REPLAY_REPLAY_H_
#define UNDYING_DOCTOR_REPLAY_REPLAY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "doctor/replay/preactivation.h"
#include "doctor/replay/shares.h"
#include "undying/trainer.h"

// Why a unit died in a run, or came back: the run is trained again, bit by bit, as far as that
// step, and what moved the unit's pre-activations is taken apart. The run itself pays nothing.
namespace undying::doctor {

// A death or a revival, as the ledger of a run dates it.
struct UnitEvent {
  enum class Kind { kDeath, kRevival };

  std::int64_t step = 0;  // 0: born dead
  std::size_t layer = 0;
  std::int64_t unit = 0;
  Kind kind = Kind::kDeath;

  auto operator<=>(const UnitEvent&) const = default;
};

// What is on record of a run, by which its repetition is known to be the same.
struct RecordedCourse {
  using Loss = std::pair<std::int64_t, double>;  // of a step; of the epoch that ends with it

  std::string name;                                          // where it is from, for errors
  std::vector<std::pair<std::string, std::int64_t>> layers;  // their names and units
  std::vector<std::int64_t> censuses;
  std::vector<Loss> steps;   // ascending
  std::vector<Loss> epochs;  // likewise
};

struct ReplaySettings {
  std::int64_t last = 32;    // steps before the event over which it is explained
  std::int64_t rows = 4096;  // evenly spaced ones of the data that z is measured on; 0: all
  bool updates = true;       // take the single update apart, too
  bool life = false;         // measure z at each of those steps
};

// From one step to another, as the network was after them.
struct Change {
  std::int64_t from = 0;
  std::int64_t to = 0;
  double before = 0.0;  // the largest z over the rows
  double after = 0.0;
  Shares shares = {};  // of after - before
  Cause cause = Cause::kMixed;
};

struct Moment {
  std::int64_t step = 0;
  Range z;
};

// The last update of which training saw the unit fire before it died, or that woke it.
struct UnitUpdate {
  StepRecord record;
  bool decisive = false;  // whether it alone silenced the unit on all rows, or woke it
  std::int64_t epoch = 0;
  std::vector<std::uint32_t> rows;      // its batch: indices of the training part
  Range z;                              // of the unit over the batch, before the update
  Change change;                        // that it made, over all rows
  std::optional<double> bias, weights;  // norm of the change of the unit's own numbers
  double usual_loss = 0.0;  // the medians of the steps before, at most ReplaySettings::last; NaN
                            // where there are none
  double usual_gradient = 0.0;
};

struct Explanation {
  UnitEvent event;
  // False: training sees the layer otherwise than evaluation does, so that only censuses say when
  // it happened: between the one before and that of `event.step`.
  bool dated = true;
  std::int64_t rows = 0;             // that z is measured on
  double threshold = 0.0;            // above which it fires
  std::optional<Change> change;      // none: born dead, or `missing` says why
  std::string missing;               // why there is no change
  std::optional<UnitUpdate> update;  // where it is dated
  std::vector<Moment> life;          // where it was asked for
};

struct Replay {
  std::int64_t steps = 0;                 // trained again
  std::int64_t checked = 0;               // losses on record that came out the same
  std::vector<Explanation> explanations;  // in the order of the events
  bool interrupted = false;               // some are missing
};

// How the settings of a run differ while it is trained again: no bit of what it learns does.
TrainSettings replay_settings(TrainSettings settings);

// `trainer`: of replay_settings(), not trained yet. Throws
// Error{kInvalidArgument} where the run does not come out as it is on record, and for a unit that
// has no such event. A stop request ends it with what was found so far.
using ReplayProgress = std::function<void(std::int64_t step, std::int64_t of, std::size_t found)>;
Replay replay(Trainer& trainer, const Dataset& train, const RecordedCourse& recorded,
              const std::vector<UnitEvent>& events, const ReplaySettings& settings,
              const ReplayProgress& progress = {}, const std::stop_token& stop = {});

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_REPLAY_REPLAY_H_
