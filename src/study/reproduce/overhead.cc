// What an activation costs: the processor time of a training step with each, beside ReLU's, and
// with the counters off. Interleaved, for machines are rarely quiet.

#include "study/reproduce/overhead.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/philox.h"
#include "study/reproduce/common.h"
#include "undying/trainer.h"

namespace undying::study {
namespace {

constexpr double kNearly = 0.05;                     // more than ReLU's step: still "nearly zero"
constexpr FullSize kFull{.seeds = 60, .steps = 20};  // a round is what elsewhere a seed is
constexpr std::int64_t kInputs = 784;
constexpr std::int64_t kClasses = 10;
constexpr std::int64_t kBatch = 128;

struct Measured {
  std::string network;
  std::string activation;
  bool counters = true;
  std::vector<double> seconds = {};  // of a step, by round
};

constexpr std::array kNetworks = {"mlp:32x30", "mlp:512x4"};
constexpr std::array kActivations = {
    "relu", "leaky_relu:0.01", "prelu", "rrelu", "elu", "selu", "gelu", "silu", "tanh"};

std::vector<Measured> arms_of(const char* network) {
  std::vector<Measured> arms;
  for (const char* activation : kActivations) arms.push_back({network, activation});
  arms.push_back({network, "relu", false});
  arms.push_back({network, "leaky_relu:0.01", false});
  return arms;
}

Dataset noise() {
  const Random random(1, Stream::kSyntheticData, 40);
  Dataset data{.name = "noise", .size = 8 * kBatch, .shape = {kInputs}, .classes = kClasses};
  data.values.resize(static_cast<std::size_t>(data.size * kInputs));
  for (std::size_t i = 0; i < data.values.size(); ++i)
    data.values[i] = static_cast<float>(random.uniform(i));
  for (std::int64_t i = 0; i < data.size; ++i)
    data.labels.push_back(static_cast<std::int32_t>(i % kClasses));
  return data;
}

Trainer trainer_of(const Measured& arm, const Dataset& data, std::int64_t steps) {
  TrainSettings train{.optimizer = Sgd{.learning_rate = 1e-4f, .momentum = 0.9f}};
  train.batch = kBatch;
  train.max_steps = steps;
  train.epochs = steps * kBatch / data.size + 1;
  train.threads = train.shards = 1;
  train.evaluate = train.health.census = false;
  train.health.counters = arm.counters;
  return {build_model(arm.network, data.shape, data.classes,
                      {.activation = Activation(arm.activation)}),
          train};
}

// Of this thread, which does all the work of one worker.
double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Of a step, from the end of the first one on: what a run begins with is no part of it.
double seconds_a_step(Trainer& trainer, const Dataset& data) {
  std::int64_t steps = 0;
  double first = 0.0;
  double last = 0.0;
  const auto look = [&](const StepRecord&) {
    last = processor_seconds();
    if (++steps == 1) first = last;
  };
  trainer.fit(data, data, {.step = look, .epoch = {}});
  return (last - first) / static_cast<double>(steps - 1);
}

// Round by round each arm makes a few steps, in an order that turns around. The first round warms.
std::vector<Measured> measure(const char* network, int rounds, std::int64_t steps,
                              const ReproduceProgress& progress, const std::stop_token& stop) {
  std::vector<Measured> arms = arms_of(network);
  const Dataset data = noise();
  std::vector<Trainer> trainers;
  for (const Measured& arm : arms) trainers.push_back(trainer_of(arm, data, steps));
  for (int round = 0; round <= rounds && !stop.stop_requested(); ++round) {
    for (std::size_t i = 0; i < arms.size(); ++i) {
      const std::size_t arm = round % 2 == 0 ? i : arms.size() - 1 - i;
      const double seconds = seconds_a_step(trainers[arm], data);
      if (round > 0) arms[arm].seconds.push_back(seconds);
    }
    if (progress) progress(network, static_cast<double>(round) / rounds);
  }
  return arms;
}

Estimate ratio(const Measured& arm, const Measured& to) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < arm.seconds.size(); ++i)
    ratios.push_back(arm.seconds[i] / to.seconds[i]);
  return median_interval(std::move(ratios));
}

std::string label_of(const Measured& arm) {
  return arm.activation + (arm.counters ? "" : ", counters off");
}

