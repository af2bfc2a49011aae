#include "doctor/diagnose/recurrent.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "health/judge.h"
#include "onednn/gemm.h"

namespace undying::doctor {

struct RecurrentLayer {
  int node = 0;
  std::int64_t inputs = 0, hidden = 0, directions = 1, positions = 0;
  std::int64_t rows = 0;   // of the output, which may hold the last cells, too
  std::int64_t width = 0;  // numbers of a direction that stand before its activations
  bool reverse = false;
  std::vector<std::string> gates;

  std::int64_t units() const { return directions * hidden; }
  // Where step number `step` of a direction stands.
  std::int64_t at(std::int64_t d, std::int64_t step) const {
    return reverse || d == 1 ? positions - 1 - step : step;
  }
};

namespace {

using onednn::Transpose;

// Of |h|, which tanh keeps below 1: what float32 makes of the layer behind.
constexpr double kNoOutput = 1e-6;

RecurrentLayer layer_of(const engine::Model& model, int node) {
  const Graph& graph = model.graph();
  const Node& own = graph.nodes()[place(node)];
  const Shape& in = graph.shapes()[place(own.inputs[0])];
  const auto gates = ops::traits_of(own).gates;
  const Shape& weight = model.parameters()[place(model.parameters_of(node)[0])].shape;
  return {.node = node,
          .inputs = in[1],
          .hidden = own.attributes.get<std::int64_t>("hidden"),
          .directions = weight[0],
          .positions = in[0],
          .rows = graph.shapes()[place(node)][0],
          .width = weight[1],
          .reverse = own.attributes.get_or<std::int64_t>("reverse", 0) != 0,
          .gates = {gates.begin(), gates.end()}};
}

}  // namespace

// Counts the units of one layer over examples.
class RecurrentCensus {
 public:
  RecurrentCensus(const engine::Model& model, const RecurrentLayer& layer, double eps)
      : model_(model),
        layer_(layer),
        eps_(eps),
        largest_(place(layer.units())),
        sum_(largest_),
        flat_(largest_),
        tallies_(layer.gates.size()) {
    for (Tally& tally : tallies_)
      tally.closed = tally.open = tally.sum = std::vector<double>(largest_.size());
  }

  // `values`: what goes in (positions, inputs), what comes out, and where there are some the first
  // states (directions, hidden).
  void see(const float* in, const float* out, const float* first) {
    for (std::int64_t d = 0; d < layer_.directions; ++d) {
      see_states(out, d);
      if (!tallies_.empty()) see_gates(in, out, first, d);
    }
    n_ += layer_.positions;
  }

  // What another of the same layer has seen, too.
  void add(const RecurrentCensus& other) {
    n_ += other.n_;
    for (std::size_t unit = 0; unit < largest_.size(); ++unit) {
      largest_[unit] = std::max(largest_[unit], other.largest_[unit]);
      sum_[unit] += other.sum_[unit];
      flat_[unit] += other.flat_[unit];
    }
    for (std::size_t gate = 0; gate < tallies_.size(); ++gate)
      for (const auto member : {&Tally::closed, &Tally::open, &Tally::sum})
        std::ranges::transform(tallies_[gate].*member, other.tallies_[gate].*member,
                               (tallies_[gate].*member).begin(), std::plus<>());
  }

