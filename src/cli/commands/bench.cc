#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "base/atomic_file.h"
#include "base/philox.h"
#include "cli/commands/commands.h"
#include "cli/network.h"
#include "cli/outputs.h"
#include "cli/parse.h"
#include "cli/progress.h"
#include "engine/engine.h"
#include "undying/error.h"
#include "undying/trainer.h"

namespace undying::cli {
namespace {

using Clock = std::chrono::steady_clock;

const Clock::time_point kStart = Clock::now();  // as near to the start of the process as the program itself can see

constexpr const char* kDescription =
    "Measures training steps on fixed workloads.\n"
    "A step is forward, cross-entropy, backward and SGD with momentum 0.9 on random images, counters on. Prints\n"
    "samples per second and GFLOP/s (a step is 6 x batch x multiply-adds): the median over 20 windows of steps\n"
    "with the 10th and 90th percentile. First checks that the network learns: that it fits one batch better\n"
    "after a few steps.\n";

constexpr const char* kFooter =
    "Workloads, all on images of 28 x 28 and 10 classes, batch 128 (W4: 256):\n"
    "  W1 mlp:32x30, W2 mlp:128x10, W3 mlp:512x4, W4 mlp:1024x4, W5 vgg:small, W6 resnet:20\n"
    "\n"
    "Examples:\n"
    "  undying bench --workload W1 --threads 2 --json w1.json\n"
    "  undying bench --workload W1 --compare-counters\n"
    "  undying bench --workload W2 --compare-activations relu,leaky_relu:0.01\n"
    "  undying bench --model net.onnx --batch 32 --compare-activations relu,leaky_relu:0.01\n"
    "\n"
    "Exit codes: 0 done; 1 internal failure, or a network that does not learn; 2 bad input, or an output that cannot\n"
    "be written.";

struct Workload {
  std::string name;
  std::string model;
  std::int64_t batch;
  std::optional<Network> network = {};  // from a file
};

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all = {{"W1", "mlp:32x30", 128},  {"W2", "mlp:128x10", 128}, {"W3", "mlp:512x4", 128},
                                            {"W4", "mlp:1024x4", 256}, {"W5", "vgg:small", 128},  {"W6", "resnet:20", 128}};
  return all;
}

struct BenchOptions {
  BenchOptions(CLI::App& app, const Host& caller) : host(caller), network(app) {
    auto* name = app.add_option("--workload", workload, "W1 to W6")->type_name("NAME")->capture_default_str();
    app.add_option("--model", model, "in place of a workload: the network of this ONNX file, on random inputs and targets")
        ->type_name("FILE")
        ->excludes(name);
    app.add_option("--activation", activation, "the activation; of a file's network in place of its own")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--precision", precision, "of products: float32 or bf16")->type_name("NAME")->capture_default_str();
    add_integer(app, "--batch", batch, "examples a step; 0: the workload's", 0, 1 << 16);
    add_integer(app, "--threads", threads, "worker threads; 0: one per core", 0, 1024);
    add_integer(app, "--seed", seed, "of the random images and the initial draw", 0, std::int64_t{1} << 62);
    add_real(app, "--seconds", seconds, "how long to measure", 0.05, 3600.0);
    app.add_flag("--no-counters", no_counters, "without counting");
    add_comparisons(app);
    add_file(app, "--json", json, "write the result as JSON to this file");
    app.add_flag("--quiet", quiet, "no progress, only the result");
  }

