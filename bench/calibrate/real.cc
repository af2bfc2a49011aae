// Trainings in place of simulated runs.

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "calibrate/simulate.h"
#include "study/plan.h"
#include "undying/undying.h"

namespace undying {
namespace {

// Real trainings whose arms do the same: other draws of one activation, slopes that only chaos
// tells apart, labels that are noise.
struct Trainings {
  const char* name;
  const char* data;
  const char* model;
  bool noise = false;   // labels or targets in another order
  bool slopes = false;  // arms are slopes around 1e-6, else draws of relu
  double learning_rate = 0.1;
};

constexpr Trainings kTrainings[] = {
    {"draws of relu, classes", "spirals", "mlp:8x2", false, false, 0.1},
    {"slopes of 1e-6, classes", "spirals", "mlp:8x3", false, true, 0.3},
    {"draws of relu, values", "abs", "mlp:8x2", false, false, 0.02},
    {"slopes of 1e-6, values", "slowly-changing", "mlp:8x2", false, true, 0.02},
    {"labels are noise", "spirals", "mlp:8x2", true, false, 0.1}};

// A few hundred examples, half of them held out.
Split small_split(const Trainings& kind, Engine& engine) {
  Dataset data = *open_dataset(kind.data).train;
  std::vector<std::int32_t> labels = data.labels;
  HeldOut cut = hold_out_rows(data, 400.0 / static_cast<double>(data.size), engine());
  cut.held_out.name = data.name;
  if (kind.noise) std::ranges::shuffle(cut.held_out.labels, engine);
  HeldOut halves = hold_out_rows(cut.held_out, 0.5, engine());
  return {.train = std::make_shared<Dataset>(std::move(halves.rest)),
          .test = std::make_shared<Dataset>(std::move(halves.held_out)),
          .note = ""};
}

bool false_verdict(const Trainings& kind, int arms, Engine& engine) {
  const Split data = small_split(kind, engine);
  StudySettings settings{.data = kind.data, .model = kind.model};
  settings.margin = 1e-9;
  settings.threads = 1;
  settings.train = {
      .optimizer = Sgd{.learning_rate = static_cast<float>(kind.learning_rate), .momentum = 0.9f},
      .batch = 25,
      .epochs = 5};
  settings.train.seed = 1 + engine() % 1'000'000;
  settings.train.loss =
      data.train->classes > 0 ? Loss::kSoftmaxCrossEntropy : Loss::kMeanSquaredError;
  settings.train.health = {.counters = false, .census = false};
  Study study = study::begin_study(settings, data);
  for (int a = 0; a < arms + 2; ++a) {
    Arm arm{.label = fmt::format("arm {}", a), .activation = "relu"};
    if (kind.slopes && a >= 2) arm.activation = Activation(fmt::format("leaky_relu:{}e-6", a));
    arm.role = a == 0 ? Role::kControl : a == 1 ? Role::kPlacebo : Role::kTreatment;
    study.arms.push_back(std::move(arm));
  }
  const auto train = [&](const Arm& arm, std::uint64_t seed, const Observer& observer,
                         std::stop_token stop) {
    TrainSettings own = settings.train;
    own.threads = own.shards = 1;
    own.seed = seed;
    own.init_seed = seed + 7919 * static_cast<std::uint64_t>(&arm - study.arms.data());
    const std::int64_t outputs =
        data.train->classes > 0 ? data.train->classes : data.train->outputs;
    Trainer trainer(
        build_model(kind.model, data.train->shape, outputs, {.activation = arm.activation}), own);
    Run run = trainer.fit(*data.train, *data.test, observer, std::move(stop));
    if (run.status == RunStatus::kFinished) run.examples = trainer.example_scores(*data.test);
    return run;
  };
  study::train_arms(study, data, {.train = train}, nullptr, {});
  return std::ranges::any_of(study.arms, [](const Arm& arm) {
    return arm.role == Role::kTreatment && directional(arm.comparison);
  });
}

}  // namespace

void real_studies(int studies) {
  std::vector<Errors> errors(std::size(kTrainings) + 1);
  parallel(studies, 53, [&](int study, Engine& engine) {
    const std::size_t kind = static_cast<std::size_t>(study) % std::size(kTrainings);
    const bool wrong =
        false_verdict(kTrainings[kind], std::uniform_int_distribution<int>(2, 8)(engine), engine);
    for (Errors* each : {&errors[kind], &errors.back()}) {
      ++each->studies;
      each->by_twenty += wrong;
    }
  });
  fmt::print(
      "| trainings whose arms do the same, 2 to 8 arms, up to 20 seeds | studies | any false "
      "verdict |\n|---|---|---|\n");
  for (std::size_t k = 0; k < errors.size(); ++k)
    fmt::print("| {} | {} | {} |\n", k < std::size(kTrainings) ? kTrainings[k].name : "**all**",
               errors[k].studies.load(), share_text(errors[k].by_twenty, errors[k].studies));
}

}  // namespace undying