  RecurrentDiagnosis judge(const Node& node) const {
    const bool relu = node.attributes.get_or<std::int64_t>("relu", 0) != 0;
    RecurrentDiagnosis found{.name = node.name,
                             .op = node.op,
                             .units = layer_.units(),
                             .positions = layer_.positions,
                             .n = n_};
    for (std::size_t unit = 0; unit < largest_.size(); ++unit) {
      const bool dead = largest_[unit] <= (relu ? health::kNumericallyZero : kNoOutput);
      found.lives.push_back({.dead = dead,
                             .saturated = layer_.gates.empty() && !relu && !dead &&
                                          share(flat_[unit]) >= health::kSaturatedShare,
                             .abs_mean = share(sum_[unit]),
                             .abs_max = largest_[unit]});
    }
    for (std::size_t gate = 0; gate < tallies_.size(); ++gate)
      found.gates.push_back(judge_gate(gate));
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
        const double h =
            std::fabs(static_cast<double>(out[t * layer_.units() + d * layer_.hidden + k]));
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
      const float* state = step > 0
                               ? out + layer_.at(d, step - 1) * layer_.units() + d * layer_.hidden
                           : first != nullptr ? first + d * layer_.hidden
                                              : nullptr;
      if (state != nullptr)
        std::copy_n(state, layer_.hidden, before_.data() + layer_.at(d, step) * layer_.hidden);
    }
    z_.resize(place(layer_.positions * rows));
    for (std::int64_t t = 0; t < layer_.positions; ++t)
      for (std::int64_t k = 0; k < rows; ++k)
        z_[place(t * rows + k)] = bias[k] + bias[layer_.width + k];
    onednn::gemm(Transpose::kNo, Transpose::kYes, layer_.positions, rows, layer_.inputs, in,
                 layer_.inputs, weight, layer_.inputs, 1.0f, z_.data(), rows);
    onednn::gemm(Transpose::kNo, Transpose::kYes, layer_.positions, rows, layer_.hidden,
                 before_.data(), layer_.hidden, recurrent, layer_.hidden, 1.0f, z_.data(), rows);
    for (std::int64_t t = 0; t < layer_.positions; ++t)
      for (std::int64_t k = 0; k < rows; ++k)
        count(z_[place(t * rows + k)], place(k / layer_.hidden),
              place(d * layer_.hidden + k % layer_.hidden));
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
  RecurrentLayer layer_;
  double eps_;
  std::int64_t n_ = 0;
  std::vector<double> largest_, sum_, flat_;  // of |h|, and steps on which tanh has no slope
  std::vector<Tally> tallies_;
  std::vector<float> before_, z_;
};

RecurrentObserver::RecurrentObserver(const engine::Model& model, double eps)
    : model_(model), eps_(eps) {
  const std::vector<Node>& nodes = model.graph().nodes();
  for (int at = 0; at < static_cast<int>(nodes.size()); ++at)
    if (ops::traits_of(nodes[place(at)]).recurrent) nodes_.push_back(at);
}

RecurrentObserver::~RecurrentObserver() = default;

void RecurrentObserver::begin(const engine::Plan& plan) {
  plan_ = &plan;
  lanes_.clear();
  for (int lane = 0; lane < plan.lanes(); ++lane) {
    auto& layers = lanes_.emplace_back();
    for (const int node : nodes_) layers.emplace_back(model_, layer_of(model_, node), eps_);
  }
}

void RecurrentObserver::after(const engine::Chunk& chunk, int step) {
  const auto found = std::ranges::find(nodes_, plan_->steps()[place(step)].node);
  if (found == nodes_.end()) return;
  const auto size_of = [&](int node) {
    return ops::element_count(model_.graph().shapes()[place(node)]);
  };
  const std::vector<int>& inputs = model_.graph().nodes()[place(*found)].inputs;
  const ops::Pass& pass = chunk.pass(step);
  RecurrentCensus& census = lanes_[place(chunk.lane)][place(found - nodes_.begin())];
  for (std::int64_t row = 0; row < chunk.rows; ++row)
    census.see(pass.src[0] + row * size_of(inputs[0]), pass.dst + row * size_of(*found),
               inputs.size() > 1 ? pass.src[1] + row * size_of(inputs[1]) : nullptr);
}

std::vector<RecurrentDiagnosis> RecurrentObserver::judge() const {
  std::vector<RecurrentDiagnosis> all;
  for (std::size_t l = 0; l < nodes_.size(); ++l) {
    RecurrentCensus census = lanes_.front()[l];
    for (std::size_t lane = 1; lane < lanes_.size(); ++lane) census.add(lanes_[lane][l]);
    all.push_back(census.judge(model_.graph().nodes()[place(nodes_[l])]));
  }
  return all;
}

}  // namespace undying::doctor
