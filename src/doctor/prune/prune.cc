// Pruning: a census says what is useless (prune/selection.h), the network is cut and its weights
// with it, constants move into the biases behind; then old and new answer the whole data set, and
// what differs by more than rounding is refused.

#include "undying/prune.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>

#include "doctor/diagnose/layer_outputs.h"
#include "doctor/network.h"
#include "doctor/prune/branches.h"
#include "doctor/prune/shrink.h"
#include "engine/engine.h"
#include "engine/passes/census.h"
#include "health/judge.h"
#include "train/source.h"
#include "trial/statistics.h"
#include "undying/error.h"

namespace undying {
namespace {

using doctor::index;
using doctor::Selection;
using doctor::UnitFacts;
using doctor::UnitFlow;
using trial::kNan;

// Relative spread of a constant: what float32 sums of equal numbers are good to.
constexpr double kRounding = 1e-6;
constexpr std::int64_t kBlock = 1024;  // examples whose outputs are compared at a time
constexpr std::int64_t kTimed = 64;    // examples of a timed run
constexpr int kFewestRuns = 5;
constexpr int kMostRuns = 31;
constexpr double kTimedSeconds = 2.0;  // for all runs together

// A network with one input and one output, and what runs it.
class Running {
 public:
  Running(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data, int threads,
          std::int64_t memory)
      : data_(data),
        order_(train::identity_order(data.size)),
        model_(doctor::make_model(packed(graph), weights)),
        width_(ops::element_count(model_.graph().output_shape())),
        runner_(model_, {.lanes = threads,
                         .threads = threads,
                         .most_rows = engine::evaluation_rows(model_),
                         .memory = memory}) {}

  const engine::Model& model() const { return model_; }

  std::vector<float> outputs(std::int64_t first, std::int64_t rows) {
    std::vector<float> values(static_cast<std::size_t>(rows * width_));
    engine::OutputObserver copied(values.data());
    engine::PassObserver* const observers[] = {&copied};
    const auto part =
        std::span(order_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows));
    runner_.run(
        {.source = train::DatasetSource(data_, part), .rows = rows, .observers = observers});
    return values;
  }

  void watch(std::span<engine::PassObserver* const> observers) {
    runner_.run({.source = train::DatasetSource(data_, order_),
                 .rows = data_.size,
                 .observers = observers});
  }

  double seconds(std::int64_t rows) {
    const auto begin = std::chrono::steady_clock::now();
    outputs(0, rows);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

 private:
  const Dataset& data_;
  std::vector<std::uint32_t> order_;
  engine::Model model_;
  std::int64_t width_;
  engine::Runner runner_;
};

// A unit of an activation as the data shows it, and its entries in the flow.
struct Seen {
  bool dead = false;
  bool constant = false;
  double value = kNan;  // what it gives on every example
  std::vector<int> entries;
};

struct SeenLayer {
  const engine::Layer* layer;
  std::vector<Seen> units;
};

// ---- What the data shows.

class Look {
 public:
  Look(Running& running, const UnitFlow& flow, const Dataset& data)
      : model_(running.model()), flow_(flow), data_(data) {
    engine::CensusObserver census(1e-3f);
    doctor::RangeObserver ranges(model_);
    engine::PassObserver* const observers[] = {&census, &ranges};
    running.watch(observers);
    const engine::Census counted = census.total();
    for (const engine::Layer& layer : model_.layers())
      layers_.push_back({&layer, judged(layer, counted)});
    for (std::size_t l = 0; l < layers_.size(); ++l) settle_constants(layers_[l], l, ranges);
    for (SeenLayer& layer : layers_) find_entries(layer);
  }

  const std::vector<SeenLayer>& layers() const { return layers_; }
  const std::string& name_of(const SeenLayer& seen) const {
    return model_.graph().nodes()[index(seen.layer->node)].name;
  }

  std::vector<double> by_entry() const {
    std::vector<double> values(index(flow_.entries()), kNan);
    for (const SeenLayer& layer : layers_)
      for (const Seen& unit : layer.units)
        for (const int entry : unit.entries) values[index(entry)] = unit.value;
    return values;
  }

 private:
  std::vector<Seen> judged(const engine::Layer& layer, const engine::Census& census) const {
    std::vector<Seen> units;
    for (std::int64_t unit = 0; unit < layer.units; ++unit) {
      const health::Counts counts = health::counts_of(layer, census, unit, data_.size);
      const bool dead = health::state_of(counts, layer.activation) == UnitState::kDead;
      units.push_back({.dead = dead,
                       .constant = health::is_constant(counts, layer.activation),
                       .value = dead ? 0.0 : kNan,
                       .entries = {}});
    }
    return units;
  }

