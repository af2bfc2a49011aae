#include "doctor/diagnose/recurrent.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "doctor/diagnose/finding_names.h"
#include "doctor/diagnose/probe.h"
#include "health/judge.h"
#include "onednn/gemm.h"

namespace undying::doctor {
namespace {

using onednn::Transpose;

// Of |h|, which tanh keeps below 1: what float32 makes of the layer behind.
constexpr double kNoOutput = 1e-6;

std::size_t place(std::int64_t i) { return static_cast<std::size_t>(i); }

// The sigmoid gates of a recurrent operator, as its weights have them from the front.
std::vector<std::string> gates_of(const std::string& op) {
  if (op == "lstm") return {"input", "output", "forget"};
  return op == "gru" ? std::vector<std::string>{"update", "reset"} : std::vector<std::string>{};
}

struct Layer {
  int node = 0;
  std::int64_t inputs = 0, hidden = 0, directions = 1, positions = 0;
  std::int64_t rows = 0;   // of the output, which may hold the last cells, too
  std::int64_t width = 0;  // numbers of a direction that stand before its activations
  bool reverse = false;
  std::vector<std::string> gates;

  std::int64_t units() const { return directions * hidden; }
  // Where step number `step` of a direction stands.
  std::int64_t at(std::int64_t d, std::int64_t step) const { return reverse || d == 1 ? positions - 1 - step : step; }
};

Layer layer_of(const engine::Model& model, int node) {
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

// Counts the units of one layer over examples.
class Census {
 public:
  Census(const engine::Model& model, const Layer& layer, double eps)
      : model_(model),
        layer_(layer),
        eps_(eps),
        largest_(place(layer.units())),
        sum_(largest_),
        flat_(largest_),
        tallies_(layer.gates.size()) {
    for (Tally& tally : tallies_) tally.closed = tally.open = tally.sum = std::vector<double>(largest_.size());
  }

  // `values`: what goes in (positions, inputs), what comes out, and where there are some the first states (directions, hidden).
  void see(const float* in, const float* out, const float* first) {
    for (std::int64_t d = 0; d < layer_.directions; ++d) {
      see_states(out, d);
      if (!tallies_.empty()) see_gates(in, out, first, d);
    }
    n_ += layer_.positions;
  }

  RecurrentDiagnosis judge(const Node& node) const {
    const bool relu = node.attributes.get_or<std::int64_t>("relu", 0) != 0;
    RecurrentDiagnosis found{.name = node.name, .op = node.op, .units = layer_.units(), .positions = layer_.positions, .n = n_};
    for (std::size_t unit = 0; unit < largest_.size(); ++unit) {
      const bool dead = largest_[unit] <= (relu ? health::kNumericallyZero : kNoOutput);
      found.lives.push_back({.dead = dead,
                             .saturated = node.op == "rnn" && !relu && !dead && share(flat_[unit]) >= health::kSaturatedShare,
                             .abs_mean = share(sum_[unit]),
                             .abs_max = largest_[unit]});
    }
    for (std::size_t gate = 0; gate < tallies_.size(); ++gate) found.gates.push_back(judge_gate(gate));
    return found;
  }

 private:
  struct Tally {
    std::vector<double> closed, open, sum;
  };

  double share(double count) const { return n_ > 0 ? count / static_cast<double>(n_) : 0.0; }

  GateDiagnosis judge_gate(std::size_t gate) const {
    GateDiagnosis found{.name = layer_.gates[gate]};
    for (std::size_t unit = 0; unit < largest_.size(); ++unit) {
      found.closed.push_back(share(tallies_[gate].closed[unit]));
      found.open.push_back(share(tallies_[gate].open[unit]));
      found.mean.push_back(share(tallies_[gate].sum[unit]));
    }
    return found;
  }

  void see_states(const float* out, std::int64_t d) {
    for (std::int64_t t = 0; t < layer_.positions; ++t)
      for (std::int64_t k = 0; k < layer_.hidden; ++k) {
        const double h = std::fabs(static_cast<double>(out[t * layer_.units() + d * layer_.hidden + k]));
        const std::size_t unit = place(d * layer_.hidden + k);
        largest_[unit] = std::fmax(largest_[unit], h);
        sum_[unit] += h;
        flat_[unit] += 1.0 - h * h < eps_ ? 1.0 : 0.0;
      }
  }

  // All gates of all steps at once: the states are known.
  void see_gates(const float* in, const float* out, const float* first, std::int64_t d) {
    const std::int64_t rows = static_cast<std::int64_t>(layer_.gates.size()) * layer_.hidden;
    const float* weight = parameter(0) + d * layer_.width * layer_.inputs;
    const float* recurrent = parameter(1) + d * layer_.width * layer_.hidden;
    const float* bias = parameter(2) + d * 2 * layer_.width;
    before_.assign(place(layer_.positions * layer_.hidden), 0.0f);
    for (std::int64_t step = 0; step < layer_.positions; ++step) {
      const float* state = step > 0           ? out + layer_.at(d, step - 1) * layer_.units() + d * layer_.hidden
                           : first != nullptr ? first + d * layer_.hidden
                                              : nullptr;
      if (state != nullptr) std::copy_n(state, layer_.hidden, before_.data() + layer_.at(d, step) * layer_.hidden);
    }
    z_.resize(place(layer_.positions * rows));
    for (std::int64_t t = 0; t < layer_.positions; ++t)
      for (std::int64_t k = 0; k < rows; ++k) z_[place(t * rows + k)] = bias[k] + bias[layer_.width + k];
    onednn::gemm(Transpose::kNo, Transpose::kYes, layer_.positions, rows, layer_.inputs, in, layer_.inputs, weight, layer_.inputs, 1.0f,
                 z_.data(), rows);
    onednn::gemm(Transpose::kNo, Transpose::kYes, layer_.positions, rows, layer_.hidden, before_.data(), layer_.hidden, recurrent,
                 layer_.hidden, 1.0f, z_.data(), rows);
    for (std::int64_t t = 0; t < layer_.positions; ++t)
      for (std::int64_t k = 0; k < rows; ++k)
        count(z_[place(t * rows + k)], place(k / layer_.hidden), place(d * layer_.hidden + k % layer_.hidden));
  }

  void count(float z, std::size_t gate, std::size_t unit) {
    const double value = 1.0 / (1.0 + std::exp(-static_cast<double>(z)));
    Tally& tally = tallies_[gate];
    tally.sum[unit] += value;
    if (value * (1.0 - value) < eps_) (value < 0.5 ? tally.closed : tally.open)[unit] += 1.0;
  }

  const float* parameter(std::size_t which) const {
    return model_.values(model_.parameters()[place(model_.parameters_of(layer_.node)[which])]);
  }

  const engine::Model& model_;
  Layer layer_;
  double eps_;
  std::int64_t n_ = 0;
  std::vector<double> largest_, sum_, flat_;  // of |h|, and steps on which tanh has no slope
  std::vector<Tally> tallies_;
  std::vector<float> before_, z_;
};

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

std::vector<RecurrentDiagnosis> judge_recurrent(const engine::Model& model, const Dataset& data, const DiagnoseSettings& settings) {
  const std::vector<Node>& nodes = model.graph().nodes();
  std::vector<Census> layers;
  std::vector<int> watched;  // of each layer what goes in, what comes out, and first states, if there are any
  std::vector<std::vector<std::size_t>> places;
  for (int at = 0; at < static_cast<int>(nodes.size()); ++at) {
    if (nodes[place(at)].op != "lstm" && nodes[place(at)].op != "gru" && nodes[place(at)].op != "rnn") continue;
    layers.emplace_back(model, layer_of(model, at), settings.saturation_eps);
    std::vector<int> of = {nodes[place(at)].inputs[0], at};
    if (nodes[place(at)].inputs.size() > 1) of.push_back(nodes[place(at)].inputs[1]);
    places.emplace_back();
    for (const int node : of) {
      const auto known = std::ranges::find(watched, node);
      places.back().push_back(static_cast<std::size_t>(known - watched.begin()));
      if (known == watched.end()) watched.push_back(node);
    }
  }
  std::vector<RecurrentDiagnosis> found;
  if (layers.empty()) return found;
  std::vector<std::uint32_t> all(place(data.size));
  std::iota(all.begin(), all.end(), 0u);
  Probe(model, watched).run(data, all, [&](std::int64_t, std::int64_t rows, std::span<const float* const> values) {
    const auto example = [&](std::size_t which, std::int64_t row) {
      std::int64_t size = 1;
      for (const std::int64_t extent : model.graph().shapes()[place(watched[which])]) size *= extent;
      return values[which] + row * size;
    };
    for (std::size_t l = 0; l < layers.size(); ++l)
      for (std::int64_t row = 0; row < rows; ++row)
        layers[l].see(example(places[l][0], row), example(places[l][1], row), places[l].size() > 2 ? example(places[l][2], row) : nullptr);
  });
  for (std::size_t l = 0; l < layers.size(); ++l) found.push_back(layers[l].judge(nodes[place(watched[places[l][1]])]));
  return found;
}

void find_in_recurrent(const engine::Model& model, const Diagnosis& diagnosis, std::vector<Finding>& findings) {
  Finder finder(model, diagnosis, findings);
  for (const RecurrentDiagnosis& layer : diagnosis.recurrent) finder.look_at(layer);
}

}  // namespace undying::doctor
