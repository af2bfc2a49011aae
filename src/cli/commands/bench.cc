#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "base/atomic_file.h"
#include "cli/commands/bench_subject.h"
#include "cli/commands/commands.h"
#include "cli/flags/parse.h"
#include "cli/network.h"
#include "cli/outputs.h"
#include "cli/progress.h"
#include "engine/engine.h"
#include "undying/error.h"
#include "undying/trainer.h"

namespace undying::cli {
namespace {

constexpr const char* kBenchDescription =
    "Measures training steps on fixed workloads.\n"
    "A step is forward, cross-entropy, backward and SGD with momentum 0.9 on random images, "
    "counters on. Prints\n"
    "samples per second and GFLOP/s (a step is 6 x batch x multiply-adds): the median over 20 "
    "windows of steps\n"
    "with the 10th and 90th percentile. First checks that the network learns: that it fits one "
    "batch better\n"
    "after a few steps.\n";

constexpr const char* kBenchFooter =
    "Workloads, all on images of 28 x 28 and 10 classes, batch 128 (W4: 256):\n"
    "  W1 mlp:32x30, W2 mlp:128x10, W3 mlp:512x4, W4 mlp:1024x4, W5 vgg:small, W6 resnet:20\n"
    "\n"
    "Examples:\n"
    "  undying bench --workload W1 --threads 2 --json w1.json\n"
    "  undying bench --workload W1 --compare-counters\n"
    "  undying bench --workload W2 --compare-activations relu,leaky_relu:0.01\n"
    "  undying bench --model net.onnx --batch 32 --compare-activations relu,leaky_relu:0.01\n"
    "\n"
    "Exit codes: 0 done; 1 internal failure, or a network that does not learn; 2 bad input, or an "
    "output that cannot\n"
    "be written.";

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all = {{"W1", "mlp:32x30", 128}, {"W2", "mlp:128x10", 128},
                                            {"W3", "mlp:512x4", 128}, {"W4", "mlp:1024x4", 256},
                                            {"W5", "vgg:small", 128}, {"W6", "resnet:20", 128}};
  return all;
}

struct BenchOptions {
  BenchOptions(CLI::App& app, const Host& caller) : host(caller), network(app) {
    auto* name = app.add_option("--workload", workload, "W1 to W6")
                     ->type_name("NAME")
                     ->capture_default_str();
    app.add_option(
           "--model", model,
           "in place of a workload: the network of this ONNX file, on random inputs and targets")
        ->type_name("FILE")
        ->excludes(name);
    app.add_option("--activation", activation,
                   "the activation; of a file's network in place of its own")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--precision", precision, "of products: float32 or bf16")
        ->type_name("NAME")
        ->capture_default_str();
    add_integer(app, "--batch", batch, "examples a step; 0: the workload's", 0, 1 << 16);
    add_integer(app, "--threads", threads, "worker threads; 0: one per core", 0, 1024);
    add_integer(app, "--seed", seed, "of the random images and the initial draw", 0,
                std::int64_t{1} << 62);
    add_real(app, "--seconds", seconds, "how long to measure", 0.05, 3600.0);
    app.add_flag("--no-counters", no_counters, "without counting");
    add_comparisons(app);
    add_file(app, "--json", json, "write the result as JSON to this file");
    app.add_flag("--quiet", quiet, "no progress, only the result");
  }

  void add_comparisons(CLI::App& app) {
    auto* counters = app.add_flag("--compare-counters", compare_counters,
                                  "interleave counters on and off; print what they cost");
    auto* activations =
        app.add_option("--compare-activations", compare_activations,
                       "A,B: interleave two activations; print the ratio of their step times");
    auto* remedies = app.add_option(
        "--compare-keep-alive", compare_keep_alive,
        "interleave training with this remedy inside it, and without; print what it costs");
    auto* start = app.add_flag("--first-step", first_step,
                               "make one step and end: for timing the start from outside");
    add_integer(app, "--rounds", rounds, "interleaved rounds of a comparison", 1, 1000);
    activations->type_name("A,B");
    remedies->type_name("NAME");
    kinds = {counters, activations, remedies, start};
  }

  // The flags that choose what is measured exclude each other.
  void check() const {
    const CLI::Option* chosen = nullptr;
    for (const CLI::Option* kind : kinds) {
      if (kind->count() == 0) continue;
      if (chosen != nullptr)
        throw Error(ErrorCode::kInvalidArgument, kind->get_name(),
                    fmt::format("does not go with {}; expected one of them", chosen->get_name()));
      chosen = kind;
    }
    if (compare_counters && no_counters)
      throw Error(ErrorCode::kInvalidArgument, "--no-counters",
                  "does not go with --compare-counters, which measures both");
  }