  // A census says that a unit is constant from sums, in which a single example that differs may
  // hide: its value is what every example shows.
  static void settle_constants(SeenLayer& layer, std::size_t l,
                               const doctor::RangeObserver& ranges) {
    if (layer.layer->activation.info().width != 1) return;
    for (std::size_t unit = 0; unit < layer.units.size(); ++unit) {
      const auto [least, most] = ranges.of(l, static_cast<std::int64_t>(unit));
      const double middle = (static_cast<double>(least) + most) / 2.0;
      if (layer.units[unit].constant &&
          static_cast<double>(most) - least <= kRounding * std::fabs(middle))
        layer.units[unit].value = middle;
    }
  }

  // Nodes keep their names where a network is packed. Units behind a flatten are elements of the
  // value.
  void find_entries(SeenLayer& seen) const {
    const engine::Layer& layer = *seen.layer;
    const auto& nodes = flow_.model().graph().nodes();
    const std::string& name = model_.graph().nodes()[index(layer.node)].name;
    const auto at = static_cast<int>(std::ranges::find(nodes, name, &Node::name) - nodes.begin());
    const UnitFlow::Units units = flow_.units(at);
    const bool pooled = layer.counted == engine::Layer::Counted::kPooled;
    const std::int64_t places = pooled ? 1 : layer.positions;
    const ops::Value& value = flow_.model().node_values()[index(at)];
    const int axis =
        value.layout == ops::Layout::kChannelsLast ? 0 : static_cast<int>(value.shape.size()) - 1;
    if (units.axis != axis || units.count != layer.units * places) return;
    for (std::int64_t unit = 0; unit < layer.units; ++unit)
      for (std::int64_t place = 0; place < places; ++place) {
        const std::int64_t own = pooled ? unit : doctor::element_of(model_, layer, unit, place);
        seen.units[unit].entries.push_back(units.first + static_cast<int>(own));
      }
  }

