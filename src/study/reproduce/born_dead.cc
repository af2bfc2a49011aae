// Lu, Shin, Su, Karniadakis 2019: how often deep and narrow ReLU networks are constant when they
// are drawn, beside their bounds; and how often ten layers of width 2 end as a constant on |x|.

#include "study/reproduce/born_dead.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/philox.h"
#include "engine/initializers.h"
#include "study/reproduce/common.h"
#include "trial/statistics.h"

namespace undying::study {
namespace {

constexpr int kNarrowest = 2;
constexpr int kWidest = 10;
constexpr int kDeepest = 100;                           // layers
constexpr std::array kShown = {3, 5, 10, 20, 50, 100};  // of them in the tables
constexpr int kWidths = kWidest - kNarrowest + 1;
// Without bias a ReLU network is positively homogeneous: two inputs tell.
constexpr std::array kTwo = {-1.0, 1.0};
constexpr int kGrid = 33;
// Within which an interval must lie in the bounds: what so many draws resolve where the bounds
// meet.
constexpr double kResolution = 0.01;

struct Size {
  int draws;             // of He's networks
  int asymmetric_draws;  // of the others, which have a bias: on a grid of inputs
  int seeds;
  std::int64_t steps;
};

constexpr Size kFull{100'000, 5'000, 1000, 2400};

Size size_of(const ReproduceSettings& settings) {
  Size size = settings.quick ? Size{300, 40, 6, 200} : kFull;
  if (settings.seeds > 0) size.seeds = settings.seeds;
  if (settings.steps > 0) size.steps = settings.steps;
  return size;
}

// Draws of one width, counted by the hidden layer from which they are constant; 0: none.
struct Drawn {
  int width = 0;
  int draws = 0;
  std::array<int, kDeepest> from{};

