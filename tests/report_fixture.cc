// Writes FOLDER/NAME.html and FOLDER/NAME.json for studies made by hand: everything the page can meet, hostile strings included.

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "undying/undying.h"

namespace {

using namespace undying;  // a test tool of its own

constexpr int kLayers = 6;
constexpr int kUnits = 8;

Run make_run(double level, bool can_die, int seed) {
  Run run{.test_accuracy = level, .test_loss = 2.0 * (1.0 - level), .train_seconds = 1.5, .samples = 3000, .threads = 1, .shards = 1};
  for (int step = 1; step <= 120; ++step)
    run.steps.push_back({step, 2.3 - 1.5 * level * step / 120.0 + 0.02 * ((step * 7 + seed) % 5), 0.01, 1.0, 1e-3});
  run.ledger = {.data = "fixture train", .examples = 1000, .layers = {}, .lives = {}, .censuses = {}};
  for (int layer = 0; layer < kLayers; ++layer) {
    run.ledger.layers.push_back("layer." + std::to_string(layer));
    run.ledger.lives.emplace_back(kUnits);
    for (int unit = 0; can_die && unit < layer; ++unit) {
      UnitLife& life = run.ledger.lives.back()[static_cast<std::size_t>(unit)];
      life = {.state = UnitState::kDead, .born_dead = unit == 0, .died = {unit == 0 ? 0 : 20 + 3 * unit}, .revived = {}};
      if (unit == 1) life.state = UnitState::kAlive, life.revived = {70};
    }
  }
  for (int census = 0; census <= 3; ++census) {
    CensusRecord record{.step = 40 * census, .examples = 1000, .layers = {}, .gradient_norm_ratio = census == 0 ? std::nan("") : 0.01};
    for (int layer = 0; layer < kLayers; ++layer) {
      LayerHealth health{.name = run.ledger.layers[static_cast<std::size_t>(layer)], .units = kUnits};
      health.dead = can_die ? std::min(layer, census) : 0;
      health.firing_rate = 0.5 - 0.05 * layer;
      health.gradient_norm = census == 0 ? 0.0 : std::pow(10.0, -layer);
      record.layers.push_back(health);
    }
    run.ledger.censuses.push_back(record);
    if (census > 0)
      run.epochs.push_back({.epoch = census,
                            .step = 40 * census,
                            .train_loss = 2.0 - 0.2 * census,
                            .test_loss = 2.0 - 0.3 * census,
                            .test_accuracy = level * census / 3.0,
                            .seconds = 0.5 * census});
  }
  return run;
}

Study make_study(bool interrupted) {
  Study study{.settings = {.data = "fixture", .model = "mlp:8x6", .seeds = 3},
              .command = "undying compare --report '</script><img src=x onerror=alert(1)>'"};
  study.machine = "a machine & its <cores>";
  study.version = "0.1.0";
  study.data_name = "fixture";
  study.data_note = "made by hand: </script><b>not bold</b>";
  study.train_examples = 1000;
  study.test_examples = 100;
  study.chance = 0.1;
  study.seconds = 12.5;
  const struct {
    const char* label;
    const char* activation;
    Role role;
    double level;
  } arms[] = {{"relu (control)", "relu", Role::kControl, 0.5},
              {"relu (placebo)", "relu", Role::kPlacebo, 0.51},
              {"leaky_relu:0.01", "leaky_relu:0.01", Role::kTreatment, 0.7},
              {"elu:1", "elu:1", Role::kTreatment, 0.3},
              {"gelu", "gelu", Role::kTreatment, 0.52}};
  for (const auto& made : arms) {
    Arm arm{.label = made.label, .activation = made.activation, .role = made.role};
    for (int seed = 1; seed <= 3; ++seed) {
      ArmRun slot{.seed = static_cast<std::uint64_t>(seed), .present = !interrupted || seed < 3};
      if (slot.present) slot.run = make_run(made.level + 0.01 * ((seed * 5) % 3), arm.activation == Activation("relu"), seed);
      arm.runs.push_back(slot);
    }
    study.arms.push_back(arm);
  }
  Run& diverged = study.arms[4].runs[1].run;
  diverged.status = RunStatus::kDiverged;
  diverged.reason = "loss is nan at step 50";
  diverged.test_accuracy = diverged.test_loss = std::nan("");
  diverged.steps.resize(50);
  diverged.steps.back().loss = std::nan("");
  diverged.epochs.resize(1);
  diverged.epochs[0].test_accuracy = std::nan("");
  diverged.ledger.censuses.resize(2);
  study.arms[0].runs[1].run.test_accuracy = 0.1;  // collapsed
  analyse(study);
  return study;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  for (const bool interrupted : {false, true}) {
    const Study study = make_study(interrupted);
    const std::string name = interrupted ? "interrupted" : "whole";
    std::ofstream(folder / (name + ".html")) << study_html(study);
    std::ofstream(folder / (name + ".json")) << study_json(study);
  }
  return 0;
}
