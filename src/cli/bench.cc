#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/philox.h"
#include "cli/commands.h"
#include "cli/parse.h"
#include "undying/error.h"
#include "undying/trainer.h"

namespace undying::cli {
namespace {

using Clock = std::chrono::steady_clock;

const Clock::time_point kStart = Clock::now();  // as near to the start of the process as the program itself can see

constexpr const char* kDescription =
    "Measures training steps on fixed workloads (fully connected, 784 inputs, 10 classes): forward,\n"
    "cross-entropy, backward, SGD with momentum 0.9, counters on. Samples per second and GFLOP/s, where a\n"
    "step is 6 x batch x multiply-adds; median over windows of steps with the 10th and 90th percentile.";

constexpr const char* kFooter =
    "Workloads: W1 30 x 32, batch 128; W2 10 x 128, batch 128; W3 4 x 512, batch 128; W4 4 x 1024, batch 256.\n"
    "\n"
    "Examples:\n"
    "  undying bench --workload W1 --threads 2 --json w1.json\n"
    "  undying bench --workload W1 --compare-counters\n"
    "  undying bench --workload W2 --compare-activations relu,leaky_relu:0.01";

struct Workload {
  const char* name;
  std::int64_t width;
  std::int64_t depth;
  std::int64_t batch;
};

constexpr std::array kWorkloads = {Workload{"W1", 32, 30, 128}, Workload{"W2", 128, 10, 128}, Workload{"W3", 512, 4, 128},
                                   Workload{"W4", 1024, 4, 256}};

struct BenchOptions {
  explicit BenchOptions(CLI::App& app) {
    app.add_option("--workload", workload, "W1, W2, W3 or W4")->capture_default_str();
    add_integer(app, "--threads", threads, "worker threads; 0: one per core", 0, 1024);
    add_integer(app, "--batch", batch, "examples a step; 0: the workload's", 0, 1 << 20);
    add_real(app, "--seconds", seconds, "how long to measure", 0.05, 3600.0);
    add_integer(app, "--rounds", rounds, "interleaved rounds of a comparison", 1, 1000);
    app.add_option("--activation", activation, "the activation")->capture_default_str();
    app.add_flag("--no-counters", no_counters, "without counting");
    app.add_flag("--first-step", first_step, "make one step and end: for timing the start from outside");
    app.add_flag("--compare-counters", compare_counters, "interleave counters on and off; print what they cost");
    app.add_option("--compare-activations", compare_activations, "A,B: interleave two activations; print the ratio of their step times");
    app.add_option("--json", json, "write the result as JSON to this file")->type_name("FILE");
  }

  std::string workload = "W1";
  std::int64_t threads = 0;
  std::int64_t batch = 0;
  double seconds = 2.0;
  std::int64_t rounds = 20;
  std::string activation = "leaky_relu:0.01";
  bool no_counters = false;
  bool first_step = false;
  bool compare_counters = false;
  std::string compare_activations;
  std::string json;
};

Workload find_workload(const BenchOptions& options) {
  for (Workload workload : kWorkloads) {
    if (options.workload != workload.name) continue;
    if (options.batch > 0) workload.batch = options.batch;
    return workload;
  }
  throw Error(ErrorCode::kInvalidArgument, "--workload", fmt::format("\"{}\" is not known; expected W1, W2, W3 or W4", options.workload));
}

// Random pixels and labels; the bench's own data, so that it needs none.
Dataset random_images() {
  const Random random(1, Stream::kTest);
  Dataset data{.name = "random images", .size = 1024, .shape = {784}, .classes = 10};
  data.bytes.reserve(static_cast<std::size_t>(data.size) * 784);
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(data.size) * 784 / 4; ++i)
    for (const std::uint32_t word : random.block(i)) data.bytes.push_back(static_cast<std::uint8_t>(word));
  for (std::int64_t i = 0; i < data.size; ++i)
    data.labels.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(i) + (1U << 30), 10)));
  return data;
}

struct Contender {
  std::string label;
  Activation activation;
  bool counters = true;
};

