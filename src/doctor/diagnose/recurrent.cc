#include "doctor/diagnose/recurrent.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "doctor/diagnose/finding_names.h"
#include "health/judge.h"
#include "onednn/gemm.h"

namespace undying::doctor {
namespace {

using onednn::Transpose;

// Of |h|, which tanh keeps below 1: what float32 makes of the layer behind.
constexpr double kNoOutput = 1e-6;

std::size_t place(std::int64_t i) { return static_cast<std::size_t>(i); }

std::vector<std::string> gates_of(const std::string& op) {
  if (op == "lstm") return {"input", "output", "forget"};
  return op == "gru" ? std::vector<std::string>{"update", "reset"} : std::vector<std::string>{};
}

RecurrentLayer layer_of(const engine::Model& model, int node) {
  const Graph& graph = model.graph();
  const Node& own = graph.nodes()[place(node)];
  const Shape& in = graph.shapes()[place(own.inputs[0])];
  const Shape& weight = model.parameters()[place(model.parameters_of(node)[0])].shape;
  return {.node = node,
          .inputs = in[1],
          .hidden = own.attributes.get<std::int64_t>("hidden"),
          .directions = weight[0],
          .positions = in[0],
          .rows = graph.shapes()[place(node)][0],
          .width = weight[1],
          .reverse = own.attributes.get_or<std::int64_t>("reverse", 0) != 0,
          .gates = gates_of(own.op)};
}

void add(std::vector<double>& to, const std::vector<double>& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

}  // namespace

RecurrentObserver::RecurrentObserver(const engine::Model& model, double eps) : model_(model), eps_(eps) {
  const std::vector<Node>& nodes = model.graph().nodes();
  for (int at = 0; at < static_cast<int>(nodes.size()); ++at)
    if (const std::string& op = nodes[place(at)].op; op == "lstm" || op == "gru" || op == "rnn") layers_.push_back(layer_of(model, at));
}

void RecurrentObserver::begin(const engine::Plan& plan) {
  plan_ = &plan;
  std::vector<Census> none;
  for (const RecurrentLayer& layer : layers_) none.push_back(empty(layer));
  lanes_.assign(static_cast<std::size_t>(plan.lanes()), none);
}

void RecurrentObserver::after(const engine::Chunk& chunk, int step) {
  const auto layer = std::ranges::find(layers_, plan_->steps()[place(step)].node, &RecurrentLayer::node);
  if (layer == layers_.end()) return;
  Census& census = lanes_[place(chunk.lane)][static_cast<std::size_t>(layer - layers_.begin())];
  for (std::int64_t row = 0; row < chunk.rows; ++row) see(*layer, chunk.pass(step), row, census);
}

RecurrentObserver::Census RecurrentObserver::empty(const RecurrentLayer& layer) const {
  const std::vector<double> zeros(place(layer.units()));
  return {.largest = zeros, .sum = zeros, .flat = zeros, .tallies = std::vector<Tally>(layer.gates.size(), {zeros, zeros, zeros})};
}

void RecurrentObserver::see(const RecurrentLayer& layer, const ops::Pass& pass, std::int64_t row, Census& census) const {
  for (std::int64_t d = 0; d < layer.directions; ++d) {
    see_states(layer, pass.dst + row * layer.rows * layer.units(), d, census);
    if (!layer.gates.empty()) see_gates(layer, pass, row, d, census);
  }
  census.n += layer.positions;
}

void RecurrentObserver::see_states(const RecurrentLayer& layer, const float* out, std::int64_t d, Census& census) const {
  for (std::int64_t t = 0; t < layer.positions; ++t)
    for (std::int64_t k = 0; k < layer.hidden; ++k) {
      const double h = std::fabs(static_cast<double>(out[t * layer.units() + d * layer.hidden + k]));
      const std::size_t unit = place(d * layer.hidden + k);
      census.largest[unit] = std::fmax(census.largest[unit], h);
      census.sum[unit] += h;
      census.flat[unit] += 1.0 - h * h < eps_ ? 1.0 : 0.0;
    }
}

// All gates of all steps at once: the states are known.
void RecurrentObserver::see_gates(const RecurrentLayer& layer, const ops::Pass& pass, std::int64_t row, std::int64_t d,
                                  Census& census) const {
  const auto rows = static_cast<std::int64_t>(layer.gates.size()) * layer.hidden;
  const float* in = pass.src[0] + row * layer.positions * layer.inputs;
  const float* out = pass.dst + row * layer.rows * layer.units();
  const float* weight = pass.parameters[0] + d * layer.width * layer.inputs;
  const float* recurrent = pass.parameters[1] + d * layer.width * layer.hidden;
  const float* bias = pass.parameters[2] + d * 2 * layer.width;
  census.before.assign(place(layer.positions * layer.hidden), 0.0f);
  for (std::int64_t step = 0; step < layer.positions; ++step) {
    const float* state = step > 0              ? out + layer.at(d, step - 1) * layer.units() + d * layer.hidden
                         : pass.src.size() > 1 ? pass.src[1] + row * layer.units() + d * layer.hidden
                                               : nullptr;
    if (state != nullptr) std::copy_n(state, layer.hidden, census.before.data() + layer.at(d, step) * layer.hidden);
  }
  census.z.resize(place(layer.positions * rows));
  for (std::int64_t t = 0; t < layer.positions; ++t)
    for (std::int64_t k = 0; k < rows; ++k) census.z[place(t * rows + k)] = bias[k] + bias[layer.width + k];
  onednn::gemm(Transpose::kNo, Transpose::kYes, layer.positions, rows, layer.inputs, in, layer.inputs, weight, layer.inputs, 1.0f,
               census.z.data(), rows);
  onednn::gemm(Transpose::kNo, Transpose::kYes, layer.positions, rows, layer.hidden, census.before.data(), layer.hidden, recurrent,
               layer.hidden, 1.0f, census.z.data(), rows);
  for (std::int64_t t = 0; t < layer.positions; ++t)
    for (std::int64_t k = 0; k < rows; ++k)
      count(census.z[place(t * rows + k)], place(d * layer.hidden + k % layer.hidden), census.tallies[place(k / layer.hidden)]);
}

void RecurrentObserver::count(float z, std::size_t unit, Tally& tally) const {
  const double value = 1.0 / (1.0 + std::exp(-static_cast<double>(z)));
  tally.sum[unit] += value;
  if (value * (1.0 - value) < eps_) (value < 0.5 ? tally.closed : tally.open)[unit] += 1.0;
}

RecurrentObserver::Census RecurrentObserver::total(std::size_t layer) const {
  Census all = empty(layers_[layer]);
  for (const std::vector<Census>& lane : lanes_) {
    const Census& part = lane[layer];
    all.n += part.n;
    add(all.sum, part.sum);
    add(all.flat, part.flat);
    for (std::size_t unit = 0; unit < all.largest.size(); ++unit) all.largest[unit] = std::fmax(all.largest[unit], part.largest[unit]);
    for (std::size_t gate = 0; gate < all.tallies.size(); ++gate) {
      add(all.tallies[gate].closed, part.tallies[gate].closed);
      add(all.tallies[gate].open, part.tallies[gate].open);
      add(all.tallies[gate].sum, part.tallies[gate].sum);
    }
  }
  return all;
}

std::vector<RecurrentDiagnosis> RecurrentObserver::judge() const {
  std::vector<RecurrentDiagnosis> all;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Node& node = model_.graph().nodes()[place(layers_[l].node)];
    const Census census = total(l);
    const auto share = [&](double count) { return census.n > 0 ? count / static_cast<double>(census.n) : 0.0; };
    const bool relu = node.attributes.get_or<std::int64_t>("relu", 0) != 0;
    RecurrentDiagnosis& found = all.emplace_back(RecurrentDiagnosis{
        .name = node.name, .op = node.op, .units = layers_[l].units(), .positions = layers_[l].positions, .n = census.n});
    for (std::size_t unit = 0; unit < census.largest.size(); ++unit) {
      const bool dead = census.largest[unit] <= (relu ? health::kNumericallyZero : kNoOutput);
      found.lives.push_back({.dead = dead,
                             .saturated = node.op == "rnn" && !relu && !dead && share(census.flat[unit]) >= health::kSaturatedShare,
                             .abs_mean = share(census.sum[unit]),
                             .abs_max = census.largest[unit]});
    }
    for (std::size_t gate = 0; gate < census.tallies.size(); ++gate) {
      GateDiagnosis& judged = found.gates.emplace_back(GateDiagnosis{.name = layers_[l].gates[gate], .closed = {}, .open = {}, .mean = {}});
      for (std::size_t unit = 0; unit < census.largest.size(); ++unit) {
        judged.closed.push_back(share(census.tallies[gate].closed[unit]));
        judged.open.push_back(share(census.tallies[gate].open[unit]));
        judged.mean.push_back(share(census.tallies[gate].sum[unit]));
      }
    }
  }
  return all;
}

namespace {

// ---- Findings.

// What stuck units of a gate mean, and what helps.
struct Meaning {
  std::string_view gate;
  bool open;
  const char* words;
  const char* remedy;
};
constexpr Meaning kMeanings[] = {
    {"input", false, "nothing goes into these cells", "a bias of the input gate near 0, or smaller inputs"},
    {"input", true, "these cells take in everything", "smaller weights or inputs, or layer norm"},
    {"output", false, "these cells are never read", "a bias of the output gate near 0"},
    {"output", true, "these cells are always read", "smaller weights or inputs, or layer norm"},
    {"forget", false, "these cells remember nothing beyond a step", "a bias of the forget gate of 1 (Gers et al. 2000)"},
    {"forget", true, "these cells forget nothing: c only grows by what goes in", "a bias of the forget gate of about 1"},
    {"update", false, "these units keep nothing of their state", "a bias of the update gate near 0"},
    {"update", true, "these units never change their state", "a bias of the update gate near 0"},
    {"reset", false, "what is new does not look at the state", "a bias of the reset gate near 0"},
    {"reset", true, "what is new looks at the whole state, always", "smaller weights or inputs, or layer norm"},
};

class Finder {
 public:
  Finder(const engine::Model& model, const Diagnosis& diagnosis, std::vector<Finding>& findings)
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
    const auto node = std::ranges::find(model_.graph().nodes(), layer.name, &Node::name) - model_.graph().nodes().begin();
    double rows = 0.0, numbers = 0.0;
    for (const int own : model_.parameters_of(static_cast<int>(node))) {
      const engine::Parameter& parameter = model_.parameters()[place(own)];
      if (rows == 0.0) rows = static_cast<double>(parameter.shape[0] * parameter.shape[1]);
      numbers += static_cast<double>(parameter.size);
    }
    return trained_ > 0.0 ? static_cast<double>(units) * gates * numbers / rows / trained_ : 0.0;
  }

