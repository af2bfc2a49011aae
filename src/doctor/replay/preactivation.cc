#include "doctor/replay/preactivation.h"

#include <algorithm>
#include <map>
#include <set>

#include "activations/scalar.h"
#include "engine/engine.h"
#include "train/source.h"

namespace undying::doctor {
namespace {

using Role = ops::ParameterSpec::Role;

// Looks at the outputs of the network, which are z: (rows, units, positions), or (rows, positions,
// units).
class RangesObserver final : public engine::PassObserver {
 public:
  RangesObserver(const engine::Layer& layer, bool by_unit, std::span<const std::uint32_t> rows)
      : units_(layer.units),
        positions_(layer.positions),
        by_unit_(by_unit),
        threshold_(static_cast<float>(activations::firing_threshold(layer.activation))),
        rows_(rows) {}

  void begin(const engine::Plan& plan) override {
    lanes_.assign(static_cast<std::size_t>(plan.lanes()),
                  std::vector<Range>(static_cast<std::size_t>(units_)));
  }

  void finish(const engine::Chunk& chunk) override {
    const float* z = chunk.shard.outputs[0];
    for (std::int64_t row = 0; row < chunk.rows; ++row, z += units_ * positions_)
      for (std::int64_t unit = 0; unit < units_; ++unit)
        lanes_[chunk.lane][unit].add(range_of(z, unit, rows_[chunk.first + row]));
  }

  std::vector<Range> total() const {
    std::vector<Range> all(static_cast<std::size_t>(units_));
    for (const std::vector<Range>& lane : lanes_)
      for (std::size_t unit = 0; unit < all.size(); ++unit) all[unit].add(lane[unit]);
    return all;
  }

 private:
  // Of one unit in one row.
  Range range_of(const float* z, std::int64_t unit, std::uint32_t row) const {
    z += by_unit_ ? unit * positions_ : unit;
    const std::int64_t stride = by_unit_ ? 1 : units_;
    float largest = -std::numeric_limits<float>::infinity(), least = -largest;
    double sum = 0.0;
    std::int64_t fired = 0;
    for (std::int64_t at = 0; at < positions_ * stride; at += stride) {
      largest = std::max(largest, z[at]);
      least = std::min(least, z[at]);
      sum += static_cast<double>(z[at]);
      fired += z[at] > threshold_;
    }
    return {static_cast<double>(largest), static_cast<double>(least), sum, fired, positions_, row};
  }

  std::int64_t units_, positions_;
  bool by_unit_;
  float threshold_;
  std::span<const std::uint32_t> rows_;
  std::vector<std::vector<Range>> lanes_;
};

// Nodes whose tensors z reads without another activation, or other weights, in between.
void find_own(const Graph& graph, int at, std::set<int>& own) {
  const Node& node = graph.nodes()[at];
  if (ops::is_input(node) || ops::activation_of(node) != nullptr || own.contains(at)) return;
  const ops::Kind kind = ops::traits_of(node).kind;
  if (kind == ops::Kind::kMixed || kind == ops::Kind::kTable) return;
  own.insert(at);
  if (kind == ops::Kind::kWeights) return;
  for (const int input : node.inputs) find_own(graph, input, own);
}

// Of a tensor that z reads itself.
Part own_part(const Node& node, Role role) {
  const bool statistic = role == Role::kRunningMean || role == Role::kRunningVariance;
  if (statistic) return Part::kStatistics;
  const bool added = ops::traits_of(node).kind == ops::Kind::kTensor;
  return role == Role::kBias || role == Role::kShift || added ? Part::kBias : Part::kWeights;
}

bool lies_by_unit(const engine::Model& network, const engine::Layer& layer) {
  const int z = network.graph().nodes()[layer.node].inputs[0];
  return layer.counted == engine::Layer::Counted::kByUnit ||
         (layer.counted == engine::Layer::Counted::kPooled &&
          network.node_values()[z].layout == ops::Layout::kChannelsLast);
}

}  // namespace

void Range::add(const Range& other) {
  if (other.largest > largest) {
    largest = other.largest;
    row = other.row;
  }
  least = std::min(least, other.least);
  sum += other.sum;
  fired += other.fired;
  n += other.n;
}

Snapshot snapshot(engine::Model& model, std::int64_t step) {
  const std::span<const float> statistics = model.statistics();
  return {step,
          {model.trained(), model.trained() + model.trained_size()},
          {statistics.begin(), statistics.end()}};
}

Preactivation::Preactivation(const engine::Model& network, std::size_t layer, int lanes,
                             int threads)
    : network_(network), layer_(network.layers()[layer]) {
  const Graph& graph = network.graph();
  const int z = graph.nodes()[layer_.node].inputs[0];
  if (!ops::is_input(graph.nodes()[z])) {
    model_ = std::make_unique<engine::Model>(cut(graph, {z}));
    sort_tensors();
  }
  if (parts_.empty()) {
    obstacle_ = "no linear layer or convolution leads into it";
    return;
  }
  runner_ = std::make_unique<engine::Runner>(
      *model_,
      engine::RunnerOptions{
          .lanes = lanes, .threads = threads, .most_rows = engine::evaluation_rows(*model_)});
}

void Preactivation::sort_tensors() {
  const Graph& graph = model_->graph();
  std::set<int> own;
  find_own(graph, graph.outputs().front(), own);
  const auto makes_units = [&](int node) { return ops::makes_units(graph.nodes()[node]); };
  if (std::ranges::none_of(own, makes_units)) return;
  // A tensor that several nodes share is of the nearest part.
  std::map<int, Part> part_of;
  for (int node = 0; node < static_cast<int>(graph.nodes().size()); ++node)
    for (const int index : model_->parameters_of(node))
      if (own.contains(node))
        part_of[index] = own_part(graph.nodes()[node], model_->parameters()[index].role);
      else
        part_of.emplace(index, Part::kBelow);
  std::set<Part> parts;
  const auto& there = network_.parameters();
  for (const auto& [index, part] : part_of) {
    const auto same =
        std::ranges::find(there, model_->parameters()[index].name, &engine::Parameter::name);
    tensors_.push_back({index, static_cast<int>(same - there.begin()), part});
    parts.insert(part);
  }
  parts_.assign(parts.begin(), parts.end());
}

std::vector<Range> Preactivation::measure(const Mix& mix, const Dataset& data,
                                          std::span<const std::uint32_t> rows) {
  for (const Tensor& tensor : tensors_) {
    const engine::Parameter& from = network_.parameters()[tensor.there];
    const Snapshot& of = *mix[static_cast<std::size_t>(tensor.part)];
    std::copy_n((from.trained ? of.trained : of.statistics).data() + from.offset, from.size,
                model_->values(model_->parameters()[tensor.here]));
  }
  RangesObserver ranges(layer_, lies_by_unit(network_, layer_), rows);
  engine::PassObserver* const observers[] = {&ranges};
  const auto step = mix[static_cast<std::size_t>(Part::kBelow)]->step;
  runner_->run({.source = train::DatasetSource(data, rows),
                .rows = static_cast<std::int64_t>(rows.size()),
                .step = static_cast<std::uint64_t>(step),
                .observers = observers});
  return ranges.total();
}

}  // namespace undying::doctor
