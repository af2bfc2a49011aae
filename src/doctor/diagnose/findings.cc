#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "doctor/diagnose/finding_names.h"
#include "doctor/diagnose/judge_layers.h"
#include "doctor/diagnose/recurrent.h"
#include "doctor/gradient_paths.h"
#include "health/judge.h"

namespace undying::doctor {
namespace {

// Of mean |dL/dz|, first layer over last.
constexpr double kVanishingRatio = 1e-3;
constexpr double kExplodingRatio = 1e3;
constexpr double kStill =
    1e-4;  // gradient norm of weights that hardly learn (AutoTrainer, ICSE 2021)

// Of the strongest layer's E h^2: what tau, relative to a layer, cannot see.
constexpr double kSignalLost = 1e-6;
constexpr double kSignalGrown = 1e6;
constexpr double kOneDirection = 1.1;  // effective rank up to which a layer says one thing
constexpr std::int64_t kWideEnough = 8;

constexpr const char* kReinitialise =
    "draw their incoming weights anew and set the outgoing ones to 0 (undying revive tries it "
    "against a placebo)";
constexpr const char* kDrawAnew =
    "draw their incoming weights anew: while those are 0, no activation has anything to pass on "
    "and no gradient to learn from";
constexpr const char* kLeaky =
    "leaky_relu:0.01 to 0.3 in their place keeps a gradient on both sides (undying revive tries "
    "them)";

class Finder {
 public:
  Finder(const engine::Model& model, const std::vector<engine::Wiring>& wirings,
         const Observation& seen, const Diagnosis& diagnosis)
      : model_(model), wirings_(wirings), seen_(seen), diagnosis_(diagnosis) {
    for (const engine::Parameter& parameter : model.parameters())
      if (parameter.trained && parameter.derived < 0)
        trained_ += static_cast<double>(parameter.size);
  }

  std::vector<Finding> run() {
    for (std::size_t l = 0; l < diagnosis_.layers.size(); ++l) {
      look_for_dead(l);
      look_for_constants(l);
      look_for_silent_neighbours(l);
      look_at_signal(l);
    }
    if (!look_for_cuts()) look_at_gradients();
    find_in_recurrent(model_, diagnosis_, findings_);
    find_in_data(diagnosis_, findings_);
    std::ranges::stable_sort(findings_, std::greater<>(), &Finding::cost);
    return std::move(findings_);
  }

 private:
  const LayerDiagnosis& layer(std::size_t l) const { return diagnosis_.layers[l]; }

  void add(std::size_t l, std::string_view what, std::vector<std::int64_t> units, double cost,
           std::string evidence, std::string remedy) {
    findings_.push_back({std::string(what), layer(l).name, std::move(units), std::min(1.0, cost),
                         std::move(evidence), std::move(remedy)});
  }

  template <class Chosen>
  std::vector<std::int64_t> units(std::size_t l, Chosen chosen) const {
    std::vector<std::int64_t> found;
    for (std::size_t unit = 0; unit < layer(l).lives.size(); ++unit)
      if (chosen(layer(l).lives[unit])) found.push_back(static_cast<std::int64_t>(unit));
    return found;
  }

  // The share of the trained numbers that feed these units or weigh what they give.
  double share_of(std::size_t l, const std::vector<std::int64_t>& units) const {
    double numbers = 0.0;
    for (const std::int64_t unit : units) {
      for (const engine::Span& span : incoming(model_, wirings_[l], unit))
        numbers += static_cast<double>(span.numbers());
      for (const engine::Span& span : outgoing(model_, wirings_[l], unit))
        numbers += static_cast<double>(span.numbers());
    }
    return trained_ > 0.0 ? numbers / trained_ : 0.0;
  }

  std::string where(std::size_t l) const {
    return layer(l).positions == 1
               ? fmt::format("n = {} examples of {}", layer(l).n, diagnosis_.data)
               : fmt::format("n = {}: {} examples of {} x {} positions", layer(l).n,
                             diagnosis_.examples, diagnosis_.data, layer(l).positions);
  }

