#ifndef UNDYING_DOCTOR_REPLAY_EXPLAIN_H_
#define UNDYING_DOCTOR_REPLAY_EXPLAIN_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <tuple>
#include <vector>

#include "doctor/replay/replay.h"
#include "doctor/replay/window.h"
#include "train/fit.h"

namespace undying::doctor {

// Explains events while a run goes past them: told every step, it keeps the network's numbers of
// those that matter, as long as they do.
class Explainer {
 public:
  Explainer(train::State& state, const Dataset& data, const ReplaySettings& settings);

  void add(const UnitEvent& event, std::span<const std::int64_t> censuses, bool dated);
  void saw(const StepRecord& record);
  // The network is as it was after this step. Throws where a pass over the data does.
  void at(std::int64_t step);

  bool done() const { return open_.empty(); }
  std::int64_t last() const;  // step that anything is to be known of
  std::size_t found() const { return found_.size(); }
  // In the order of the events.
  std::vector<Explanation> take();

 private:
  using Rows = std::vector<std::uint32_t>;
  struct Open {
    UnitEvent event;
    Window window;
    std::set<std::int64_t> steps;    // whose numbers it needs
    std::set<std::int64_t> watched;  // at which z is measured
    std::map<std::int64_t, std::shared_ptr<const Snapshot>> held;
    std::vector<Moment> life;
    std::optional<UnitUpdate> update;
    std::optional<std::int64_t> from, to;  // between which looks it happened
  };

  void watch(Open& open, const std::shared_ptr<const Snapshot>& now);
  void narrow(Open& open, const std::shared_ptr<const Snapshot>& now);
  bool ended(Open& open, std::int64_t step);
  Explanation explain(Open& open, std::int64_t end);
  Change change(Open& open, std::int64_t from, std::int64_t to);
  std::int64_t begin_of(Open& open);
  std::string doubt(Open& open, const Change& whole);
  std::optional<UnitUpdate> update(Open& open);
  void add_usual(UnitUpdate& found) const;
  void add_norms(const Open& open, UnitUpdate& found) const;

  Range measure(const Open& open, std::int64_t step);
  Range measure(const Open& open, const Mix& mix);  // over the rows of the event
  Range measure(const Open& open, const Mix& mix, const Rows& rows, std::int64_t key);
  Preactivation& layer(std::size_t layer);
  const Rows& rows_of(std::int64_t step);
  // Step whose batch ends what training saw, and is among the rows of the event; 0: none.
  static std::int64_t batch_of(const Open& open) { return open.window.dated ? open.event.step : 0; }
  Rows batch(std::int64_t step);

  train::State& state_;
  const Dataset& data_;
  ReplaySettings settings_;
  std::vector<Open> open_;
  std::vector<Explanation> found_;
  std::deque<StepRecord> records_;  // the last ones
  std::map<std::size_t, Preactivation> layers_;
  std::map<std::int64_t, Rows> rows_;  // by step; 0: evenly spaced ones
  std::int64_t ordered_ = 0;           // epoch whose order this is
  Rows order_;
  // What was measured at the step at hand, for many units of a layer die at once: by layer, rows
  // and the steps that the parts are of.
  using Key = std::tuple<std::size_t, std::int64_t, std::array<std::int64_t, kParts>>;
  std::map<Key, std::vector<Range>> measured_;
};

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_REPLAY_EXPLAIN_H_