  void add_comparisons(CLI::App& app) {
    auto* counters = app.add_flag("--compare-counters", compare_counters, "interleave counters on and off; print what they cost");
    auto* activations = app.add_option("--compare-activations", compare_activations,
                                       "A,B: interleave two activations; print the ratio of their step times");
    auto* start = app.add_flag("--first-step", first_step, "make one step and end: for timing the start from outside");
    add_integer(app, "--rounds", rounds, "interleaved rounds of a comparison", 1, 1000);
    activations->type_name("A,B");
    kinds = {counters, activations, start};
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
      throw Error(ErrorCode::kInvalidArgument, "--no-counters", "does not go with --compare-counters, which measures both");
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
  std::string json;
  bool quiet = false;
  std::vector<const CLI::Option*> kinds;
};

// Of a file, of several outputs the first, or the one that --output names.
Workload file_workload(const BenchOptions& options) {
  if (!is_network_file(options.model))
    throw Error(ErrorCode::kInvalidArgument, "--model", fmt::format("is \"{}\"; expected an ONNX file, FILE.onnx", options.model));
  Network network = options.network.load(options.model, true);
  Dataset target{
      .name = "random targets", .outputs = network.interface.outputs.front().width, .target = network.interface.outputs.front().name};
  options.network.choose(network, target, {});
  return {options.model, options.model, options.batch > 0 ? options.batch : 128, std::move(network)};
}

Workload find_workload(const BenchOptions& options) {
  if (!options.model.empty()) return file_workload(options);
  if (options.network.given())
    throw Error(ErrorCode::kInvalidArgument, "--output", "and --shape are of a network from a file; expected --model FILE.onnx");
  for (Workload workload : workloads()) {
    if (options.workload != workload.name) continue;
    if (options.batch > 0) workload.batch = options.batch;
    return workload;
  }
  throw Error(ErrorCode::kInvalidArgument, "--workload", fmt::format("\"{}\" is not known; expected W1 to W6", options.workload));
}

// Random pixels and labels; the bench's own data, so that it needs none.
Dataset random_images(std::int64_t count, std::int64_t seed) {
  const Random random(static_cast<std::uint64_t>(seed), Stream::kTest);
  Dataset data{.name = "random images", .size = count, .shape = {1, 28, 28}, .classes = 10};
  data.bytes.reserve(static_cast<std::size_t>(count) * 784);
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(count) * 784 / 4; ++i)
    for (const std::uint32_t word : random.block(i)) data.bytes.push_back(static_cast<std::uint8_t>(word));
  for (std::int64_t i = 0; i < count; ++i)
    data.labels.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(i) + (1U << 30), 10)));
  return data;
}

// Normal inputs, rows of tables where a network takes those, and normal targets.
Dataset random_examples(const Network& network, std::int64_t count, std::int64_t seed) {
  const Random random(static_cast<std::uint64_t>(seed), Stream::kTest);
  Dataset data{.name = "random examples", .size = count, .shape = network.graph.input_shape()};
  data.outputs = 1;
  for (const std::int64_t extent : network.graph.output_shape()) data.outputs *= extent;
  std::uint64_t drawn = 0;
  for (std::int64_t row = 0; row < count; ++row) {
    for (const InputPart& input : network.interface.inputs) {
      const Dataset one{.name = "", .shape = input.shape};
      for (std::int64_t i = 0; i < one.features(); ++i, ++drawn)
        data.values.push_back(static_cast<float>(
            input.integer ? static_cast<double>(random.below(4 * drawn, input.rows > 0 ? input.rows : 2)) : random.normal(drawn)));
    }
    for (std::int64_t i = 0; i < data.outputs; ++i) data.targets.push_back(static_cast<float>(random.normal(drawn++)));
  }
  return data;
}

// About a thousand images in whole batches: a part of a batch at the end of an epoch would count as a whole one.
std::int64_t example_count(const Workload& workload) { return workload.batch * ((1024 + workload.batch - 1) / workload.batch); }

struct Contender {
  std::string label;
  Activation activation;
  bool counters = true;
};

// A network of the workload, trained a window of steps at a time.
class Subject {
 public:
  Subject(const Workload& workload, const Contender& contender, const BenchOptions& options)
      : batch_(workload.batch), trainer_(graph_of(workload, contender.activation), settings(workload, contender, options)) {
    if (workload.network) trainer_.set(frozen_tensors(*workload.network, trainer_.settings()));
  }

  // One step; the time from the start of the process to its end.
  void first_step(const Dataset& data) {
    train(data, [](const StepRecord&) { return true; });
  }

  // A measurement counts only if the network really learns: within some steps on one batch, its loss there falls. Not at each step:
  // an activation with a jump has a gradient that does not see it.
  void verify(const Dataset& data) {
    constexpr std::int64_t kSteps = 20;
    Dataset one_batch = data;
    one_batch.size = batch_;
    const auto rows = static_cast<std::size_t>(batch_);
    one_batch.bytes.resize(data.bytes.empty() ? 0 : rows * static_cast<std::size_t>(data.features()));
    one_batch.values.resize(data.values.empty() ? 0 : rows * static_cast<std::size_t>(data.features()));
    one_batch.labels.resize(data.labels.empty() ? 0 : rows);
    one_batch.targets.resize(rows * static_cast<std::size_t>(data.outputs));
    const Run run = train(one_batch, [](const StepRecord& record) { return record.step > kSteps; });
    const auto lower = [](const StepRecord& left, const StepRecord& right) { return left.loss < right.loss; };
    const double before = run.steps.front().loss;
    const double least = std::min_element(run.steps.begin(), run.steps.end(), lower)->loss;
    if (!(least < before))
      throw Error(
          ErrorCode::kInternal, "bench",
          fmt::format("the loss of one batch started at {} and did not fall in {} steps on it: this is not training", before, kSteps));
  }

