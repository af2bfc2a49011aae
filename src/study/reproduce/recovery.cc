// "Neurons can recover": units of trained networks are pushed into the region where they never
// fire, and training goes on. How many come back, and when, by slope and by where they stand.

#include "study/reproduce/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "study/reproduce/common.h"
#include "train/fit.h"
#include "train/source.h"
#include "trial/statistics.h"

namespace undying::study {
namespace {

constexpr std::array kArms = {"relu",           "leaky_relu:0.001", "leaky_relu:0.01",
                              "leaky_relu:0.1", "leaky_relu:0.25",  "elu"};
// Of the networks: where no unit of any came back, "none" is said if it can be so in no larger
// share.
constexpr double kRare = 0.3;

struct Kind {
  const char* name;
  Kick kick;
};
constexpr std::array kKinds = {
    Kind{"bias, first layer", {.layer = 0, .depth = 0.1}},
    Kind{"bias, first layer, ten times as deep", {.layer = 0, .depth = 1.0}},
    Kind{"bias, second layer", {.layer = 1, .depth = 0.1}},
    Kind{"data shifted by 1", {.shift = 1.0}}};

struct Size {
  const char* data;
  const char* model;
  double share;  // of its training part
  int seeds;
  std::int64_t before;  // steps
  std::int64_t after;
  std::int64_t every;
};

constexpr Size kFull{"fashion-mnist", "mlp:64-64", 1.0 / 60.0, 12, 500, 1000, 10};

Size size_of(const ReproduceSettings& settings) {
  Size size = settings.quick ? Size{"spirals", "mlp:16-16", 0.1, 2, 50, 60, 10} : kFull;
  if (settings.seeds > 0) size.seeds = settings.seeds;
  if (settings.steps > 0) size.after = settings.steps;
  return size;
}

int back_by(const std::vector<std::int64_t>& seed, std::int64_t until) {
  return static_cast<int>(
      std::ranges::count_if(seed, [&](std::int64_t step) { return step > 0 && step <= until; }));
}

// One arm, one kick: when each unit came back, by seed.
struct Silenced {
  std::string arm;
  const Kind* kind = nullptr;
  UnitsBySeed steps;