Table table_of(const std::vector<Measured>& arms) {
  Table table{.title = fmt::format("{} on {} inputs, batch {}, one thread: microseconds a step and "
                                   "the ratio to ReLU's of the same round, medians with their 95% "
                                   "intervals; 10th to 90th percentile of the ratio",
                                   arms.front().network, kInputs, kBatch),
              .columns = {"arm", "microseconds", "ratio to relu", "10th to 90th"}};
  for (const Measured& arm : arms) {
    std::vector<double> micro;
    std::vector<double> ratios;
    for (std::size_t i = 0; i < arm.seconds.size(); ++i) {
      micro.push_back(1e6 * arm.seconds[i]);
      ratios.push_back(arm.seconds[i] / arms.front().seconds[i]);
    }
    std::ranges::sort(ratios);
    const auto percentile = [&](double p) {
      return ratios[static_cast<std::size_t>(
          std::lround(p * static_cast<double>(ratios.size() - 1)))];
    };
    table.rows.push_back({label_of(arm), interval_text(median_interval(micro), "{:.1f}"),
                          interval_text(median_interval(ratios), "{:.3f}"),
                          fmt::format("{:.3f} to {:.3f}", percentile(0.1), percentile(0.9))});
  }
  return table;
}

Plot plot_of(const std::vector<Measured>& arms) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const Measured& relu = arms.front();
  Plot plot{.title = fmt::format("Time of a step of {} over ReLU's, round by round", relu.network),
            .x = {.title = "round"},
            .y = {.title = "ratio to relu"}};
  for (const Measured& arm : arms) {
    Curve curve{.label = label_of(arm)};
    for (std::size_t i = 0; i < arm.seconds.size(); ++i)
      curve.add(static_cast<double>(i + 1), {arm.seconds[i] / relu.seconds[i], kNan, kNan, 1});
    plot.curves.push_back(std::move(curve));
  }
  return plot;
}

Claim cost_claim(const std::vector<std::vector<Measured>>& all, std::string_view activation,
                 const std::string& published) {
  Claim claim{.published = published};
  bool below = true;
  bool above = false;
  for (const std::vector<Measured>& arms : all) {
    const Measured& arm = *std::ranges::find(arms, activation, &Measured::activation);
    const Estimate cost = ratio(arm, arms.front());
    claim.found += fmt::format("{}{}: {} times a step of ReLU", claim.found.empty() ? "" : "; ",
                               arm.network, interval_text(cost, "{:.3f}"));
    below = below && cost.upper < 1.0 + kNearly;
    above = above || cost.lower > 1.0 + kNearly;
  }
  claim.found += fmt::format(" (nearly: below {:.2f})", 1.0 + kNearly);
  claim.agreement = above   ? Agreement::kDiffers
                    : below ? Agreement::kAgrees
                            : Agreement::kUndecided;
  return claim;
}

}  // namespace

Estimate median_interval(std::vector<double> values) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::size_t n = values.size();
  if (n == 0) return {nan, nan, nan, 0};
  std::ranges::sort(values);
  const double median = (values[(n - 1) / 2] + values[n / 2]) / 2.0;
  // The chance of at most k of n below the median, from k = 0 on, while twice it is at most 5%.
  double chance = std::pow(0.5, static_cast<double>(n));
  double sum = chance;
  std::size_t k = 0;
  while (sum <= 0.025) {
    ++k;
    chance *= static_cast<double>(n - k + 1) / static_cast<double>(k);
    sum += chance;
  }
  if (k == 0) return {median, nan, nan, static_cast<int>(n)};
  return {median, values[k - 1], values[n - k], static_cast<int>(n)};
}

Reproduction overhead(const ReproduceSettings& settings, const ReproduceProgress& progress,
                      const std::stop_token& stop) {
  const int rounds = settings.seeds > 0 ? settings.seeds : settings.quick ? 2 : kFull.seeds;
  // Of which the first is not timed.
  const std::int64_t steps = std::max<std::int64_t>(2, settings.steps > 0 ? settings.steps
                                                       : settings.quick   ? 2
                                                                          : kFull.steps);
  Reproduction found;
  found.setting = fmt::format(
      "forward, loss, backward and SGD with momentum on random inputs; {} rounds of {} steps of "
      "each arm in turn, the first of them not timed{}. Processor times are this machine's, as "
      "quiet as it was",
      rounds, steps, settings.quick ? "; quick: too few" : "");
  std::vector<std::vector<Measured>> all;
  for (const char* network : kNetworks)
    if (!stop.stop_requested()) all.push_back(measure(network, rounds, steps, progress, stop));
  if (stop.stop_requested()) {
    found.missing = 1;
    return found;
  }
  for (const std::vector<Measured>& arms : all) {
    found.tables.push_back(table_of(arms));
    found.plots.push_back(plot_of(arms));
  }
  found.claims = {cost_claim(all, "prelu", "PReLU costs nearly no extra computation"),
                  cost_claim(all, "leaky_relu:0.01",
                             "Leaky ReLU costs next to nothing (a sentence without a figure)")};
  leave_open_if_short(found.claims, settings, kFull);
  return found;
}

}  // namespace undying::study