  // Mean seconds of a step, over at least this many seconds after a first step.
  double window(const Dataset& data, double least) {
    Clock::time_point first{};
    Clock::time_point last{};
    std::int64_t steps = 0;
    train(data, [&](const StepRecord& record) {
      last = Clock::now();
      if (record.step == 1) first = last;
      steps = record.step - 1;
      return steps > 0 && std::chrono::duration<double>(last - first).count() >= least;
    });
    return std::chrono::duration<double>(last - first).count() / static_cast<double>(steps);
  }

  double multiply_adds() const { return undying::multiply_adds(trainer_.graph()); }  // of one example
  double first_step_ms() const { return first_step_ms_; }
  int threads() const { return threads_; }
  int shards() const { return shards_; }

 private:
  static Graph graph_of(const Workload& workload, const Activation& activation) {
    if (workload.network) return with_activation(workload.network->graph, activation);
    return build_model(workload.model, {1, 28, 28}, 10, {.activation = activation});
  }

  static TrainSettings settings(const Workload& workload, const Contender& contender, const BenchOptions& options) {
    // A rate at which no activation of the family diverges on any workload, however deep.
    TrainSettings settings{.optimizer = Sgd{.learning_rate = 1e-4f, .momentum = 0.9f}, .batch = workload.batch, .epochs = 1'000'000};
    settings.seed = static_cast<std::uint64_t>(options.seed);
    settings.evaluate = false;
    settings.threads = static_cast<int>(options.threads);
    settings.precision = parse_precision(options.precision);
    settings.health = {.counters = contender.counters, .census = false};
    if (workload.network) settings.loss = Loss::kMeanSquaredError;
    if (workload.network) settings.frozen = frozen_names(*workload.network);
    return settings;
  }

  template <class Enough>
  Run train(const Dataset& data, Enough enough) {
    std::stop_source stop;
    const Observer observer{.step = [&](const StepRecord& record) {
      if (first_step_ms_ == 0.0) first_step_ms_ = std::chrono::duration<double, std::milli>(Clock::now() - kStart).count();
      if (enough(record)) stop.request_stop();
    }};
    Run run = trainer_.fit(data, data, observer, stop.get_token());
    if (run.status == RunStatus::kDiverged) throw Error(ErrorCode::kInternal, "bench", "diverged: " + run.reason + "; nothing to measure");
    threads_ = run.threads;
    shards_ = run.shards;
    return run;
  }

  std::int64_t batch_;
  double first_step_ms_ = 0.0;
  int threads_ = 0;
  int shards_ = 0;
  Trainer trainer_;
};

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

nlohmann::ordered_json as_json(const Spread& spread) { return {{"median", spread.median}, {"p10", spread.low}, {"p90", spread.high}}; }

double megabytes(const Dataset& data) { return static_cast<double>(data.bytes.size() + 4 * data.values.size()) / 1048576.0; }

void print_start(const Subject& subject, const Dataset& data) {
  fmt::print("first step finished {:.0f} ms after start; peak memory {:.0f} MB, of which data {:.0f} MB\n", subject.first_step_ms(),
             peak_rss_mb(), megabytes(data));
}

nlohmann::ordered_json start_json(const Subject& subject, const Dataset& data) {
  return {{"first_step_ms", subject.first_step_ms()}, {"peak_rss_mb", peak_rss_mb()}, {"data_mb", megabytes(data)}};
}

// One step and no more.
nlohmann::ordered_json measure_start(const BenchOptions& options, const Workload& workload, const Dataset& data) {
  Subject subject(workload, {"", Activation(options.activation), !options.no_counters}, options);
  subject.first_step(data);
  fmt::print("{}: ", workload.name);
  print_start(subject, data);
  std::fflush(stdout);  // whoever times the start from outside reads the line now, not at the end of the process
  nlohmann::ordered_json json = {{"workload", workload.name}};
  json.update(start_json(subject, data));
  return json;
}

std::vector<double> time_windows(Subject& subject, const BenchOptions& options, const Dataset& data) {
  constexpr int kWindows = 20;
  Screen screen(options.host, options.quiet);
  std::vector<double> times;
  for (int i = 0; i < kWindows; ++i) {
    if (screen.due()) screen.show({fmt::format("[{}] window {} of {}", bar(static_cast<double>(i) / kWindows, 20), i + 1, kWindows)});
    times.push_back(subject.window(data, options.seconds / kWindows));
  }
  return times;
}