  const engine::Model& model_;
  const UnitFlow& flow_;
  const Dataset& data_;
  std::vector<SeenLayer> layers_;
};

// ---- What is told of it.

bool gone(const Seen& unit, const Selection& selection) {
  return !unit.entries.empty() && std::ranges::none_of(unit.entries, [&](int entry) {
    return selection.kept[index(entry)];
  });
}

std::string why_it_stays(const Seen& unit, const Selection& selection) {
  if (std::isnan(unit.value)) return "an output that varies by more than rounding on some examples";
  for (const int entry : unit.entries)
    if (selection.kept[index(entry)]) return selection.why[index(entry)];
  return "an activation whose units cannot be told apart";
}

void count(const Look& look, const UnitFacts& facts, const Selection& selection, Pruning& pruning) {
  std::map<std::string, std::int64_t> obstacles;
  for (const SeenLayer& seen : look.layers()) {
    PrunedLayer layer{.name = seen.layer->name,
                      .activation = seen.layer->activation.specification(),
                      .units = seen.layer->units,
                      .dead = std::ranges::count_if(seen.units, &Seen::dead),
                      .constant = std::ranges::count_if(seen.units, &Seen::constant),
                      .removed = 0};
    for (const Seen& unit : seen.units) {
      if (!gone(unit, selection)) {
        if (unit.dead || unit.constant) ++obstacles[why_it_stays(unit, selection)];
        continue;
      }
      ++layer.removed;
      const bool merged = std::ranges::any_of(
          unit.entries, [&](int entry) { return facts.same[index(entry)] != entry; });
      ++(unit.dead       ? pruning.dead
         : unit.constant ? pruning.constant
         : merged        ? pruning.duplicate
                         : pruning.unread);
    }
    pruning.layers.push_back(std::move(layer));
  }
  for (const auto& [why, units] : obstacles) pruning.obstacles.push_back({why, units});
  std::ranges::stable_sort(pruning.obstacles, std::ranges::greater(), &PruneObstacle::units);
}

// The layers of branches that are cut off: all their units.
void count_cut(const Look& look, const Graph& left, Pruning& pruning) {
  for (const SeenLayer& seen : look.layers()) {
    const std::string& name = look.name_of(seen);
    if (std::ranges::find(left.nodes(), name, &Node::name) != left.nodes().end()) continue;
    PrunedLayer layer{.name = seen.layer->name,
                      .activation = seen.layer->activation.specification(),
                      .units = seen.layer->units,
                      .dead = std::ranges::count_if(seen.units, &Seen::dead),
                      .constant = std::ranges::count_if(seen.units, &Seen::constant),
                      .removed = seen.layer->units};
    pruning.dead += layer.dead;
    pruning.constant += layer.constant;
    pruning.unread += layer.units - layer.dead - layer.constant;
    pruning.layers.push_back(std::move(layer));
  }
}

NetworkCost cost_of(const engine::Model& model) {
  NetworkCost cost{.multiply_adds = multiply_adds(model.graph()), .seconds = kNan};
  for (const engine::Parameter& parameter : model.parameters())
    if (parameter.trained && parameter.derived < 0) cost.parameters += parameter.size;
  return cost;
}

// NaN where an output is not finite.
void compare(Running& before, Running& after, const Dataset& data, Pruning& pruning) {
  for (std::int64_t first = 0; first < data.size; first += kBlock) {
    const std::int64_t rows = std::min(kBlock, data.size - first);
    const std::vector<float> was = before.outputs(first, rows);
    const std::vector<float> is = after.outputs(first, rows);
    for (std::size_t i = 0; i < was.size(); ++i) {
      if (!std::isfinite(was[i]))
        throw Error(
            ErrorCode::kBadData, "network",
            "its outputs are not finite on " + data.name +
                ": nothing is proved useless there; expected weights from before it diverged");
      const double difference = std::fabs(static_cast<double>(is[i]) - was[i]);
      if (!(difference <= pruning.output_difference)) pruning.output_difference = difference;
      pruning.output_scale = std::max(pruning.output_scale, std::fabs(static_cast<double>(was[i])));
      if (std::isnan(difference)) return;
    }
  }
}

// One after the other, so that what else the machine does meets both.
void measure(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data,
             Pruning& pruning) {
  const std::int64_t rows = std::min(kTimed, data.size);
  Running before(graph, weights, data, 1, 0);
  Running after(pruning.graph, pruning.weights, data, 1, 0);
  after.seconds(rows);
  before.seconds(rows);  // builds what a run needs
  const double both = before.seconds(rows) + after.seconds(rows);
  const int runs = static_cast<int>(std::clamp(
      kTimedSeconds / both, static_cast<double>(kFewestRuns), static_cast<double>(kMostRuns)));
  std::vector<double> was, is;
  for (int run = 0; run < runs; ++run) {
    was.push_back(before.seconds(rows));
    is.push_back(after.seconds(rows));
  }
  pruning.before.seconds = trial::median_of(was) / static_cast<double>(rows);
  pruning.after.seconds = trial::median_of(is) / static_cast<double>(rows);
}

// A network without its useless units; what is told of the others goes into `pruning`.
void take_units_out(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data,
                    const PruneSettings& settings, Pruning& pruning) {
  const int threads = doctor::default_threads(settings.threads);
  const engine::Model model = doctor::make_model(graph, weights);
  const UnitFlow flow(model);
  Running running(graph, weights, data, threads, settings.memory);
  const Look look(running, flow, data);
  const UnitFacts facts = doctor::facts_of(flow, look.by_entry(), settings.merge_duplicates);
  const doctor::Trimmed trimmed = doctor::trim_branches(flow, facts);
  if (trimmed.branches > 0) {
    pruning.branches += trimmed.branches;
    count_cut(look, trimmed.graph, pruning);
    return take_units_out(trimmed.graph, trimmed.weights, data, settings, pruning);
  }
  const Selection selection = doctor::select(flow, facts);
  doctor::Shrunk shrunk = doctor::shrink(flow, facts, selection);
  pruning.graph = std::move(shrunk.graph);
  pruning.weights = std::move(shrunk.weights);
  count(look, facts, selection, pruning);
}

}  // namespace

Pruning prune(const Graph& graph, const std::vector<Tensor>& weights, const Dataset& data,
              const PruneSettings& settings) {
  doctor::check_inputs(packed(graph), data);
  const int threads = doctor::default_threads(settings.threads);
  Pruning pruning{.data = data.name,
                  .examples = data.size,
                  .graph = graph,
                  .weights = weights,
                  .tolerance = settings.tolerance};
  pruning.before = cost_of(doctor::make_model(graph, weights));
  take_units_out(graph, weights, data, settings, pruning);
  pruning.after = cost_of(doctor::make_model(pruning.graph, pruning.weights));
  Running before(graph, weights, data, threads, settings.memory);
  Running after(pruning.graph, pruning.weights, data, threads, settings.memory);
  compare(before, after, data, pruning);
  if (settings.measure_time && pruning.changed()) measure(graph, weights, data, pruning);
  return pruning;
}

}  // namespace undying
