// How many units are dead at the end, and what that costs, against the learning rate.

#include "study/reproduce/learning_rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "study/reproduce/common.h"
#include "trial/statistics.h"

namespace undying::study {
namespace {

constexpr float kRates[] = {0.003f, 0.01f, 0.03f, 0.1f, 0.2f, 0.3f, 0.5f};
constexpr std::size_t kQuickRate = 3;  // and the first
constexpr double kPublished = 0.4;     // of the units
constexpr double kPoint = 0.01;        // of accuracy, within which a difference does not matter

struct Size {
  const char* data;
  const char* model;
  int seeds;
  std::int64_t epochs;
};
constexpr Size kFull{"fashion-mnist", "mlp:64-64-64", 8, 2};
constexpr std::int64_t kBatch = 128;

Size size_of(const ReproduceSettings& settings) {
  Size size = settings.quick ? Size{"spirals", "mlp:16-16", 2, 2} : kFull;
  if (settings.seeds > 0) size.seeds = settings.seeds;
  return size;
}

// One arm at one rate.
struct Point {
  std::string arm;
  float rate = 0.0f;
  int runs = 0;
  int diverged = 0;
  int collapsed = 0;
  std::vector<double> dead_shares;  // of the hidden units, at the end, by finished run
  Estimate dead;                    // their mean
  Estimate accuracy;                // of runs that did not diverge
  std::vector<double> accuracies;   // by seed; NaN of those that did
};

Point point_of(const Arm& arm, float rate) {
  Point point{.arm = label_of(arm), .rate = rate, .runs = static_cast<int>(runs_of(arm).size())};
  point.diverged =
      count_of(arm, [](const ArmRun& run) { return run.run.status == RunStatus::kDiverged; });
  point.collapsed =
      count_of(arm, [](const ArmRun& run) { return run.outcome == Outcome::kCollapsed; });
  for (const ArmRun* run : runs_of(arm))
    if (run->run.status == RunStatus::kFinished)
      point.dead_shares.push_back(static_cast<double>(run->run.ledger.dead()) /
                                  static_cast<double>(run->run.ledger.units()));
  point.dead = of_share(trial::mean_interval(point.dead_shares));
  point.accuracy =
      of_share(mean_over(arm, [](const ArmRun& run) { return run.run.test_accuracy; }));
  for (const ArmRun* run : runs_of(arm))
    point.accuracies.push_back(run->run.status == RunStatus::kFinished
                                   ? run->run.test_accuracy
                                   : std::numeric_limits<double>::quiet_NaN());
  return point;
}

StudySettings study_of(const Size& size, float rate, const Length& length) {
  StudySettings study{
      .data = size.data,
      .model = size.model,
      .activations = {"relu", "leaky_relu:0.01", "leaky_relu:0.1", "leaky_relu:0.25", "elu"},
      .seeds = size.seeds};
  study.train.optimizer = Sgd{.learning_rate = rate, .momentum = 0.9f};
  study.train.batch = kBatch;
  study.train.epochs = length.epochs;
  study.train.max_steps = length.steps;
  return study;
}

Table table_of(const std::vector<Point>& all, const Length& length) {
  Table table{.title = fmt::format("Share of dead units and test accuracy after {}, mean "
                                   "over the runs that did not diverge with its 95% interval",
                                   length.text()),
              .columns = {"arm", "learning rate", "runs", "diverged", "collapsed", "dead units",
                          "accuracy"}};
  for (const Point& point : all)
    table.rows.push_back({point.arm, fmt::format("{}", point.rate), fmt::format("{}", point.runs),
                          fmt::format("{}", point.diverged), fmt::format("{}", point.collapsed),
                          interval_text(point.dead, "{:.3f}"),
                          interval_text(point.accuracy, "{:.4f}")});
  return table;
}

Plot plot_of(const std::vector<Point>& all, bool dead) {
  Plot plot{.title = dead ? "Dead units against the learning rate"
                          : "Test accuracy against the learning rate",
            .x = {.title = "learning rate", .log = true},
            .y = {.title = dead ? "dead units" : "test accuracy", .percent = true}};
  for (const Point& point : all) {
    auto curve = std::ranges::find(plot.curves, point.arm, &Curve::label);
    if (curve == plot.curves.end()) curve = plot.curves.insert(curve, Curve{.label = point.arm});
    curve->add(static_cast<double>(point.rate), dead ? point.dead : point.accuracy);
  }
  return plot;
}

const Point& at(const std::vector<Point>& all, std::string_view arm, float rate) {
  return *std::ranges::find_if(
      all, [&](const Point& point) { return point.arm == arm && point.rate == rate; });
}

// Whether a rate that is too large kills as many as they say, and a small one does not.
Claim dead_claim(const std::vector<Point>& all) {
  const Point* most = nullptr;
  bool reached = false;
  bool below = true;
  for (const Point& point : all) {
    if (point.arm != "relu") continue;
    const bool first = point.rate == kRates[0];
    if (!first && (most == nullptr || point.dead.mean > most->dead.mean)) most = &point;
    // Any of them would do, so they share the chance of error.
    const Estimate dead = trial::mean_interval(point.dead_shares, 0.0, 0.05 / std::size(kRates));
    reached = reached || dead.lower >= kPublished;
    below = below && dead.upper < kPublished;
  }
  const Point& least = at(all, "relu", kRates[0]);
  return {.published =
              "as much as 40% of a ReLU network can be dead where the learning rate is too "
              "high, and with a proper one this is less frequently an issue",
          .found = fmt::format("dead at {}: {}; at {}: {}", least.rate,
                               interval_text(least.dead, "{:.3f}"), most->rate,
                               interval_text(most->dead, "{:.3f}")),
          .agreement = reached && least.dead.upper < most->dead.lower ? Agreement::kAgrees
                       : below || least.dead.lower >= kPublished      ? Agreement::kDiffers
                                                                      : Agreement::kUndecided};
}

// At each rate, against ReLU by seed.
Claim leaky_claim(const std::vector<Point>& all, std::string_view arm) {
  Claim claim{.published = fmt::format("Leaky ReLU does better (a sentence without a figure; here, "
                                       "{}: accuracy more than a point above ReLU's at every rate)",
                                       arm)};
  std::string better;
  std::string same;
  std::string worse;
  std::string open;
  for (const Point& relu : all) {
    if (relu.arm != "relu") continue;
    const Point& leaky = at(all, arm, relu.rate);
    std::vector<double> differences;
    for (std::size_t i = 0; i < std::min(relu.accuracies.size(), leaky.accuracies.size()); ++i)
      if (!std::isnan(relu.accuracies[i]) && !std::isnan(leaky.accuracies[i]))
        differences.push_back(100.0 * (leaky.accuracies[i] - relu.accuracies[i]));
    const Estimate difference = trial::mean_interval(differences);
    std::string& where = difference.lower > 100.0 * kPoint ? better
                         : difference.upper < 100.0 * kPoint
                             ? difference.lower > -100.0 * kPoint ? same : worse
                             : open;
    where += fmt::format("{}{} ({})", where.empty() ? "" : ", ", relu.rate,
                         interval_text(difference, "{:+.1f}"));
  }
  for (const auto& [name, rates] : {std::pair{"better by more than a point at", &better},
                                    {"the same to a point at", &same},
                                    {"not better by a point at", &worse},
                                    {"not known at", &open}})
    if (!rates->empty())
      claim.found += fmt::format("{}{} {}", claim.found.empty() ? "" : "; ", name, *rates);
  // One rate at which it is not better is enough against "every".
  claim.agreement = !same.empty() || !worse.empty() ? Agreement::kDiffers
                    : open.empty()                  ? Agreement::kAgrees
                                                    : Agreement::kUndecided;
  return claim;
}

}  // namespace

Reproduction dead_by_learning_rate(const ReproduceSettings& settings,
                                   const ReproduceProgress& progress, const std::stop_token& stop) {
  const Size size = size_of(settings);
  const Split data = open_dataset(size.data);
  const Length length = length_of(size.epochs, settings.steps, data.train->size, kBatch);
  Reproduction found;
  found.setting = fmt::format(
      "{} on {}, Kaiming normal with each activation's own gain, SGD with momentum .9, batch {}, "
      "{}, {} seeds{}",
      size.model, size.data, kBatch, length.text(), size.seeds,
      settings.quick ? "; quick: too few" : "");
  std::vector<Point> all;
  for (std::size_t i = 0; i < std::size(kRates); ++i) {
    if (stop.stop_requested() || (settings.quick && i != 0 && i != kQuickRate)) continue;
    const Study study =
        run_arms(study_of(size, kRates[i], length), data,
                 {fmt::format("learning rate {}", kRates[i]),
                  fmt::format("learning-rate-{}-{}-{}", kRates[i], size.data, settings.steps)},
                 settings, progress, stop);
    found.missing += study.missing;
    for (const Arm& arm : study.arms)
      if (is_shown(arm)) all.push_back(point_of(arm, kRates[i]));
  }
  if (stop.stop_requested()) found.missing = std::max(found.missing, 1);
  if (found.missing > 0) return found;
  found.tables = {table_of(all, length)};
  found.plots = {plot_of(all, true), plot_of(all, false)};
  found.claims = {dead_claim(all), leaky_claim(all, "leaky_relu:0.01"),
                  leaky_claim(all, "leaky_relu:0.1"), leaky_claim(all, "leaky_relu:0.25")};
  leave_open_if_short(found.claims, settings, {kFull.seeds, length.full});
  return found;
}

}  // namespace undying::study
