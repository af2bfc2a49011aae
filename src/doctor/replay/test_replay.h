#ifndef UNDYING_DOCTOR_REPLAY_TEST_REPLAY_H_
#define UNDYING_DOCTOR_REPLAY_TEST_REPLAY_H_

// A run, what it leaves on record, and its replay, for tests.

#include <string>
#include <vector>

#include "doctor/replay/replay.h"
#include "train/test_data.h"

namespace undying::doctor {

using Tensors = std::vector<undying::Tensor>;
struct Killed {
  Graph graph;
  TrainSettings settings;
  const Dataset& data;
  Tensors start = {};  // of what is not drawn

  Trainer trainer(const TrainSettings& chosen) const {
    Trainer made(graph, chosen);
    made.set(start);
    return made;
  }
};

// What a run leaves on record, and its events.
struct Recorded {
  RecordedCourse course;
  std::vector<UnitEvent> events;
  std::vector<std::string> layers;
};

inline Recorded record(const Killed& made) {
  Trainer trainer = made.trainer(made.settings);
  const undying::Run run = trainer.fit(made.data, made.data);
  Recorded recorded{.course = {.name = "run"}, .layers = run.ledger.layers};
  for (const CensusRecord& census : run.ledger.censuses)
    recorded.course.censuses.push_back(census.step);
  for (const StepRecord& step : run.steps) recorded.course.steps.emplace_back(step.step, step.loss);
  for (const EpochRecord& epoch : run.epochs)
    recorded.course.epochs.emplace_back(epoch.step, epoch.train_loss);
  for (std::size_t l = 0; l < run.ledger.lives.size(); ++l) {
    recorded.course.layers.emplace_back(run.ledger.layers[l], std::ssize(run.ledger.lives[l]));
    for (std::size_t u = 0; u < run.ledger.lives[l].size(); ++u) {
      const auto unit = static_cast<std::int64_t>(u);
      for (const std::int64_t step : run.ledger.lives[l][u].died)
        recorded.events.push_back({step, l, unit, UnitEvent::Kind::kDeath});
      for (const std::int64_t step : run.ledger.lives[l][u].revived)
        recorded.events.push_back({step, l, unit, UnitEvent::Kind::kRevival});
    }
  }
  return recorded;
}

inline Replay again(const Killed& made, const Recorded& recorded,
                    const ReplaySettings& settings = {}) {
  Trainer trainer = made.trainer(replay_settings(made.settings));
  return replay(trainer, made.data, recorded.course, recorded.events, settings);
}

// The numbers of the network after so many steps: of the run that ends there.
inline Tensors after(const Killed& made, std::int64_t step) {
  TrainSettings settings = made.settings;
  settings.evaluate = false;
  settings.health.census = false;
  settings.max_steps = step;
  Trainer trainer = made.trainer(settings);
  if (step > 0) trainer.fit(made.data, made.data);
  return trainer.tensors();
}

}  // namespace undying::doctor

#endif  // UNDYING_DOCTOR_REPLAY_TEST_REPLAY_H_
