// Xu, Wang, Chen, Li 2015: leaky rectifiers of a small and a larger slope, a learned and a random
// one, against ReLU, on a convolutional network. Their a divides: a slope of 1 / a.

#include "study/reproduce/slopes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "study/reproduce/common.h"
#include "trial/statistics.h"

namespace undying::study {
namespace {

// Test errors in percent, Network in Network on CIFAR-10.
struct Published {
  const char* activation;
  const char* name;
  double error;
};
constexpr std::array kPublished = {
    Published{"relu", "ReLU", 12.45}, Published{"leaky_relu:0.01", "Leaky ReLU, a = 100", 12.66},
    Published{"leaky_relu:0.18181819", "Leaky ReLU, a = 5.5", 11.20},
    Published{"prelu", "PReLU", 11.79}, Published{"rrelu", "RReLU", 11.19}};
// Of their errors, in points, within which an order is not claimed.
constexpr double kSame = 0.25;

struct Size {
  const char* data;
  const char* model;
  int seeds;
  std::int64_t epochs;
};
constexpr Size kFull{"fashion-mnist", "lenet", 5, 2};
constexpr std::int64_t kBatch = 128;

Size size_of(const ReproduceSettings& settings) {
  Size size = settings.quick ? Size{"spirals", "mlp:16-16", 2, 1} : kFull;
  if (settings.seeds > 0) size.seeds = settings.seeds;
  return size;
}

StudySettings study_of(const Size& size, const Length& length) {
  StudySettings study{.data = size.data, .model = size.model, .seeds = size.seeds};
  for (const Published& each : kPublished) study.activations.emplace_back(each.activation);
  study.train.optimizer = Sgd{.learning_rate = 0.05f, .momentum = 0.9f, .weight_decay = 5e-4f};
  study.train.batch = kBatch;
  study.train.epochs = length.epochs;
  study.train.max_steps = length.steps;
  return study;
}

struct Errors {
  Published published;
  std::vector<double> percent;  // by seed; of those that diverged, all that there is
};

std::vector<Errors> errors_of(const Study& study) {
  std::vector<Errors> all;
  for (const Published& each : kPublished) {
    const Arm& arm = *std::ranges::find_if(study.arms, [&](const Arm& other) {
      return is_shown(other) && other.activation == Activation(each.activation);
    });
    Errors errors{each, {}};
    for (const ArmRun* run : runs_of(arm))
      errors.percent.push_back(
          run->run.status == RunStatus::kFinished ? 100.0 * (1.0 - run->run.test_accuracy) : 100.0);
    all.push_back(std::move(errors));
  }
  return all;
}

Estimate difference(const Errors& arm, const Errors& to) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < std::min(arm.percent.size(), to.percent.size()); ++i)
    differences.push_back(arm.percent[i] - to.percent[i]);
  return trial::mean_interval(differences);
}

Table table_of(const std::vector<Errors>& all, const Length& length) {
  Table table{.title = fmt::format("Test error in percent after {}, mean over seeds with its "
                                   "95% interval, and less that of ReLU with the same seed; "
                                   "published: Network in Network on CIFAR-10",
                                   length.text()),
              .columns = {"arm", "as published", "published", "seeds", "error", "less relu's"}};
  for (const Errors& arm : all)
    table.rows.push_back({arm.published.activation, arm.published.name,
                          fmt::format("{:.2f}", arm.published.error),
                          fmt::format("{}", arm.percent.size()),
                          interval_text(trial::mean_interval(arm.percent), "{:.2f}"),
                          interval_text(difference(arm, all.front()), "{:+.2f}")});
  return table;
}

// Of two arms, which is better.
Claim order_claim(const Errors& better, const Errors& worse) {
  const Estimate found = difference(better, worse);
  return {.published = fmt::format("{} ({:.2f}% of errors) is better than {} ({:.2f}%)",
                                   better.published.name, better.published.error,
                                   worse.published.name, worse.published.error),
          .found = fmt::format("on other data and another network the difference of errors is {} "
                               "points",
                               interval_text(found, "{:+.2f}")),
          .agreement = found.upper < 0.0   ? Agreement::kAgrees
                       : found.lower > 0.0 ? Agreement::kDiffers
                                           : Agreement::kUndecided};
}

}  // namespace

Reproduction slopes(const ReproduceSettings& settings, const ReproduceProgress& progress,
                    const std::stop_token& stop) {
  const Size size = size_of(settings);
  const Split data = open_dataset(size.data);
  const Length length = length_of(size.epochs, settings.steps, data.train->size, kBatch);
  Reproduction found;
  found.setting = fmt::format(
      "{} on {} (the paper: Network in Network on CIFAR-10), SGD .05 with momentum .9, weight "
      "decay 5e-4, batch {}, {}, {} seeds; RReLU draws slopes of 1/8 to 1/3 and is tested at "
      "their mean{}",
      size.model, size.data, kBatch, length.text(), size.seeds,
      settings.quick ? "; quick: too small" : "");
  const Study study =
      run_arms(study_of(size, length), data,
               {"runs", fmt::format("slopes-{}-{}-{}", size.data, length.epochs, length.steps)},
               settings, progress, stop);
  found.missing = study.missing;
  if (found.missing > 0) return found;
  const std::vector<Errors> all = errors_of(study);
  found.tables = {table_of(all, length)};
  found.plots = {loss_plot("Training loss", {})};
  for (const Arm& arm : study.arms)
    if (is_shown(arm)) found.plots.front().curves.push_back(loss_curve(arm, label_of(arm)));
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      const bool first = all[i].published.error < all[j].published.error;
      const Errors& better = first ? all[i] : all[j];
      const Errors& worse = first ? all[j] : all[i];
      if (worse.published.error - better.published.error > kSame)
        found.claims.push_back(order_claim(better, worse));
    }
  leave_open_if_short(found.claims, settings, {kFull.seeds, length.full});
  return found;
}

}  // namespace undying::study