nlohmann::ordered_json measure(const BenchOptions& options, const Workload& workload, const Dataset& data) {
  const Activation activation(options.activation);
  Subject subject(workload, {"", activation, !options.no_counters}, options);
  subject.verify(data);
  subject.window(data, 0.05);  // warm
  const Spread step = spread(time_windows(subject, options, data));
  const double batch = static_cast<double>(workload.batch);
  const double gflops = 1e-9 * 6.0 * batch * subject.multiply_adds() / step.median;
  fmt::print("{} {}: {}, {:.1f} GFLOP/s; step {:.0f} us (10th to 90th percentile {:.0f} to {:.0f}); {} thread{}\n", workload.name,
             activation.specification(), rate_text(batch / step.median), gflops, 1e6 * step.median, 1e6 * step.low, 1e6 * step.high,
             subject.threads(), subject.threads() == 1 ? "" : "s");
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
std::vector<double> time_rounds(Subject& first, Subject& second, const BenchOptions& options, const Dataset& data) {
  const double least = options.seconds / static_cast<double>(4 * options.rounds);
  const double rounds = static_cast<double>(options.rounds);
  Screen screen(options.host, options.quiet);
  std::vector<double> ratios;
  for (std::int64_t i = 0; i < options.rounds; ++i) {
    if (screen.due()) screen.show({fmt::format("[{}] round {} of {}", bar(static_cast<double>(i) / rounds, 20), i + 1, options.rounds)});
    const double one = first.window(data, least);
    const double two = second.window(data, least);
    const double three = second.window(data, least);
    const double four = first.window(data, least);
    ratios.push_back((one + four) / (two + three));
  }
  return ratios;
}

nlohmann::ordered_json compare(const BenchOptions& options, const Workload& workload, const Dataset& data, const Contender& a,
                               const Contender& b) {
  Subject first(workload, a, options);
  Subject second(workload, b, options);
  for (Subject* subject : {&first, &second}) {
    subject->verify(data);
    subject->window(data, 0.05);  // warm
  }
  const Spread ratio = spread(time_rounds(first, second, options, data));
  fmt::print("{}: step time of {} / {}: {:.4f} ({:+.2f}%; 10th to 90th percentile {:.4f} to {:.4f}; {} rounds; {} thread{})\n",
             workload.name, a.label, b.label, ratio.median, 100.0 * (ratio.median - 1.0), ratio.low, ratio.high, options.rounds,
             first.threads(), first.threads() == 1 ? "" : "s");
  return {{"workload", workload.name}, {"a", a.label},           {"b", b.label}, {"threads", first.threads()},
          {"rounds", options.rounds},  {"ratio", as_json(ratio)}};
}

nlohmann::ordered_json compare_counters(const BenchOptions& options, const Workload& workload, const Dataset& data) {
  const Activation activation(options.activation);
  return compare(options, workload, data, {"counters on", activation, true}, {"counters off", activation, false});
}

// The second of the two against the first: "relu,leaky_relu:0.01" says what Leaky ReLU costs.
nlohmann::ordered_json compare_activations(const BenchOptions& options, const Workload& workload, const Dataset& data) {
  const auto pair = parse_activations("--compare-activations", options.compare_activations);
  if (pair.size() != 2)
    throw Error(ErrorCode::kInvalidArgument, "--compare-activations", fmt::format("names {} activations; expected two", pair.size()));
  const bool counters = !options.no_counters;
  return compare(options, workload, data, {pair[1].specification(), pair[1], counters}, {pair[0].specification(), pair[0], counters});
}

int bench(const BenchOptions& options) {
  const std::jthread warm_up(engine::prepare);
  options.check();
  Outputs outputs{{"--json", options.json}};
  const Workload workload = find_workload(options);
  const Dataset data = workload.network ? random_examples(*workload.network, example_count(workload), options.seed)
                                        : random_images(example_count(workload), options.seed);
  const auto run = options.first_step                     ? measure_start
                   : options.compare_counters             ? compare_counters
                   : !options.compare_activations.empty() ? compare_activations
                                                          : measure;
  const nlohmann::ordered_json result = run(options, workload, data);
  outputs.write(options.json, [&] { write_file(options.json, result.dump(2) + "\n"); });
  outputs.rethrow();
  return kOk;
}

}  // namespace

Command add_bench(CLI::App& program, const Host& host) {
  CLI::App* app = program.add_subcommand("bench", kDescription);
  app->footer(kFooter);
  const auto options = std::make_shared<BenchOptions>(*app, host);
  return [options] { return bench(*options); };
}

}  // namespace undying::cli