  int units() const {
    std::size_t sum = 0;
    for (const auto& seed : steps) sum += seed.size();
    return static_cast<int>(sum);
  }
  int back(std::int64_t until) const {
    int sum = 0;
    for (const auto& seed : steps) sum += back_by(seed, until);
    return sum;
  }
  Estimate share(std::int64_t until) const { return share_back(steps, until); }
  // By when half of all units were back.
  std::string median() const {
    std::vector<std::int64_t> all;
    for (const auto& seed : steps)
      for (const std::int64_t step : seed)
        if (step > 0) all.push_back(step);
    const std::size_t half = (static_cast<std::size_t>(units()) + 1) / 2;
    if (half == 0 || all.size() < half) return "never";
    std::ranges::nth_element(all, all.begin() + static_cast<std::ptrdiff_t>(half - 1));
    return fmt::format("{}", all[half - 1]);
  }
};

TrainSettings settings_of(const Dataset& data, std::int64_t steps, std::uint64_t seed) {
  TrainSettings train{.optimizer = Sgd{.learning_rate = 0.05f}};
  train.batch = 32;
  train.max_steps = steps;
  train.epochs = steps * train.batch / data.size + 1;
  train.seed = seed;
  train.threads = train.shards = 1;
  train.evaluate = false;
  train.health.census = train.health.counters = false;
  return train;
}

// The kicks of one network.
void run_network(const Size& size, const Dataset& data, int seed, std::span<Silenced> kicks) {
  const auto drawn = static_cast<std::uint64_t>(seed) + 1;
  const Graph graph = build_model(size.model, data.shape, data.classes,
                                  {.activation = Activation(kicks.front().arm)});
  Trainer trainer(graph, settings_of(data, size.before, drawn));
  trainer.fit(data, data);
  const std::vector<Tensor> weights = trainer.tensors();
  for (Silenced& silenced : kicks)
    silenced.steps[static_cast<std::size_t>(seed)] =
        steps_to_fire(graph, settings_of(data, size.after, drawn + 1'000'000), weights, data,
                      silenced.kind->kick, size.every);
}

std::vector<Silenced> run_all(const ReproduceSettings& settings, const Size& size,
                              const Dataset& data, const ReproduceProgress& progress,
                              const std::stop_token& stop) {
  std::vector<Silenced> all;
  for (const char* arm : kArms)
    for (const Kind& kind : kKinds)
      all.push_back({arm, &kind,
                     std::vector<std::vector<std::int64_t>>(static_cast<std::size_t>(size.seeds))});
  const int networks = static_cast<int>(kArms.size()) * size.seeds;
  const auto run = [&](int i) {
    run_network(size, data, i / static_cast<int>(kArms.size()),
                std::span(all).subspan(static_cast<std::size_t>(i) % kArms.size() * kKinds.size(),
                                       kKinds.size()));
  };
  work_on_threads({"networks", networks, run}, settings.threads, progress, stop);
  return all;
}

Table table_of(const std::vector<Silenced>& all, std::int64_t steps) {
  Table table{.title = fmt::format("Units that were silenced, and those that fired again within {} "
                                   "steps: share, mean over networks with its 95% interval; after "
                                   "how many steps half of all were back",
                                   steps),
              .columns = {"kick", "arm", "units", "came back", "half back after"}};
  for (const Kind& kind : kKinds)
    for (const Silenced& silenced : all)
      if (silenced.kind == &kind)
        table.rows.push_back({kind.name, silenced.arm, fmt::format("{}", silenced.units()),
                              interval_text(silenced.share(steps), "{:.3f}"), silenced.median()});
  return table;
}

Plot plot_of(const std::vector<Silenced>& all, const Kind& kind, const Size& size) {
  Plot plot{.title = fmt::format("Silenced units that came back: {}", kind.name),
            .x = {.title = "steps after the kick"},
            .y = {.title = "share of the units", .percent = true}};
  for (const Silenced& silenced : all) {
    if (silenced.kind != &kind) continue;
    Curve curve{.label = silenced.arm};
    for (std::int64_t step = size.every; step <= size.after; step += size.every)
      curve.add(static_cast<double>(step), silenced.share(step));
    plot.curves.push_back(std::move(curve));
  }
  return plot;
}

const Silenced& silenced_of(const std::vector<Silenced>& all, std::string_view arm,
                            std::size_t kind) {
  return *std::ranges::find_if(all, [&](const Silenced& silenced) {
    return silenced.arm == arm && silenced.kind == &kKinds[kind];
  });
}

// "Never", of kicks that no layer below can undo and of those that one can.
Claim relu_claim(const std::vector<Silenced>& all, std::span<const std::size_t> kinds,
                 const std::string& where, std::int64_t steps) {
  Claim claim{.published =
                  "a ReLU unit that no longer fires on any of the data is lost for ever (" + where +
                  ")"};
  std::vector<const UnitsBySeed*> kicks;
  bool some = false;
  for (const std::size_t kind : kinds) {
    const Silenced& relu = silenced_of(all, "relu", kind);
    claim.found += fmt::format("{}{}: {} of {} came back", claim.found.empty() ? "" : "; ",
                               relu.kind->name, relu.back(steps), relu.units());
    kicks.push_back(&relu.steps);
    some = some || relu.share(steps).lower > 0.0;
  }
  const Estimate networks = networks_with_return(kicks, steps);
  claim.found += fmt::format("; some in {} of the networks", percent_text(networks));
  claim.agreement = some                  ? Agreement::kDiffers
                    : none_back(networks) ? Agreement::kAgrees
                                          : Agreement::kUndecided;
  return claim;
}

Claim slope_claim(const std::vector<Silenced>& all, std::string_view arm, std::int64_t steps) {
  const Estimate relu = silenced_of(all, "relu", 0).share(steps);
  const Silenced& leaky = silenced_of(all, arm, 0);
  const Estimate share = leaky.share(steps);
  const UnitsBySeed* kick = &leaky.steps;
  return {
      .published = fmt::format("with Leaky ReLU neurons can recover (a sentence without a "
                               "figure; here, {}: more of them than with ReLU fire again)",
                               arm),
      .found = fmt::format("{}: {} came back within {} steps (half were back after: {}); relu {}",
                           leaky.kind->name, interval_text(share, "{:.3f}"), steps, leaky.median(),
                           interval_text(relu, "{:.3f}")),
      .agreement = share.lower > relu.upper ? Agreement::kAgrees
                   : none_back(networks_with_return(std::span(&kick, 1), steps))
                       ? Agreement::kDiffers
                       : Agreement::kUndecided};
}

engine::Census census_of(train::State& state, const Dataset& data) {
  const std::vector<std::uint32_t> order = train::identity_order(data.size);
  engine::Census census(state.model.unit_size());
  state.engine.evaluate(train::DatasetSource(data, order), data.size, nullptr, &census);
  return census;
}

Dataset shifted(const Dataset& data, double shift) {
  Dataset lower = data;
  if (lower.mean.empty()) lower.mean = {0.0f};
  const double unit = data.bytes.empty() ? 1.0 : 255.0;
  for (std::size_t i = 0; i < lower.mean.size(); ++i)
    lower.mean[i] += static_cast<float>(
        shift * (data.deviation.empty() ? unit : static_cast<double>(data.deviation[i])));
  if (lower.deviation.empty()) lower.deviation = {static_cast<float>(unit)};
  lower.deviation.resize(lower.mean.size(), lower.deviation.front());
  return lower;
}

// Lowers the biases of units that fire; which of the unit arena they are.
std::vector<std::int64_t> lower_biases(train::State& state, const engine::Census& census,
                                       const Kick& kick) {
  const engine::Layer& layer = state.model.layers()[static_cast<std::size_t>(kick.layer)];
  float* bias = nullptr;
  for (const engine::Parameter& parameter : state.model.parameters())
    if (parameter.name == layer.name + ".bias") bias = state.model.values(parameter);
  std::vector<std::int64_t> units;
  for (std::int64_t unit = 0; unit < layer.units && std::ssize(units) < kick.most; ++unit) {
    const auto at = static_cast<std::size_t>(layer.offset + unit);
    if (census.fired[at] == 0) continue;
    bias[unit] -= static_cast<float>((1.0 + kick.depth) * static_cast<double>(census.max[at]));
    units.push_back(layer.offset + unit);
  }
  return units;
}

}  // namespace

// The chance that all of n networks lose all their units is at most (1 - mean share)^n: shares that
// are all 0, or all 1, have that interval, where Student's would have none.
Estimate share_back(const UnitsBySeed& steps, std::int64_t until) {
  std::vector<double> shares;
  for (const auto& seed : steps)
    if (!seed.empty())
      shares.push_back(static_cast<double>(back_by(seed, until)) /
                       static_cast<double>(seed.size()));
  const auto n = static_cast<int>(shares.size());
  const auto all_are = [&](double share) {
    return n > 0 && std::ranges::count(shares, share) == std::ssize(shares);
  };
  if (all_are(0.0)) return trial::share_interval(0, n);
  if (all_are(1.0)) return trial::share_interval(n, n);
  return of_share(trial::mean_interval(shares));
}

Estimate networks_with_return(std::span<const UnitsBySeed* const> kicks, std::int64_t until) {
  int networks = 0;
  int with = 0;
  for (std::size_t seed = 0; seed < kicks.front()->size(); ++seed) {
    const auto units = [&](const UnitsBySeed* kick) { return !(*kick)[seed].empty(); };
    const auto some = [&](const UnitsBySeed* kick) { return back_by((*kick)[seed], until) > 0; };
    networks += std::ranges::any_of(kicks, units);
    with += std::ranges::any_of(kicks, some);
  }
  return trial::share_interval(with, networks);
}

bool none_back(const Estimate& networks) { return networks.mean == 0.0 && networks.upper < kRare; }

std::vector<std::int64_t> steps_to_fire(const Graph& graph, const TrainSettings& settings,
                                        const std::vector<Tensor>& weights, const Dataset& data,
                                        const Kick& kick, std::int64_t every) {
  Trainer trainer(graph, settings);
  trainer.load(weights);
  train::State& state = train::Access::of(trainer);
  const engine::Census before = census_of(state, data);
  const Dataset now = kick.shift > 0.0 ? shifted(data, kick.shift) : data;
  std::vector<std::int64_t> units;
  if (kick.shift == 0.0) {
    units = lower_biases(state, before, kick);
  } else {
    const engine::Census after = census_of(state, now);
    const engine::Layer& first = state.model.layers().front();
    for (std::int64_t at = first.offset; at < first.offset + first.units; ++at)
      if (before.fired[static_cast<std::size_t>(at)] > 0 &&
          after.fired[static_cast<std::size_t>(at)] == 0)
        units.push_back(at);
  }
  std::vector<std::int64_t> steps(units.size(), 0);
  const auto look = [&](const StepRecord& record) {
    if (record.step % every != 0) return;
    const engine::Census census = census_of(state, now);
    for (std::size_t i = 0; i < units.size(); ++i)
      if (steps[i] == 0 && census.fired[static_cast<std::size_t>(units[i])] > 0)
        steps[i] = record.step;
  };
  trainer.fit(now, now, {.step = look, .epoch = {}});
  return steps;
}

Reproduction recovery(const ReproduceSettings& settings, const ReproduceProgress& progress,
                      const std::stop_token& stop) {
  const Size size = size_of(settings);
  const Split split = open_dataset(size.data);
  const Dataset data = hold_out_rows(*split.train, size.share, 1).held_out;
  Reproduction found;
  found.setting = fmt::format(
      "{} on {} of the training examples of {}, Kaiming normal, SGD .05, batch 32: {} steps, then "
      "up to 16 units that fire get a bias with which their largest z is -0.1 (or -1) times what "
      "it "
      "was, or all inputs are lowered by 1; {} further steps, a look at all examples every {}; {} "
      "networks of each arm{}",
      size.model, data.size, size.data, size.before, size.after, size.every, size.seeds,
      settings.quick ? "; quick: too few" : "");
  const std::vector<Silenced> all = run_all(settings, size, data, progress, stop);
  if (stop.stop_requested()) {
    found.missing = 1;
    return found;
  }
  found.tables = {table_of(all, size.after)};
  for (const Kind& kind : kKinds) found.plots.push_back(plot_of(all, kind, size));
  constexpr std::array<std::size_t, 3> kLocked = {0, 1, 3};
  constexpr std::array<std::size_t, 1> kRevivable = {2};
  found.claims = {relu_claim(all, kLocked, "first layer: nothing below it learns", size.after),
                  relu_claim(all, kRevivable, "second layer: the first one learns", size.after),
                  slope_claim(all, "leaky_relu:0.001", size.after),
                  slope_claim(all, "leaky_relu:0.01", size.after),
                  slope_claim(all, "leaky_relu:0.1", size.after)};
  leave_open_if_short(found.claims, settings, {kFull.seeds, kFull.after});
  return found;
}

}  // namespace undying::study
