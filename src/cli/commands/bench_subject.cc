#include "cli/commands/bench_subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stop_token>

#include "base/philox.h"
#include "undying/error.h"

namespace undying::cli {
namespace {

using Clock = std::chrono::steady_clock;

// As near to the start of the process as the program itself can see.
const Clock::time_point kStart = Clock::now();

Dataset random_images(std::int64_t count, std::int64_t seed) {
  const Random random(static_cast<std::uint64_t>(seed), Stream::kTest);
  Dataset data{.name = "random images", .size = count, .shape = {1, 28, 28}, .classes = 10};
  data.bytes.reserve(static_cast<std::size_t>(count) * 784);
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(count) * 784 / 4; ++i)
    for (const std::uint32_t word : random.block(i))
      data.bytes.push_back(static_cast<std::uint8_t>(word));
  for (std::int64_t i = 0; i < count; ++i)
    data.labels.push_back(
        static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(i) + (1U << 30), 10)));
  return data;
}

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
            input.integer
                ? static_cast<double>(random.below(4 * drawn, input.rows > 0 ? input.rows : 2))
                : random.normal(drawn)));
    }
    for (std::int64_t i = 0; i < data.outputs; ++i)
      data.targets.push_back(static_cast<float>(random.normal(drawn++)));
  }
  return data;
}

std::int64_t example_count(const Workload& workload) {
  return workload.batch * ((1024 + workload.batch - 1) / workload.batch);
}

Graph graph_of(const Workload& workload, const Activation& activation) {
  if (workload.network) return with_activation(workload.network->graph, activation);
  return build_model(workload.model, {1, 28, 28}, 10, {.activation = activation});
}

TrainSettings settings(const Workload& workload, const Contender& contender,
                       const SubjectOptions& options) {
  // A rate at which no activation of the family diverges on any workload, however deep.
  TrainSettings settings{.optimizer = Sgd{.learning_rate = 1e-4f, .momentum = 0.9f},
                         .batch = workload.batch,
                         .epochs = 1'000'000};
  settings.seed = static_cast<std::uint64_t>(options.seed);
  settings.evaluate = false;
  settings.threads = options.threads;
  settings.precision = options.precision;
  settings.keep_alive = contender.keep_alive;
  settings.health = {.counters = contender.counters, .census = false};
  if (workload.network) settings.loss = Loss::kMeanSquaredError;
  if (workload.network) settings.frozen = frozen_names(*workload.network);
  return settings;
}

}  // namespace

Dataset random_data(const Workload& workload, std::int64_t seed) {
  const std::int64_t count = example_count(workload);
  return workload.network ? random_examples(*workload.network, count, seed)
                          : random_images(count, seed);
}

Subject::Subject(const Workload& workload, const Contender& contender,
                 const SubjectOptions& options)
    : batch_(workload.batch),
      trainer_(graph_of(workload, contender.activation), settings(workload, contender, options)) {
  if (workload.network) trainer_.set(frozen_tensors(*workload.network, trainer_.settings()));
}

void Subject::first_step(const Dataset& data) {
  train(data, [](const StepRecord&) { return true; });
}

void Subject::verify(const Dataset& data) {
  constexpr std::int64_t kSteps = 20;
  Dataset one_batch = data;
  one_batch.size = batch_;
  const auto rows = static_cast<std::size_t>(batch_);
  one_batch.bytes.resize(data.bytes.empty() ? 0 : rows * static_cast<std::size_t>(data.features()));
  one_batch.values.resize(data.values.empty() ? 0
                                              : rows * static_cast<std::size_t>(data.features()));
  one_batch.labels.resize(data.labels.empty() ? 0 : rows);
  one_batch.targets.resize(rows * static_cast<std::size_t>(data.outputs));
  const Run run = train(one_batch, [](const StepRecord& record) { return record.step > kSteps; });
  const auto lower = [](const StepRecord& left, const StepRecord& right) {
    return left.loss < right.loss;
  };
  const double before = run.steps.front().loss;
  const double least = std::min_element(run.steps.begin(), run.steps.end(), lower)->loss;
  if (!(least < before))
    throw Error(ErrorCode::kInternal, "bench",
                fmt::format("the loss of one batch started at {} and did not fall in {} steps on "
                            "it: this is not training",
                            before, kSteps));
}

double Subject::window(const Dataset& data, double least) {
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

Run Subject::train(const Dataset& data, const std::function<bool(const StepRecord&)>& enough) {
  std::stop_source stop;
  const Observer observer{.step = [&](const StepRecord& record) {
    if (first_step_ms_ == 0.0)
      first_step_ms_ = std::chrono::duration<double, std::milli>(Clock::now() - kStart).count();
    if (enough(record)) stop.request_stop();
  }};
  Run run = trainer_.fit(data, data, observer, stop.get_token());
  if (run.status == RunStatus::kDiverged)
    throw Error(ErrorCode::kInternal, "bench", "diverged: " + run.reason + "; nothing to measure");
  threads_ = run.threads;
  shards_ = run.shards;
  return run;
}

}  // namespace undying::cli
