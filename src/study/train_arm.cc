#include "study/train_arm.h"

#include <algorithm>
#include <utility>

namespace undying::study {
namespace {

std::int64_t outputs_of(const Dataset& data) {
  return data.classes > 0 ? data.classes : data.outputs;
}

Graph build(const StudySettings& settings, const Arm& arm, const Dataset& data) {
  if (settings.network) return with_activation(*settings.network, arm.activation);
  ModelOptions options = settings.model_options;
  options.activation = arm.activation;
  options.layer_norm = options.layer_norm || arm.layer_norm;
  return build_model(settings.model, data.shape, outputs_of(data), options);
}

// Of a run on a stream the curve is the online error over its stretches: single steps say little.
void take_stretches(Run& run) {
  run.steps.clear();
  for (const EpochRecord& epoch : run.epochs)
    run.steps.push_back({.step = epoch.step, .loss = epoch.train_loss});
}

// Where the run stops early, it watches rows of its training part that it is not trained on, the
// same for all arms.
Run fit(Trainer& trainer, const Split& split, std::uint64_t seed, const Observer& observer,
        std::stop_token stop) {
  if (split.stream != nullptr) {
    Run run = trainer.fit(*split.stream, observer, std::move(stop));
    take_stretches(run);
    return run;
  }
  if (trainer.settings().early_stop == 0)
    return trainer.fit(*split.train, *split.test, observer, std::move(stop));
  const Split watched = validation_split(split, seed);
  return trainer.fit(*watched.train, *split.test, observer, std::move(stop), watched.test.get());
}

}  // namespace

std::int64_t steps_of(const TrainSettings& train, const Dataset& data) {
  const std::int64_t all = train.epochs * ((data.size + train.batch - 1) / train.batch);
  return train.max_steps > 0 ? std::min(all, train.max_steps) : all;
}

Trainer begin(const StudySettings& settings, const Arm& arm, const Dataset& data,
              std::uint64_t seed) {
  Trainer trainer(build(settings, arm, data), run_settings(settings, arm, seed));
  if (settings.initial.empty()) return trainer;
  std::vector<Tensor> own = trainer.tensors();
  std::erase_if(own, [&](Tensor& tensor) {  // an activation's slope may have come, or gone
    const auto given = std::ranges::find(settings.initial, tensor.name, &Tensor::name);
    if (given != settings.initial.end()) tensor = *given;
    return given == settings.initial.end();
  });
  trainer.set(own);
  return trainer;
}

TrainArm train_on(const StudySettings& settings, Draws& draws) {
  return [&settings, &draws](const Arm& arm, std::uint64_t seed, const Observer& observer,
                             std::stop_token stop) {
    const Split& split = draws.of(seed);
    Trainer trainer = begin(settings, arm, *split.train, seed);
    Run run = fit(trainer, split, seed, observer, std::move(stop));
    if (run.status == RunStatus::kFinished && arm.role != Role::kCandidate &&
        split.stream == nullptr)
      run.examples = trainer.example_scores(*split.test);
    return run;
  };
}

}  // namespace undying::study