  std::string bound(std::size_t l) const {
    return fmt::format("with 95% confidence each fires on less than {:.2g} of such data",
                       3.0 / static_cast<double>(layer(l).n));
  }

  void look_for_dead(std::size_t l) {
    const auto dead =
        units(l, [](const UnitDiagnosis& life) { return life.state == UnitState::kDead; });
    if (dead.empty()) return;
    const LayerDiagnosis& found = layer(l);
    const std::string evidence = fmt::format(
        "{} of {} units never {} no gradient ({}); {}. {}{}. Cause: {}", found.dead, found.units,
        verb(found.dead, "fires and has", "fire and have"), where(l), bound(l), locked(found),
        diagnosis_.has_targets ? "" : " as far as can be told without targets",
        causes(found, dead));
    if (found.dead < found.units)
      return add(l, kDeadUnits, dead, share_of(l, dead), evidence, remedy_for(found));
    if (found.bypassed)
      return add(l, kDeadBranch, dead, share_of(l, dead),
                 "the whole layer is dead; a path goes around it, so the network still answers to "
                 "its input. " +
                     evidence,
                 remedy_for(found));
    add(l, kDeadNetwork, dead, 1.0,
        "the whole layer is dead and no path goes around it: the output is constant. " + evidence,
        zero_weights(found) == found.dead
            ? kDrawAnew
            : "re-initialise the network, with a lower learning rate or leaky_relu");
  }

  static std::string locked(const LayerDiagnosis& found) {
    const std::int64_t revivable = found.dead - found.locked;
    if (revivable == 0) return fmt::format("{} locked", found.locked);
    return fmt::format("{} locked, {} revivable", found.locked, revivable);
  }

  static std::string causes(const LayerDiagnosis& found, const std::vector<std::int64_t>& units) {
    std::map<DeadCause, int> counts;
    for (const std::int64_t unit : units) ++counts[found.lives[unit].cause];
    std::string text;
    for (const auto& [cause, count] : counts)
      text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", name(cause), count);
    return text;
  }

  static std::int64_t dead_of(const LayerDiagnosis& found, DeadCause cause) {
    return std::ranges::count_if(found.lives, [&](const UnitDiagnosis& life) {
      return life.state == UnitState::kDead && life.cause == cause;
    });
  }
  static std::int64_t zero_weights(const LayerDiagnosis& found) {
    return dead_of(found, DeadCause::kZeroWeights);
  }

  // What would cure the dead. Where weights are 0, leaky_relu passes nothing on either.
  static std::string remedy_for(const LayerDiagnosis& found) {
    if (dead_of(found, DeadCause::kDeadInputs) > 0)
      return "cure the layer before it first: its units have no living input";
    const std::int64_t zero = zero_weights(found);
    if (zero == found.dead) return kDrawAnew;
    const std::string others = std::string(kReinitialise) + "; " + kLeaky;
    return zero == 0
               ? others
               : fmt::format("where the weights are 0, {}; for the others, {}", kDrawAnew, others);
  }

  // Those behind a layer that says nothing only repeat it, and where D does not vary every unit is
  // constant.
  void look_for_constants(std::size_t l) {
    if (!seen_.inputs_vary || layer(l).constant == 0) return;
    const auto those = units(l, [](const UnitDiagnosis& life) {
      return life.constant && !life.saturated && life.cause != DeadCause::kDeadInputs &&
             life.cause != DeadCause::kUnknown;
    });
    if (those.empty()) return;
    const bool zero = std::ranges::any_of(those, [&](std::int64_t unit) {
      return layer(l).lives[unit].cause == DeadCause::kZeroWeights;
    });
    add(l, kConstantUnits, those, share_of(l, those),
        fmt::format("{} of {} units {} one and the same output on the whole of D ({}), which says "
                    "nothing of the input. Cause: {}",
                    those.size(), layer(l).units, verb(those.size(), "gives", "give"), where(l),
                    causes(layer(l), those)),
        std::string("prune them, with what they give added to the biases behind") +
            (zero ? std::string(", or ") + kDrawAnew : ""));
  }