  int dead(int layers) const {
    int sum = 0;
    for (int hidden = 1; hidden < layers; ++hidden) sum += from[hidden];
    return sum;
  }
};

std::vector<double> grid() {
  std::vector<double> inputs;
  for (int i = 0; i < kGrid; ++i)
    inputs.push_back(std::numbers::sqrt3 * (2.0 * i / (kGrid - 1) - 1.0));
  return inputs;
}

// In parts, which threads share.
std::vector<Drawn> draw(Initializer initializer, int draws, std::span<const double> inputs,
                        const ReproduceSettings& settings, const ReproduceProgress& progress,
                        const std::stop_token& stop) {
  constexpr int kParts = 20;
  std::vector<Drawn> parts(static_cast<std::size_t>(kWidths) * kParts);
  const auto draw_part = [&](int i) {
    Drawn& part = parts[static_cast<std::size_t>(i)];
    part.width = kWidest - i / kParts;
    for (int seed = draws * (i % kParts) / kParts; seed < draws * (i % kParts + 1) / kParts; ++seed)
      ++part.from[static_cast<std::size_t>(constant_from(
          initializer, part.width, kDeepest - 1, static_cast<std::uint64_t>(seed) + 1, inputs))];
  };
  work_on_threads({fmt::format("draws, {}", name(initializer)), kWidths * kParts, draw_part},
                  settings.threads, progress, stop);
  std::vector<Drawn> all;
  for (int width = kNarrowest; width <= kWidest; ++width) {
    Drawn sum{.width = width, .draws = draws};
    for (const Drawn& part : parts)
      for (std::size_t layer = 0; part.width == width && layer < sum.from.size(); ++layer)
        sum.from[layer] += part.from[layer];
    all.push_back(sum);
  }
  return all;
}

std::string cell(const Drawn& drawn, int layers, bool bounds) {
  const std::string share =
      fmt::format("{:.4f}", static_cast<double>(drawn.dead(layers)) / drawn.draws);
  return bounds ? fmt::format("{} ({:.4f} to {:.4f})", share, born_dead_lower(drawn.width, layers),
                              born_dead_upper(drawn.width, layers))
                : share;
}

Table table_of(const std::vector<Drawn>& all, const std::string& title, bool bounds) {
  Table table{.title = title, .columns = {"width"}};
  for (const int layers : kShown) table.columns.push_back(fmt::format("{} layers", layers));
  for (const Drawn& drawn : all) {
    std::vector<std::string> row = {fmt::format("{}", drawn.width)};
    for (const int layers : kShown) row.push_back(cell(drawn, layers, bounds));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Plot plot_of(const std::vector<Drawn>& all, Initializer initializer) {
  Plot plot{.title = fmt::format("Networks that are constant as drawn, {}", name(initializer)),
            .x = {.title = "layers"},
            .y = {.title = "share of the draws", .percent = true}};
  for (const Drawn& drawn : all) {
    Curve curve{.label = fmt::format("width {}", drawn.width)};
    for (int layers = 2; layers <= kDeepest; ++layers)
      curve.add(layers, trial::share_interval(drawn.dead(layers), drawn.draws));
    plot.curves.push_back(std::move(curve));
  }
  return plot;
}

Claim bounds_claim(const std::vector<Drawn>& all) {
  int pairs = 0;
  int inside = 0;
  int within = 0;
  int outside = 0;
  constexpr double kLevel = 0.05 / (kWidths * (kDeepest - 1));
  for (const Drawn& drawn : all)
    for (int layers = 2; layers <= kDeepest; ++layers) {
      const Estimate share = trial::share_interval(drawn.dead(layers), drawn.draws, kLevel);
      const double lower = born_dead_lower(drawn.width, layers);
      const double upper = born_dead_upper(drawn.width, layers);
      ++pairs;
      inside += share.mean >= lower && share.mean <= upper;
      within += share.lower >= lower - kResolution && share.upper <= upper + kResolution;
      outside += share.upper < lower || share.lower > upper;
    }
  return {.published =
              "for each width and depth the probability of being born dead lies between "
              "the lower and the upper bound",
          .found = fmt::format("of {} pairs of width and depth the share lies inside in {}; its "
                               "interval (95% for all pairs together) in the bounds to {} in {}, "
                               "and outside of them in {}",
                               pairs, inside, kResolution, within, outside),
          .agreement = outside > 0       ? Agreement::kDiffers
                       : within == pairs ? Agreement::kAgrees
                                         : Agreement::kUndecided};
}

Claim figures_claim(const std::vector<Drawn>& all) {
  const auto share = [&](int width) {
    const Drawn& drawn = all[static_cast<std::size_t>(width - kNarrowest)];
    return trial::share_interval(drawn.dead(10), drawn.draws);
  };
  const Estimate wide = share(10);
  const Estimate middle = share(5);
  const Estimate narrow = share(3);
  // "About 60%" has no bounds of its own: it decides nothing.
  return {.published =
              "of ten layers, less than 1% are born dead at width 10, more than 10% at "
              "width 5, about 60% at width 3",
          .found = fmt::format("{} at width 10, {} at width 5, {} at width 3",
                               interval_text(wide, "{:.4f}"), interval_text(middle, "{:.4f}"),
                               interval_text(narrow, "{:.4f}")),
          .agreement = wide.lower > 0.01 || middle.upper < 0.1   ? Agreement::kDiffers
                       : wide.upper < 0.01 && middle.lower > 0.1 ? Agreement::kAgrees
                                                                 : Agreement::kUndecided};
}

StudySettings collapse_of(const Size& size, Initializer initializer,
                          std::vector<Activation> activations) {
  StudySettings study{.data = "abs",
                      .model = "mlp:2x9",
                      .activations = std::move(activations),
                      .seeds = size.seeds};
  study.train.optimizer = Adam{.learning_rate = 0.01f};
  study.train.loss = Loss::kMeanSquaredError;
  study.train.initializer = initializer;
  study.train.batch = 128;
  study.train.max_steps = size.steps;
  study.train.epochs = (size.steps + 23) / 24;
  study.train.health.census = true;
  return study;
}

// Whether the network gives one answer for all examples: nothing passes a layer of dead units.
bool is_constant(const CensusRecord& census) {
  return std::ranges::any_of(census.layers, [](const LayerHealth& layer) {
    return layer.units > 0 && layer.dead == layer.units;
  });
}

struct Collapsed {
  std::string label;
  int runs = 0;
  int born = 0;       // constant before the first step
  int constant = 0;   // at the end
  int no_better = 0;  // than the best constant
  int diverged = 0;
};

Collapsed collapsed_of(const Arm& arm, const std::string& label) {
  const auto ended = [](const ArmRun& run) { return run.run.status == RunStatus::kFinished; };
  return {.label = label,
          .runs = count_of(arm, ended),
          .born = count_of(arm,
                           [&](const ArmRun& run) {
                             return ended(run) && is_constant(run.run.ledger.censuses.front());
                           }),
          .constant = count_of(arm,
                               [&](const ArmRun& run) {
                                 return ended(run) && is_constant(run.run.ledger.censuses.back());
                               }),
          .no_better =
              count_of(arm, [](const ArmRun& run) { return run.outcome == Outcome::kCollapsed; }),
          .diverged = count_of(
              arm, [](const ArmRun& run) { return run.run.status == RunStatus::kDiverged; })};
}

// Of both draws of the weights, the arms of one table; how many runs are missing.
int collapse(const ReproduceSettings& settings, const Size& size, const ReproduceProgress& progress,
             const std::stop_token& stop, std::vector<Collapsed>& all) {
  const Split data = open_dataset("abs");
  int missing = 0;
  for (const Initializer initializer :
       {Initializer::kKaimingNormal, Initializer::kRandomizedAsymmetric}) {
    const bool he = initializer == Initializer::kKaimingNormal;
    std::vector<Activation> activations = {"relu"};
    if (he) activations = {"relu", "leaky_relu:0.01", "leaky_relu:0.1", "leaky_relu:0.25"};
    const Study study = run_arms(collapse_of(size, initializer, activations), data,
                                 {fmt::format("|x|, {}", name(initializer)),
                                  fmt::format("born-dead-{}-{}", name(initializer), size.steps)},
                                 settings, progress, stop);
    missing += study.missing;
    for (const Arm& arm : study.arms)
      if (is_shown(arm))
        all.push_back(
            collapsed_of(arm, label_of(arm) + (he ? "" : fmt::format(", {}", name(initializer)))));
  }
  return missing;
}

Table table_of(const std::vector<Collapsed>& all) {
  Table table{.title =
                  "f(x) = |x|, ten layers of width 2: runs, in percent with 95% intervals. "
                  "Constant: a layer of which no unit fires on any training example",
              .columns = {"arm", "runs", "constant as drawn", "constant at the end",
                          "no better than the best constant", "diverged"}};
  for (const Collapsed& arm : all)
    table.rows.push_back({arm.label, fmt::format("{}", arm.runs), share_text(arm.born, arm.runs),
                          share_text(arm.constant, arm.runs), share_text(arm.no_better, arm.runs),
                          fmt::format("{}", arm.diverged)});
  return table;
}

Claim collapse_claim(const Collapsed& relu) {
  const Estimate share = trial::share_interval(relu.constant, relu.runs);
  return {.published =
              "more than 90% of 1,000 ReLU networks of ten layers and width 2, trained on "
              "|x|, collapse to a constant",
          .found = fmt::format("{} of {} runs end as a constant, {} no better than one",
                               share_text(relu.constant, relu.runs), relu.runs,
                               share_text(relu.no_better, relu.runs)),
          .agreement = share.lower > 0.9   ? Agreement::kAgrees
                       : share.upper < 0.9 ? Agreement::kDiffers
                                           : Agreement::kUndecided};
}

Claim asymmetric_claim(const Collapsed& relu, const Collapsed& asymmetric) {
  const Estimate he = trial::share_interval(relu.constant, relu.runs);
  const Estimate other = trial::share_interval(asymmetric.constant, asymmetric.runs);
  return {.published =
              "the randomized asymmetric initialisation collapses less often than He's "
              "(its figures for other targets: 29.2% for 91.9%, 32.6% for 93.8%, 9.6% for "
              "76.8%; that for |x| was not found, and is not compared)",
          .found = fmt::format("on |x| {} for {}", share_text(asymmetric.constant, asymmetric.runs),
                               share_text(relu.constant, relu.runs)),
          .agreement = other.upper < he.lower   ? Agreement::kAgrees
                       : other.lower > he.upper ? Agreement::kDiffers
                                                : Agreement::kUndecided};
}

void add_draws(const ReproduceSettings& settings, const Size& size,
               const ReproduceProgress& progress, const std::stop_token& stop,
               Reproduction& found) {
  const std::vector<Drawn> he =
      draw(Initializer::kKaimingNormal, size.draws, kTwo, settings, progress, stop);
  const std::vector<Drawn> asymmetric = draw(
      Initializer::kRandomizedAsymmetric, size.asymmetric_draws, grid(), settings, progress, stop);
  if (stop.stop_requested()) return;
  found.tables.push_back(table_of(
      he,
      fmt::format("Share of {} ReLU networks that are constant as drawn, He normal, no bias (lower "
                  "to upper bound)",
                  size.draws),
      true));
  found.tables.push_back(
      table_of(asymmetric,
               fmt::format("The same of {} networks drawn by the randomized asymmetric "
                           "initialisation, on {} inputs in [-sqrt 3, sqrt 3]",
                           size.asymmetric_draws, kGrid),
               false));
  found.plots = {plot_of(he, Initializer::kKaimingNormal),
                 plot_of(asymmetric, Initializer::kRandomizedAsymmetric)};
  found.claims.push_back(bounds_claim(he));
  found.claims.push_back(figures_claim(he));
}

// A hidden layer over all inputs: (inputs, units).
struct Signals {
  std::size_t width = 1;
  std::vector<double> values;

  // Not that all inputs give the same: what is left of their differences may fall below rounding.
  bool dead() const {
    return std::ranges::all_of(values, [](double value) { return value == 0.0; });
  }
};

Signals next(const Signals& from, std::span<const float> weight, std::span<const float> bias) {
  Signals to{.width = bias.size()};
  const std::size_t inputs = from.values.size() / from.width;
  for (std::size_t x = 0; x < inputs; ++x)
    for (std::size_t j = 0; j < to.width; ++j) {
      double z = static_cast<double>(bias[j]);
      for (std::size_t i = 0; i < from.width; ++i)
        z += static_cast<double>(weight[j * from.width + i]) * from.values[x * from.width + i];
      to.values.push_back(std::max(z, 0.0));
    }
  return to;
}

}  // namespace

double born_dead_upper(int width, int layers) {
  return 1.0 - std::pow(1.0 - std::pow(2.0, -width), layers - 1);
}

double born_dead_lower(int width, int layers) {
  const double n = width;
  const double a1 = 1.0 - std::pow(2.0, -n);
  const double a2 = 1.0 - std::pow(2.0, 1.0 - n) - (n - 1.0) * std::pow(4.0, -n);
  const double factor = (1.0 - std::pow(2.0, 1.0 - n)) * (1.0 - std::pow(2.0, -n)) /
                        (1.0 + (n - 1.0) * std::pow(2.0, -n));
  return 1.0 - std::pow(a1, layers - 2) +
         factor * (std::pow(a2, layers - 2) - std::pow(a1, layers - 2));
}

int constant_from(Initializer initializer, int width, int hidden, std::uint64_t seed,
                  std::span<const double> inputs) {
  static const double gain = Activation("relu").gain();  // an integral
  Signals signals{.values = {inputs.begin(), inputs.end()}};
  std::vector<float> bias(static_cast<std::size_t>(width));
  for (int layer = 1; layer <= hidden; ++layer) {
    std::vector<float> weight(bias.size() * signals.width);
    engine::initialize_linear(
        initializer, gain, static_cast<std::int64_t>(signals.width), width,
        Random(seed, Stream::kInitialDraw, static_cast<std::uint32_t>(layer - 1)), weight, bias);
    signals = next(signals, weight, bias);
    if (signals.dead()) return layer;
  }
  return 0;
}

Reproduction born_dead(const ReproduceSettings& settings, const ReproduceProgress& progress,
                       const std::stop_token& stop) {
  const Size size = size_of(settings);
  Reproduction found;
  found.setting = fmt::format(
      "one input, widths {} to {}, 2 to {} layers, the last of them the output: {} networks drawn "
      "by "
      "He normal, {} by the randomized asymmetric initialisation; f(x) = |x| on [-sqrt 3, sqrt 3], "
      "3,000 examples, ten layers of width 2, Adam .01, batch 128, {} steps, mean squared error, "
      "{} "
      "seeds{}",
      kNarrowest, kWidest, kDeepest, size.draws, size.asymmetric_draws, size.steps, size.seeds,
      settings.quick ? "; quick: too few" : "");
  add_draws(settings, size, progress, stop, found);
  std::vector<Collapsed> all;
  found.missing = stop.stop_requested() ? 1 : collapse(settings, size, progress, stop, all);
  if (!all.empty()) {
    found.tables.push_back(table_of(all));
    found.claims.push_back(collapse_claim(all.front()));
    found.claims.push_back(asymmetric_claim(all.front(), all.back()));
  }
  if (found.missing > 0) leave_open(found.claims, "runs are missing");
  leave_open_if_short(found.claims, settings, {kFull.seeds, kFull.steps});
  return found;
}

}  // namespace undying::study