// A network of the workload, trained a window of steps at a time.
class Subject {
 public:
  Subject(const Workload& workload, const Contender& contender, int threads, const Dataset& data)
      : data_(data),
        batch_(workload.batch),
        trainer_(mlp({.inputs = 784,
                      .hidden = std::vector<std::int64_t>(static_cast<std::size_t>(workload.depth), workload.width),
                      .outputs = 10,
                      .activation = contender.activation}),
                 settings(workload, contender, threads)) {}

  // Mean seconds of a step over at least `least` seconds; the first step's loss is kept for the check.
  double window(double least) {
    std::stop_source stop;
    Clock::time_point first{};
    Clock::time_point last{};
    std::int64_t steps = 0;
    Observer observer;
    observer.step = [&](const StepRecord& record) {
      last = Clock::now();
      if (first_loss_ == 0.0) {
        first_loss_ = record.loss;
        first_step_ms_ = std::chrono::duration<double, std::milli>(last - kStart).count();
      }
      last_loss_ = record.loss;
      if (record.step == 1) first = last;
      steps = record.step - 1;
      if (steps >= 0 && std::chrono::duration<double>(last - first).count() >= least) stop.request_stop();
    };
    trainer_.fit(data_, data_, observer, stop.get_token());
    return std::chrono::duration<double>(last - first).count() / static_cast<double>(steps);
  }

  // A measurement counts only if the network was really trained.
  void verify() const {
    if (!std::isfinite(last_loss_) || !(last_loss_ < first_loss_ + 0.5))
      throw Error(ErrorCode::kInternal, "bench", fmt::format("the loss went from {} to {}: this is not training", first_loss_, last_loss_));
  }

  double first_step_ms() const { return first_step_ms_; }

 private:
  static TrainSettings settings(const Workload& workload, const Contender& contender, int threads) {
    TrainSettings settings{.optimizer = Sgd{.learning_rate = 0.01f, .momentum = 0.9f}, .batch = workload.batch, .epochs = 1'000'000};
    settings.evaluate = false;
    settings.threads = threads;
    settings.health = {.counters = contender.counters, .census = false};
    return settings;
  }

  const Dataset& data_;
  std::int64_t batch_;
  double first_loss_ = 0.0;
  double last_loss_ = 0.0;
  double first_step_ms_ = 0.0;
  Trainer trainer_;
};

double multiply_adds(const Workload& workload) {
  const auto width = static_cast<double>(workload.width);
  return 784.0 * width + static_cast<double>(workload.depth - 1) * width * width + 10.0 * width;
}

struct Spread {
  double median, low, high;  // the 10th and 90th percentile
};

Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) { return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)]; };
  return {at(0.5), at(0.1), at(0.9)};
}

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

// One step and no more.
nlohmann::ordered_json measure_start(const BenchOptions& options, const Workload& workload, const Dataset& data) {
  Subject subject(workload, {"", Activation(options.activation), !options.no_counters}, static_cast<int>(options.threads), data);
  subject.window(0.0);
  fmt::print("{}: first step finished {:.0f} ms after start; peak memory {:.0f} MB\n", workload.name, subject.first_step_ms(),
             peak_rss_mb());
  return {{"workload", workload.name},
          {"first_step_ms", subject.first_step_ms()},
          {"peak_rss_mb", peak_rss_mb()},
          {"data_mb", static_cast<double>(data.bytes.size()) / 1048576.0}};
}