  const Host& host;
  NetworkFlags network;
  std::string workload = "W1";
  std::string model;
  std::string activation = "leaky_relu:0.01";
  std::string precision = "float32";
  std::int64_t batch = 0;
  std::int64_t threads = 0;
  std::int64_t seed = 1;
  double seconds = 2.0;
  std::int64_t rounds = 20;
  bool no_counters = false;
  bool first_step = false;
  bool compare_counters = false;
  std::string compare_activations;
  std::string compare_keep_alive;
  std::string json;
  bool quiet = false;
  std::vector<const CLI::Option*> kinds;

  SubjectOptions subject() const {
    return {.seed = seed,
            .threads = static_cast<int>(threads),
            .precision = parse_precision(precision)};
  }
};

// Of a file, of several outputs the first, or the one that --output names.
Workload file_workload(const BenchOptions& options) {
  if (!is_network_file(options.model))
    throw Error(ErrorCode::kInvalidArgument, "--model",
                fmt::format("is \"{}\"; expected an ONNX file, FILE.onnx", options.model));
  Network network = options.network.load(options.model, true);
  check_trains(network, options.model);
  Dataset target{.name = "random targets",
                 .outputs = network.interface.outputs.front().width,
                 .target = network.interface.outputs.front().name};
  options.network.choose(network, target, {});
  return {options.model, options.model, options.batch > 0 ? options.batch : 128,
          std::move(network)};
}

Workload find_workload(const BenchOptions& options) {
  if (!options.model.empty()) return file_workload(options);
  if (options.network.given())
    throw Error(ErrorCode::kInvalidArgument, "--output",
                "and --shape are of a network from a file; expected --model FILE.onnx");
  for (Workload workload : workloads()) {
    if (options.workload != workload.name) continue;
    if (options.batch > 0) workload.batch = options.batch;
    return workload;
  }
  throw Error(ErrorCode::kInvalidArgument, "--workload",
              fmt::format("\"{}\" is not known; expected W1 to W6", options.workload));
}

struct Spread {
  double median, low, high;  // the 10th and 90th percentile
};

Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(
        std::lround(share * static_cast<double>(values.size() - 1)))];
  };
  return {at(0.5), at(0.1), at(0.9)};
}

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

nlohmann::ordered_json as_json(const Spread& spread) {
  return {{"median", spread.median}, {"p10", spread.low}, {"p90", spread.high}};
}

double megabytes(const Dataset& data) {
  return static_cast<double>(data.bytes.size() + 4 * data.values.size()) / 1048576.0;
}

void print_start(const Subject& subject, const Dataset& data) {
  fmt::print(
      "first step finished {:.0f} ms after start; peak memory {:.0f} MB, of which data {:.0f} MB\n",
      subject.first_step_ms(), peak_rss_mb(), megabytes(data));
}

nlohmann::ordered_json start_json(const Subject& subject, const Dataset& data) {
  return {{"first_step_ms", subject.first_step_ms()},
          {"peak_rss_mb", peak_rss_mb()},
          {"data_mb", megabytes(data)}};
}

// One step and no more.
nlohmann::ordered_json measure_start(const BenchOptions& options, const Workload& workload,
                                     const Dataset& data) {
  Subject subject(workload, {"", Activation(options.activation), !options.no_counters},
                  options.subject());
  subject.first_step(data);
  fmt::print("{}: ", workload.name);
  print_start(subject, data);
  std::fflush(stdout);  // whoever times the start from outside reads the line now, not at the end
                        // of the process
  nlohmann::ordered_json json = {{"workload", workload.name}};
  json.update(start_json(subject, data));
  return json;
}

std::vector<double> time_windows(Subject& subject, const BenchOptions& options,
                                 const Dataset& data) {
  constexpr int kWindows = 20;
  Screen screen(options.host, options.quiet);
  std::vector<double> times;
  for (int i = 0; i < kWindows; ++i) {
    if (screen.due())
      screen.show({fmt::format("[{}] window {} of {}", bar(static_cast<double>(i) / kWindows, 20),
                               i + 1, kWindows)});
    times.push_back(subject.window(data, options.seconds / kWindows));
  }
  return times;
}

nlohmann::ordered_json measure(const BenchOptions& options, const Workload& workload,
                               const Dataset& data) {
  const Activation activation(options.activation);
  Subject subject(workload, {"", activation, !options.no_counters}, options.subject());
  subject.verify(data);
  subject.window(data, 0.05);  // warm
  const Spread step = spread(time_windows(subject, options, data));
  const double batch = static_cast<double>(workload.batch);
  const double gflops = 1e-9 * 6.0 * batch * subject.multiply_adds() / step.median;
  fmt::print(
      "{} {}: {}, {:.1f} GFLOP/s; step {:.0f} us (10th to 90th percentile {:.0f} to {:.0f}); {} "
      "thread{}\n",
      workload.name, activation.specification(), rate_text(batch / step.median), gflops,
      1e6 * step.median, 1e6 * step.low, 1e6 * step.high, subject.threads(),
      subject.threads() == 1 ? "" : "s");
  print_start(subject, data);
  nlohmann::ordered_json json = {{"workload", workload.name},
                                 {"activation", activation.specification()},
                                 {"batch", workload.batch},
                                 {"threads", subject.threads()},
                                 {"shards", subject.shards()},
                                 {"counters", !options.no_counters},
                                 {"precision", options.precision},
                                 {"seed", options.seed},
                                 {"samples_per_second", batch / step.median},
                                 {"gflops", gflops},
                                 {"step_seconds", as_json(step)}};
  json.update(start_json(subject, data));
  return json;
}