  void look_for_silent_neighbours(std::size_t l) {
    const LayerDiagnosis& found = layer(l);
    if (!std::isfinite(found.signal_mean)) return;  // NaN is neither above nor below 0
    // What is constant has its own finding.
    const auto negative = units(l, [](const UnitDiagnosis& life) {
      return life.state == UnitState::kAlwaysNegative && (!life.constant || life.saturated);
    });
    if (!negative.empty()) {
      add(l, kAlwaysNegativeUnits, negative, 0.1 * share_of(l, negative),
          fmt::format("{} of {} units never {}, but {} has a gradient there ({}): not dead; {}",
                      negative.size(), found.units, verb(negative.size(), "fires", "fire"),
                      found.activation.specification(), where(l), bound(l)),
          "none needed while they learn; on one side of the kink they are nearly linear");
    }
    if (found.dormant > 0) {
      const auto those = units(l, [](const UnitDiagnosis& life) { return life.dormant; });
      add(l, kDormantUnits, those, 0.5 * share_of(l, those),
          fmt::format("{} of {} units {} mean |h| is at most {} of the layer's ({})", found.dormant,
                      found.units, verb(found.dormant, "fires, but its", "fire, but their"),
                      diagnosis_.dormant_tau, where(l)),
          "re-initialise them if accuracy has stalled (Sokar et al. 2023); rare and strong units "
          "are dormant by this measure too");
    }
    if (found.never_wins > 0) {
      const auto those = units(l, [](const UnitDiagnosis& life) { return life.never_wins; });
      add(l, kPoolLosers, those, share_of(l, those),
          fmt::format("{} of {} units {} the largest of no window of the max pool behind ({})",
                      found.never_wins, found.units,
                      verb(found.never_wins, "fires, but is", "fire, but are"), where(l)),
          "average pooling, or a stride no larger than the kernel");
    }
    if (found.saturated_units > 0) {
      const auto those = units(l, [](const UnitDiagnosis& life) { return life.saturated; });
      add(l, kSaturatedUnits, those, share_of(l, those),
          fmt::format("{} of {} units {} |f'| < {} on at least {:.0f}% of D ({})",
                      found.saturated_units, found.units,
                      verb(found.saturated_units, "has", "have"), diagnosis_.saturation_eps,
                      100.0 * health::kSaturatedShare, where(l)),
          "batch norm before the activation, smaller weights, or a rectifier in its place");
    }
  }

  double square_of(std::size_t l) const {
    return layer(l).signal_variance + layer(l).signal_mean * layer(l).signal_mean;
  }

  void look_at_signal(std::size_t l) {
    const LayerDiagnosis& found = layer(l);
    if (!std::isfinite(square_of(l)))
      return add(l, kOutputsNotFinite, {}, 1.0,
                 fmt::format("mean {}, variance {} ({})", found.signal_mean, found.signal_variance,
                             where(l)),
                 "go back to weights from before the run diverged; a lower learning rate, gradient "
                 "clipping");
    if (found.dead == found.units) return;
    double strongest = 0.0;
    for (std::size_t other = 0; other < l; ++other)
      strongest = std::fmax(strongest, square_of(other));
    if (l > 0 && square_of(l) < kSignalLost * strongest)
      add(l, kVanishingSignal, {}, 0.5,
          fmt::format("E h^2 is {:.2g}, {:.1g} of the strongest layer's before it ({})",
                      square_of(l), square_of(l) / strongest, where(l)),
          "an initial draw with the activation's own gain (kaiming-normal), or batch norm");
    if (l > 0 && square_of(0) > 0.0 && square_of(l) > kSignalGrown * square_of(0))
      add(l, kExplodingSignal, {}, 0.5,
          fmt::format("E h^2 is {:.2g}, {:.1g} times the first layer's ({})", square_of(l),
                      square_of(l) / square_of(0), where(l)),
          "an initial draw with the activation's own gain (kaiming-normal), or batch norm");
    if (found.units >= kWideEnough && found.effective_rank > 0.0 &&
        found.effective_rank < kOneDirection)
      add(l, kCollapsedLayer, {}, 0.5,
          fmt::format("effective rank {:.2f} of {} units (on {} rows of {}): the layer gives "
                      "nearly the same answer up to a factor",
                      found.effective_rank, found.units, found.rank_rows, diagnosis_.data),
          "a shallower or wider network, batch norm, or another initial draw");
  }