nlohmann::ordered_json measure(const BenchOptions& options, const Workload& workload, const Dataset& data) {
  constexpr int kWindows = 20;
  Subject subject(workload, {"", Activation(options.activation), !options.no_counters}, static_cast<int>(options.threads), data);
  subject.window(0.05);  // warm
  std::vector<double> times;
  for (int i = 0; i < kWindows; ++i) times.push_back(subject.window(options.seconds / kWindows));
  subject.verify();
  const Spread step = spread(times);
  const double batch = static_cast<double>(workload.batch);
  const double flops = 6.0 * batch * multiply_adds(workload);
  const double data_mb = static_cast<double>(data.bytes.size()) / 1048576.0;
  fmt::print("{} {}: {:.1f}k samples/s, {:.1f} GFLOP/s; step {:.0f} us (10th to 90th percentile {:.0f} to {:.0f})\n", workload.name,
             options.activation, 1e-3 * batch / step.median, 1e-9 * flops / step.median, 1e6 * step.median, 1e6 * step.low,
             1e6 * step.high);
  fmt::print("first step finished {:.0f} ms after start; peak memory {:.0f} MB, of which data {:.0f} MB\n", subject.first_step_ms(),
             peak_rss_mb(), data_mb);
  return {{"workload", workload.name},
          {"activation", options.activation},
          {"batch", workload.batch},
          {"threads", options.threads},
          {"counters", !options.no_counters},
          {"samples_per_second", batch / step.median},
          {"gflops", 1e-9 * flops / step.median},
          {"step_seconds", {{"median", step.median}, {"p10", step.low}, {"p90", step.high}}},
          {"first_step_ms", subject.first_step_ms()},
          {"peak_rss_mb", peak_rss_mb()},
          {"data_mb", data_mb}};
}

// Rounds of A, B, B, A; the ratio of each round's sums is free of drift.
nlohmann::ordered_json compare(const BenchOptions& options, const Workload& workload, const Dataset& data, const Contender& a,
                               const Contender& b) {
  const int threads = static_cast<int>(options.threads);
  Subject first(workload, a, threads, data);
  Subject second(workload, b, threads, data);
  const double least = options.seconds / static_cast<double>(4 * options.rounds);
  first.window(0.05);
  second.window(0.05);
  std::vector<double> ratios;
  for (std::int64_t i = 0; i < options.rounds; ++i) {
    const double one = first.window(least);
    const double two = second.window(least);
    const double three = second.window(least);
    const double four = first.window(least);
    ratios.push_back((one + four) / (two + three));
  }
  first.verify();
  second.verify();
  const Spread ratio = spread(ratios);
  fmt::print("{}: step time of {} / {}: {:.4f} ({:+.2f}%; 10th to 90th percentile {:.4f} to {:.4f}; {} rounds)\n", workload.name, a.label,
             b.label, ratio.median, 100.0 * (ratio.median - 1.0), ratio.low, ratio.high, options.rounds);
  return {{"workload", workload.name},
          {"a", a.label},
          {"b", b.label},
          {"rounds", options.rounds},
          {"ratio", {{"median", ratio.median}, {"p10", ratio.low}, {"p90", ratio.high}}}};
}

int bench(const BenchOptions& options) {
  if (!options.json.empty()) check_writable(options.json);
  const Workload workload = find_workload(options);
  const Dataset data = random_images();
  nlohmann::ordered_json result;
  if (options.first_step) {
    result = measure_start(options, workload, data);
  } else if (options.compare_counters) {
    const Activation activation(options.activation);
    result = compare(options, workload, data, {"counters on", activation, true}, {"counters off", activation, false});
  } else if (!options.compare_activations.empty()) {
    const auto pair = parse_activations("--compare-activations", options.compare_activations);
    if (pair.size() != 2)
      throw Error(ErrorCode::kInvalidArgument, "--compare-activations", fmt::format("names {} activations; expected two", pair.size()));
    result = compare(options, workload, data, {pair[1].specification(), pair[1], true}, {pair[0].specification(), pair[0], true});
  } else {
    result = measure(options, workload, data);
  }
  if (!options.json.empty()) write_file(options.json, result.dump(2) + "\n");
  return kOk;
}

}  // namespace

Command add_bench(CLI::App& program) {
  CLI::App* app = program.add_subcommand("bench", "measure the speed of training");
  app->description(kDescription);
  app->footer(kFooter);
  const auto options = std::make_shared<BenchOptions>(*app);
  return [options] { return bench(*options); };
}

}  // namespace undying::cli