  std::string where(const RecurrentDiagnosis& layer) const {
    return fmt::format("n = {}: {} examples of {} x {} steps", layer.n, diagnosis_.examples, diagnosis_.data, layer.positions);
  }

  void add(const RecurrentDiagnosis& layer, std::string_view what, std::vector<std::int64_t> units, double cost, std::string evidence,
           std::string remedy) {
    findings_.push_back({std::string(what), layer.name, std::move(units), std::min(1.0, cost), std::move(evidence), std::move(remedy)});
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
    for (const auto& [cause, count] : causes) text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", cause, count);
    add(layer, kDeadUnits, dead, share_of(layer, dead.size(), std::max<double>(1.0, all_gates(layer))),
        fmt::format("{} of {} hidden units put out 0 at every step ({}). Cause: {}", dead.size(), layer.units, where(layer), text),
        "draw their weights anew, with biases near 0; undying revive does not change recurrent layers");
  }

  static double all_gates(const RecurrentDiagnosis& layer) { return layer.op == "lstm" ? 4.0 : layer.op == "gru" ? 3.0 : 1.0; }

  void look_for_saturated(const RecurrentDiagnosis& layer) {
    const auto those = units(layer, [&](std::size_t unit) { return layer.lives[unit].saturated; });
    if (those.empty()) return;
    add(layer, kSaturatedUnits, those, share_of(layer, those.size(), 1.0),
        fmt::format("{} of {} hidden units have |f'| < {} on at least {:.0f}% of all steps ({})", those.size(), layer.units,
                    diagnosis_.saturation_eps, 100.0 * health::kSaturatedShare, where(layer)),
        "smaller weights or inputs, or layer norm");
  }

