// The motivating case of AutoTrainer (ICSE 2021): 34 ReLU layers of 128 units that sometimes do not
// learn. Are their units dead, or has the signal vanished?

#include "study/reproduce/deep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "study/reproduce/common.h"
#include "trial/statistics.h"

namespace undying::study {
namespace {

constexpr double kPublished = 0.5;  // of the runs fail
constexpr double kAbout = 0.15;     // that far from it is still about it

struct Size {
  const char* data;
  const char* model;
  int seeds;
  std::int64_t steps;
};
constexpr Size kFull{"fashion-mnist", "mlp:128x34", 12, 1000};

Size size_of(const ReproduceSettings& settings) {
  Size size = settings.quick ? Size{"spirals", "mlp:16x34", 2, 20} : kFull;
  if (settings.seeds > 0) size.seeds = settings.seeds;
  if (settings.steps > 0) size.steps = settings.steps;
  return size;
}

StudySettings study_of(const Size& size, Initializer initializer) {
  StudySettings study{.data = size.data,
                      .model = size.model,
                      .activations = {"relu", "leaky_relu:0.01", "leaky_relu:0.25"},
                      .seeds = size.seeds};
  study.train.optimizer = Adam{.learning_rate = 0.001f};
  study.train.initializer = initializer;
  study.train.batch = 32;
  study.train.max_steps = size.steps;
  study.train.epochs = std::max<std::int64_t>(1000, size.steps);  // steps alone end a run
  return study;
}

// The runs of an arm; of ReLU those of control and placebo, two draws of the same thing.
struct Runs {
  std::string label;
  std::vector<const ArmRun*> all;