  // Where operators on the way pass no gradient, whatever the weights are.
  bool look_for_cuts() {
    if (!diagnosis_.has_targets) return false;
    const GradientPaths paths = gradient_paths(model_.graph());
    if (paths.unreached == 0) return false;
    findings_.push_back(
        {std::string(kNoGradient),
         paths.cuts.empty() ? "" : model_.graph().nodes()[paths.cuts.front()].name,
         {},
         static_cast<double>(paths.unreached) / trained_,
         fmt::format("{} (n = {} examples of {})", no_gradient_text(model_.graph(), paths),
                     diagnosis_.examples, diagnosis_.data),
         "judge the network by another of its values, from before that operator: --output NAME"});
    // Before what it causes, which costs as much.
    std::ranges::rotate(findings_, findings_.end() - 1);
    return true;
  }

  void look_at_gradients() {
    const auto& norms = diagnosis_.gradients;
    if (norms.size() < 2) return;
    for (const GradientNorm& norm : norms)
      if (!std::isfinite(norm.gradient)) {
        findings_.push_back({std::string(kGradientsNotFinite),
                             "",
                             {},
                             1.0,
                             fmt::format("{}: {}", norm.parameter, norm.gradient),
                             "a lower learning rate, gradient clipping"});
        return;
      }
    look_along_depth();
  }

  // By the gradients of pre-activations: those of weights carry the unit of what they weigh, and
  // are tiny behind tiny inputs. A layer that is dead as a whole has none; where no path goes
  // around it, none has one before it, and a finding of its own says so.
  void look_along_depth() {
    std::vector<std::size_t> alive;
    for (std::size_t l = 0; l < diagnosis_.layers.size(); ++l) {
      if (layer(l).dead < layer(l).units)
        alive.push_back(l);
      else if (!layer(l).bypassed)
        return;
    }
    if (alive.size() < 2) return;
    const double first = mean_gradient(alive.front()), last = mean_gradient(alive.back());
    const double ratio = first / last;
    const std::string evidence = fmt::format(
        "mean |dL/dz| of {} over that of {}: {:.2g} ({:.2g} / {:.2g}; n = {} examples of {})",
        layer(alive.front()).name, layer(alive.back()).name, ratio, first, last,
        diagnosis_.examples, diagnosis_.data);
    if (ratio < kVanishingRatio)
      findings_.push_back({std::string(kVanishingGradients),
                           "",
                           {},
                           unlearning_share(),
                           evidence,
                           std::string("leaky_relu or elu, batch norm, a residual path, an initial "
                                       "draw with the activation's own gain")});
    if (ratio > kExplodingRatio)
      findings_.push_back({std::string(kExplodingGradients),
                           "",
                           {},
                           0.5,
                           evidence,
                           "gradient clipping (--clip-norm), a lower learning rate, batch norm"});
  }

  // Of a unit at a position.
  double mean_gradient(std::size_t l) const {
    double sum = 0.0;
    for (const UnitDiagnosis& life : layer(l).lives) sum += life.gradient;
    return sum / static_cast<double>(layer(l).units * layer(l).positions);
  }

  // Of the trained numbers, those in weights whose gradient is below the bound.
  double unlearning_share() const {
    double numbers = 0.0;
    for (const GradientNorm& norm : diagnosis_.gradients) {
      if (norm.gradient >= kStill) continue;
      const auto parameter =
          std::ranges::find(model_.parameters(), norm.parameter, &engine::Parameter::name);
      if (parameter->derived < 0) numbers += static_cast<double>(parameter->size);
    }
    return numbers / trained_;
  }

  const engine::Model& model_;
  const std::vector<engine::Wiring>& wirings_;
  const Observation& seen_;
  const Diagnosis& diagnosis_;
  double trained_ = 0.0;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> find(const engine::Model& model, const std::vector<engine::Wiring>& wirings,
                          const Observation& seen, const Diagnosis& diagnosis) {
  return Finder(model, wirings, seen, diagnosis).run();
}

}  // namespace undying::doctor
