// What is wrong with recurrent layers, and what helps.

#include "doctor/diagnose/judge_layers.h"
#include "doctor/diagnose/recurrent.h"

#include <fmt/format.h>

#include <algorithm>

#include "doctor/diagnose/finding_names.h"
#include "health/judge.h"

namespace undying::doctor {
namespace {

// What stuck units of a gate mean, and what helps.
struct Meaning {
  std::string_view gate;
  bool open;
  const char* words;
  const char* remedy;
};
constexpr Meaning kMeanings[] = {
    {"input", false, "nothing goes into these cells",
     "a bias of the input gate near 0, or smaller inputs"},
    {"input", true, "these cells take in everything", "smaller weights or inputs, or layer norm"},
    {"output", false, "these cells are never read", "a bias of the output gate near 0"},
    {"output", true, "these cells are always read", "smaller weights or inputs, or layer norm"},
    {"forget", false, "these cells remember nothing beyond a step",
     "a bias of the forget gate of 1 (Gers et al. 2000)"},
    {"forget", true, "these cells forget nothing: c only grows by what goes in",
     "a bias of the forget gate of about 1"},
    {"update", false, "these units keep nothing of their state",
     "a bias of the update gate near 0"},
    {"update", true, "these units never change their state", "a bias of the update gate near 0"},
    {"reset", false, "what is new does not look at the state", "a bias of the reset gate near 0"},
    {"reset", true, "what is new looks at the whole state, always",
     "smaller weights or inputs, or layer norm"},
};

class RecurrentFinder {
 public:
  RecurrentFinder(const engine::Model& model, const Diagnosis& diagnosis,
                  std::vector<Finding>& findings)
      : model_(model), diagnosis_(diagnosis), findings_(findings) {
    for (const engine::Parameter& parameter : model.parameters())
      if (parameter.trained) trained_ += static_cast<double>(parameter.size);
  }

  void look_at(const RecurrentDiagnosis& layer) {
    look_for_dead(layer);
    look_for_saturated(layer);
    for (const GateDiagnosis& gate : layer.gates)
      for (const bool open : {false, true}) look_at_gate(layer, gate, open);
  }

 private:
  template <class Chosen>
  static std::vector<std::int64_t> units(const RecurrentDiagnosis& layer, Chosen chosen) {
    std::vector<std::int64_t> found;
    for (std::int64_t unit = 0; unit < layer.units; ++unit)
      if (chosen(place(unit))) found.push_back(unit);
    return found;
  }

  // Of the trained numbers, those of one gate of these units; `gates`: of so many.
  double share_of(const RecurrentDiagnosis& layer, std::size_t units, double gates) const {
    const auto node = std::ranges::find(model_.graph().nodes(), layer.name, &Node::name) -
                      model_.graph().nodes().begin();
    double rows = 0.0, numbers = 0.0;
    for (const int own : model_.parameters_of(static_cast<int>(node))) {
      const engine::Parameter& parameter = model_.parameters()[place(own)];
      if (rows == 0.0) rows = static_cast<double>(parameter.shape[0] * parameter.shape[1]);
      numbers += static_cast<double>(parameter.size);
    }
    return trained_ > 0.0 ? static_cast<double>(units) * gates * numbers / rows / trained_ : 0.0;
  }

  std::string where(const RecurrentDiagnosis& layer) const {
    return fmt::format("n = {}: {} examples of {} x {} steps", layer.n, diagnosis_.examples,
                       diagnosis_.data, layer.positions);
  }

  void add(const RecurrentDiagnosis& layer, std::string_view what, std::vector<std::int64_t> units,
           double cost, std::string evidence, std::string remedy) {
    findings_.push_back({std::string(what), layer.name, std::move(units), std::min(1.0, cost),
                         std::move(evidence), std::move(remedy)});
  }

  // The gate that keeps a unit silent.
  static std::string cause_of(const RecurrentDiagnosis& layer, std::size_t unit) {
    for (const char* name : {"output", "input", "update"})
      for (const GateDiagnosis& gate : layer.gates)
        if (gate.name == name && gate.is_stuck(unit, gate.name == "update"))
          return fmt::format("{} gate at {}", gate.name, gate.name == "update" ? 1 : 0);
    return layer.gates.empty() ? "z <= 0" : "what would go in is 0";
  }

  void look_for_dead(const RecurrentDiagnosis& layer) {
    const auto dead = units(layer, [&](std::size_t unit) { return layer.lives[unit].dead; });
    if (dead.empty()) return;
    std::vector<std::pair<std::string, int>> causes;
    for (const std::int64_t unit : dead) {
      const std::string cause = cause_of(layer, place(unit));
      const auto known = std::ranges::find(causes, cause, &std::pair<std::string, int>::first);
      known != causes.end() ? void(++known->second) : void(causes.emplace_back(cause, 1));
    }
    std::string text;
    for (const auto& [cause, count] : causes)
      text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", cause, count);
    add(layer, kDeadUnits, dead,
        share_of(layer, dead.size(), std::max<double>(1.0, all_gates(layer))),
        fmt::format("{} of {} hidden units {} out 0 at every step ({}). Cause: {}", dead.size(),
                    layer.units, verb(dead.size(), "puts", "put"), where(layer), text),
        "draw their weights anew, with biases near 0; undying revive does not change recurrent "
        "layers");
  }

  static double all_gates(const RecurrentDiagnosis& layer) {
    return static_cast<double>(layer.gates.size() + 1);
  }

  void look_for_saturated(const RecurrentDiagnosis& layer) {
    const auto those = units(layer, [&](std::size_t unit) { return layer.lives[unit].saturated; });
    if (those.empty()) return;
    add(layer, kSaturatedUnits, those, share_of(layer, those.size(), 1.0),
        fmt::format("{} of {} hidden units {} |f'| < {} on at least {:.0f}% of all steps ({})",
                    those.size(), layer.units, verb(those.size(), "has", "have"),
                    diagnosis_.saturation_eps, 100.0 * health::kSaturatedShare, where(layer)),
        "smaller weights or inputs, or layer norm");
  }

  // A unit that is dead has its own finding.
  void look_at_gate(const RecurrentDiagnosis& layer, const GateDiagnosis& gate, bool open) {
    const auto those = units(layer, [&](std::size_t unit) {
      return gate.is_stuck(unit, open) && !layer.lives[unit].dead;
    });
    if (those.empty()) return;
    const auto meaning = std::ranges::find_if(kMeanings, [&](const Meaning& each) {
      return each.gate == gate.name && each.open == open;
    });
    add(layer, kStuckGates, those, share_of(layer, those.size(), 1.0),
        fmt::format("the {} gate of {} of {} hidden units stands at {} on at least {:.0f}% of all "
                    "steps, where it does not learn (g (1 - g) "
                    "< {}; {}): {}",
                    gate.name, those.size(), layer.units, open ? 1 : 0,
                    100.0 * health::kSaturatedShare, diagnosis_.saturation_eps, where(layer),
                    meaning->words),
        meaning->remedy);
  }

  const engine::Model& model_;
  const Diagnosis& diagnosis_;
  std::vector<Finding>& findings_;
  double trained_ = 0.0;
};

}  // namespace

void find_in_recurrent(const engine::Model& model, const Diagnosis& diagnosis,
                       std::vector<Finding>& findings) {
  RecurrentFinder finder(model, diagnosis, findings);
  for (const RecurrentDiagnosis& layer : diagnosis.recurrent) finder.look_at(layer);
}

}  // namespace undying::doctor