  // A unit that is dead has its own finding.
  void look_at_gate(const RecurrentDiagnosis& layer, const GateDiagnosis& gate, bool open) {
    const auto those = units(layer, [&](std::size_t unit) { return gate.is_stuck(unit, open) && !layer.lives[unit].dead; });
    if (those.empty()) return;
    const auto meaning = std::ranges::find_if(kMeanings, [&](const Meaning& each) { return each.gate == gate.name && each.open == open; });
    add(layer, kStuckGates, those, share_of(layer, those.size(), 1.0),
        fmt::format(
            "the {} gate of {} of {} hidden units stands at {} on at least {:.0f}% of all steps, where it does not learn (g (1 - g) "
            "< {}; {}): {}",
            gate.name, those.size(), layer.units, open ? 1 : 0, 100.0 * health::kSaturatedShare, diagnosis_.saturation_eps, where(layer),
            meaning->words),
        meaning->remedy);
  }

  const engine::Model& model_;
  const Diagnosis& diagnosis_;
  std::vector<Finding>& findings_;
  double trained_ = 0.0;
};

}  // namespace

void find_in_recurrent(const engine::Model& model, const Diagnosis& diagnosis, std::vector<Finding>& findings) {
  Finder finder(model, diagnosis, findings);
  for (const RecurrentDiagnosis& layer : diagnosis.recurrent) finder.look_at(layer);
}

}  // namespace undying::doctor
