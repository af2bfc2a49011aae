#ifndef UNDYING_TRAIN_KEEP_ALIVE_RULE_H_
#define UNDYING_TRAIN_KEEP_ALIVE_RULE_H_

// The remedies that run inside training: one list, a row each. A rule sees each step and may add to
// the gradient, look at what was updated, replace units (Treatment) or change weights. All it knows
// of the past is in its state; all it draws belongs to (seed, step, layer, unit): the same bits on
// any number of threads, and in a run that was resumed.

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/engine.h"
#include "train/keep_alive/treatment.h"

namespace undying::train {

// One step, seen from behind it.
struct StepView {
  std::int64_t step = 0;               // 1 for the first
  std::int64_t examples = 0;           // of the batch
  std::span<const double> abs_output;  // sum of |h| over them (x positions), one a unit
};

class Rule {
 public:
  virtual ~Rule() = default;

  // Whether it replaces units, and so needs some it can treat, and counters.
  virtual bool replaces() const { return false; }

  // What it adds to the gradient of a slice. On any worker, as the next.
  virtual optim::Pull pull(const engine::Slice& /*slice*/) const { return {}; }
  // The weights of a slice as the update left them.
  virtual void updated(const engine::Slice& /*slice*/) {}

  // Behind a step, alone.
  virtual void step(const StepView& view, Treatment& treatment) = 0;

  // All that the past has left in it.
  using State = std::variant<std::span<float>, std::span<double>>;
  using VisitState = std::function<void(State)>;
  virtual void each_state(const VisitState& /*visit*/) {}
};

struct RuleNumber {
  std::string_view name;  // in its notation: "TAU"
  double initial;
  double least;
  double greatest;
  bool whole = false;
};

inline constexpr double kNever = std::numeric_limits<double>::infinity();

// One remedy, whole.
struct RuleRow {
  std::string_view name;
  std::string_view source;  // the paper
  std::vector<RuleNumber> numbers;
  // The first step behind which it may act, with these numbers and where the largest layer has so
  // many units; kNever.
  double (*first_step)(std::span<const double> values, double units);
  std::unique_ptr<Rule> (*make)(Treatment& treatment, std::span<const double> values);
};

std::span<const RuleRow> rule_rows();

// Its row's.
double first_step(const KeepAlive::Rule& rule, std::int64_t units);

}  // namespace undying::train

#endif  // UNDYING_TRAIN_KEEP_ALIVE_RULE_H_