  int count(const std::function<bool(const ArmRun&)>& what) const {
    return static_cast<int>(
        std::ranges::count_if(all, [&](const ArmRun* run) { return what(*run); }));
  }
  int size() const { return static_cast<int>(all.size()); }
  int failed() const {
    return count([](const ArmRun& run) { return run.outcome != Outcome::kLearned; });
  }
  Estimate mean(const std::function<double(const ArmRun&)>& figure) const {
    std::vector<double> values;
    for (const ArmRun* run : all)
      if (run->run.status == RunStatus::kFinished) values.push_back(figure(*run));
    return trial::mean_interval(values);
  }
};

bool failed_dead(const ArmRun& run, bool at_end) {
  if (run.outcome == Outcome::kLearned) return false;
  const std::vector<CensusRecord>& censuses = run.run.ledger.censuses;
  return blocked(at_end ? censuses.back() : censuses.front()).dead_layer;
}

std::vector<Runs> runs_by_activation(const Study& study, Initializer initializer) {
  std::vector<Runs> all;
  for (const Arm& arm : study.arms) {
    if (is_shown(arm)) all.push_back({fmt::format("{}, {}", label_of(arm), name(initializer)), {}});
    for (const ArmRun* run : runs_of(arm)) all.back().all.push_back(run);
  }
  return all;
}

Table table_of(const std::vector<Runs>& all) {
  const auto first = [](const ArmRun& run) { return blocked(run.run.ledger.censuses.front()); };
  Table table{
      .title =
          "Runs that do not beat the baseline, and what their censuses say; of all runs as "
          "drawn, how the signal (second moment) goes from the first hidden layer to the last, "
          "geometric mean, and the share of dead units in all layers and in the last",
      .columns = {"arm", "runs", "fail", "with a dead layer as drawn", "at the end",
                  "signal, last / first", "dead as drawn", "in the last layer", "dead at the end",
                  "accuracy"}};
  for (const Runs& runs : all) {
    const auto share = [&](const auto& figure, const char* form) {
      return interval_text(of_share(runs.mean(figure)), form);
    };
    const Estimate logs = runs.mean([&](const ArmRun& run) { return std::log(first(run).signal); });
    table.rows.push_back(
        {runs.label, fmt::format("{}", runs.size()), share_text(runs.failed(), runs.size()),
         fmt::format("{}", runs.count([](const ArmRun& run) { return failed_dead(run, false); })),
         fmt::format("{}", runs.count([](const ArmRun& run) { return failed_dead(run, true); })),
         fmt::format("{:.2g}", std::exp(logs.mean)),
         share([&](const ArmRun& run) { return first(run).dead; }, "{:.3f}"),
         share([&](const ArmRun& run) { return first(run).dead_last; }, "{:.3f}"),
         share([](const ArmRun& run) { return blocked(run.run.ledger.censuses.back()).dead; },
               "{:.3f}"),
         share([](const ArmRun& run) { return run.run.test_accuracy; }, "{:.4f}")});
  }
  return table;
}

Claim share_claim(const Runs& relu, std::int64_t steps) {
  const Estimate share = trial::share_interval(relu.failed(), relu.size());
  return {.published =
              "training fails in half of the runs, and reaches high accuracy in the others "
              "(MNIST, 50 epochs)",
          .found = fmt::format("on other data, after {} steps, {} of {} runs do not beat the "
                               "baseline: {}",
                               steps, relu.failed(), relu.size(),
                               share_text(relu.failed(), relu.size())),
          .agreement = share.upper < kPublished || share.lower > kPublished ? Agreement::kDiffers
                       : share.lower > kPublished - kAbout && share.upper < kPublished + kAbout
                           ? Agreement::kAgrees
                           : Agreement::kUndecided};
}

// Dying is a layer without living units; anything else is not.
Claim cause_claim(const Runs& relu) {
  const int dead = relu.count([](const ArmRun& run) { return failed_dead(run, true); });
  const Estimate share = trial::share_interval(dead, relu.failed());
  const Estimate logs = relu.mean(
      [](const ArmRun& run) { return std::log(blocked(run.run.ledger.censuses.front()).signal); });
  return {
      .published = "the runs that fail are a case of dying ReLU",
      .found = relu.failed() == 0
                   ? "no run fails"
                   : fmt::format("of {} that fail {} end with a layer of dead units; as drawn "
                                 "the signal of the last layer is {:.2g} times that of the "
                                 "first (2^-33 is {:.2g})",
                                 relu.failed(), dead, std::exp(logs.mean), std::pow(2.0, -33.0)),
      .agreement = relu.failed() == 0  ? Agreement::kUndecided
                   : share.lower > 0.5 ? Agreement::kAgrees
                   : share.upper < 0.5 ? Agreement::kDiffers
                                       : Agreement::kUndecided};
}

Claim remedy_claim(const Runs& relu, const Runs& other, const std::string& published) {
  const Estimate failed = trial::share_interval(relu.failed(), relu.size());
  const Estimate left = trial::share_interval(other.failed(), other.size());
  return {.published = published + " (not compared with a figure of the paper)",
          .found = fmt::format("{}: {} fail, {}: {}", other.label,
                               share_text(other.failed(), other.size()), relu.label,
                               share_text(relu.failed(), relu.size())),
          .agreement = left.upper < failed.lower   ? Agreement::kAgrees
                       : left.lower > failed.upper ? Agreement::kDiffers
                                                   : Agreement::kUndecided};
}

}  // namespace

Blocked blocked(const CensusRecord& census) {
  const auto second_moment = [](const LayerHealth& layer) {
    return layer.signal_variance + layer.signal_mean * layer.signal_mean;
  };
  Blocked found;
  double dead = 0.0;
  double units = 0.0;
  for (const LayerHealth& layer : census.layers) {
    found.dead_layer = found.dead_layer || layer.dead == layer.units;
    dead += static_cast<double>(layer.dead);
    units += static_cast<double>(layer.units);
  }
  const LayerHealth& last = census.layers.back();
  found.signal = second_moment(last) / second_moment(census.layers.front());
  found.dead = dead / units;
  found.dead_last = static_cast<double>(last.dead) / static_cast<double>(last.units);
  return found;
}

Reproduction deep_34x128(const ReproduceSettings& settings, const ReproduceProgress& progress,
                         const std::stop_token& stop) {
  const Size size = size_of(settings);
  Reproduction found;
  found.setting = fmt::format(
      "{} on {} (the original: 34 layers of 128 on MNIST), Adam .001, batch 32, {} steps (the "
      "original: 50 epochs), {} seeds; of ReLU two draws a seed, counted as "
      "independent runs though they see the data in one order{}",
      size.model, size.data, size.steps, size.seeds, settings.quick ? "; quick: too small" : "");
  const Split data = open_dataset(size.data);
  std::vector<Study> studies;
  std::vector<Runs> all;
  for (const Initializer initializer : {Initializer::kXavierUniform, Initializer::kKaimingUniform})
    studies.push_back(
        run_arms(study_of(size, initializer), data,
                 {std::string(name(initializer)),
                  fmt::format("deep-{}-{}-{}", name(initializer), size.data, size.steps)},
                 settings, progress, stop));
  for (const Study& study : studies) {
    found.missing += study.missing;
    for (Runs& runs : runs_by_activation(study, study.settings.train.initializer))
      all.push_back(std::move(runs));
    found.plots.push_back(
        loss_plot(fmt::format("Training loss, {}", name(study.settings.train.initializer)), {}));
    for (const Arm& arm : study.arms)
      if (is_shown(arm)) found.plots.back().curves.push_back(loss_curve(arm, label_of(arm)));
  }
  if (found.missing > 0) return found;
  found.tables = {table_of(all)};
  const std::size_t arms = all.size() / 2;
  found.claims = {
      share_claim(all[0], size.steps), cause_claim(all[0]),
      remedy_claim(all[0], all[1], "Leaky ReLU in the place of ReLU fails less often"),
      remedy_claim(all[0], all[2], "a larger slope in the place of ReLU fails less often"),
      remedy_claim(all[0], all[arms], "Kaiming's draw in the place of Glorot's fails less often")};
  leave_open_if_short(found.claims, settings, {kFull.seeds, kFull.steps});
  return found;
}

}  // namespace undying::study