// Rounds of A, B, B, A; the ratio of each round's sums is free of drift.
std::vector<double> time_rounds(Subject& first, Subject& second, const BenchOptions& options,
                                const Dataset& data) {
  const double least = options.seconds / static_cast<double>(4 * options.rounds);
  const double rounds = static_cast<double>(options.rounds);
  Screen screen(options.host, options.quiet);
  std::vector<double> ratios;
  for (std::int64_t i = 0; i < options.rounds; ++i) {
    if (screen.due())
      screen.show({fmt::format("[{}] round {} of {}", bar(static_cast<double>(i) / rounds, 20),
                               i + 1, options.rounds)});
    const double one = first.window(data, least);
    const double two = second.window(data, least);
    const double three = second.window(data, least);
    const double four = first.window(data, least);
    ratios.push_back((one + four) / (two + three));
  }
  return ratios;
}

nlohmann::ordered_json compare(const BenchOptions& options, const Workload& workload,
                               const Dataset& data, const Contender& a, const Contender& b) {
  Subject first(workload, a, options.subject());
  Subject second(workload, b, options.subject());
  for (Subject* subject : {&first, &second}) {
    subject->verify(data);
    subject->window(data, 0.05);  // warm
  }
  const Spread ratio = spread(time_rounds(first, second, options, data));
  fmt::print(
      "{}: step time of {} / {}: {:.4f} ({:+.2f}%; 10th to 90th percentile {:.4f} to {:.4f}; {} "
      "rounds; {} thread{})\n",
      workload.name, a.label, b.label, ratio.median, 100.0 * (ratio.median - 1.0), ratio.low,
      ratio.high, options.rounds, first.threads(), first.threads() == 1 ? "" : "s");
  return {{"workload", workload.name},
          {"a", a.label},
          {"b", b.label},
          {"threads", first.threads()},
          {"rounds", options.rounds},
          {"ratio", as_json(ratio)}};
}

nlohmann::ordered_json compare_counters(const BenchOptions& options, const Workload& workload,
                                        const Dataset& data) {
  const Activation activation(options.activation);
  return compare(options, workload, data, {"counters on", activation, true},
                 {"counters off", activation, false});
}

// The second of the two against the first: "relu,leaky_relu:0.01" says what Leaky ReLU costs.
nlohmann::ordered_json compare_activations(const BenchOptions& options, const Workload& workload,
                                           const Dataset& data) {
  const auto pair = parse_activations("--compare-activations", options.compare_activations);
  if (pair.size() != 2)
    throw Error(ErrorCode::kInvalidArgument, "--compare-activations",
                fmt::format("names {} activations; expected two", pair.size()));
  const bool counters = !options.no_counters;
  return compare(options, workload, data, {pair[1].specification(), pair[1], counters},
                 {pair[0].specification(), pair[0], counters});
}

nlohmann::ordered_json compare_keep_alive(const BenchOptions& options, const Workload& workload,
                                          const Dataset& data) {
  const Activation activation(options.activation);
  const KeepAlive keep = parse_keep_alive(options.compare_keep_alive);
  return compare(options, workload, data, {keep.specification(), activation, true, keep},
                 {"none", activation, true});
}

int bench(const BenchOptions& options) {
  const std::jthread warm_up(engine::prepare);
  options.check();
  Outputs outputs{{"--json", options.json}};
  const Workload workload = find_workload(options);
  const Dataset data = random_data(workload, options.seed);
  const auto run = options.first_step                     ? measure_start
                   : options.compare_counters             ? compare_counters
                   : !options.compare_activations.empty() ? compare_activations
                   : !options.compare_keep_alive.empty()  ? compare_keep_alive
                                                          : measure;
  const nlohmann::ordered_json result = run(options, workload, data);
  outputs.write(options.json, [&] { write_file(options.json, result.dump(2) + "\n"); });
  outputs.rethrow();
  return kOk;
}

}  // namespace

Command add_bench(CLI::App& program, const Host& host) {
  CLI::App* app = program.add_subcommand("bench", kBenchDescription);
  app->footer(kBenchFooter);
  const auto options = std::make_shared<BenchOptions>(*app, host);
  return [options] { return bench(*options); };
}

}  // namespace undying::cli
