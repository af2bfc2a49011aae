// Writes FOLDER/NAME.html and FOLDER/NAME.json for studies made by hand: everything the page can
// meet, hostile strings included.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include "report/replay.h"
#include "report/reproduction.h"
#include "undying/undying.h"

namespace {

using namespace undying;  // a test tool of its own

constexpr int kLayers = 6;
constexpr int kUnits = 8;
constexpr int kEpochs = 3;
constexpr int kEpochSteps = 40;

// Layer l has l units that die: the first is born dead, the second dies and comes back, the others
// die one after another.
UnitLife make_life(int unit) {
  if (unit == 0) return {.state = UnitState::kDead, .born_dead = true, .died = {0}, .revived = {}};
  if (unit == 1)
    return {.state = UnitState::kAlive, .firing_rate = 0.2, .died = {20}, .revived = {70}};
  return {.state = UnitState::kDead, .died = {20 + 15 * unit}, .revived = {}};
}

bool dead_at(const UnitLife& life, std::int64_t step) {
  const auto before = [step](std::int64_t event) { return event <= step; };
  return std::count_if(life.died.begin(), life.died.end(), before) >
         std::count_if(life.revived.begin(), life.revived.end(), before);
}

CensusRecord make_census(const Ledger& ledger, std::int64_t step) {
  CensusRecord record{.step = step,
                      .examples = ledger.examples,
                      .layers = {},
                      .gradient_norm_ratio = step == 0 ? std::nan("") : 0.01};
  for (std::size_t l = 0; l < ledger.layers.size(); ++l) {
    LayerHealth health{.name = ledger.layers[l], .units = kUnits};
    health.dead = std::count_if(ledger.lives[l].begin(), ledger.lives[l].end(),
                                [&](const UnitLife& life) { return dead_at(life, step); });
    health.firing_rate = 0.5 - 0.05 * static_cast<double>(l) + 0.001 * static_cast<double>(step);
    health.gradient_norm =
        step == 0 || l + 1 == ledger.layers.size() ? 0.0 : std::pow(10.0, -static_cast<double>(l));
    record.layers.push_back(health);
  }
  return record;
}

Ledger make_ledger(bool can_die) {
  Ledger ledger{
      .data = "fixture train", .examples = 1000, .layers = {}, .lives = {}, .censuses = {}};
  for (int layer = 0; layer < kLayers; ++layer) {
    ledger.layers.push_back("layer." + std::to_string(layer));
    ledger.lives.emplace_back(kUnits);
    for (int unit = 0; can_die && unit < layer; ++unit) ledger.lives.back()[unit] = make_life(unit);
  }
  for (int epoch = 0; epoch <= kEpochs; ++epoch)
    ledger.censuses.push_back(make_census(ledger, kEpochSteps * epoch));
  return ledger;
}

Run make_run(double level, bool can_die, int seed) {
  Run run{.ledger = make_ledger(can_die),
          .test_accuracy = level,
          .test_loss = 2.0 * (1.0 - level),
          .train_seconds = 1.5 + 0.1 * seed,
          .samples = 3000,
          .threads = 1,
          .shards = 1};
  for (int step = 1; step <= kEpochs * kEpochSteps; ++step)
    run.steps.push_back(
        {step, 2.3 - 1.5 * level * step / 120.0 + 0.02 * ((step * 7 + seed) % 5), 0.01, 1.0, 1e-3});
  for (int epoch = 1; epoch <= kEpochs; ++epoch)
    run.epochs.push_back({.epoch = epoch,
                          .step = kEpochSteps * epoch,
                          .train_loss = 2.0 - 0.2 * epoch,
                          .test_loss = 2.0 - 0.3 * epoch - 0.01 * seed,
                          .test_accuracy = level * epoch / kEpochs,
                          .seconds = 0.5 * epoch});
  return run;
}

void diverge(Run& run) {
  run.status = RunStatus::kDiverged;
  run.reason = "loss is nan at step 50";
  run.test_accuracy = run.test_loss = std::nan("");
  run.steps.resize(50);
  run.steps.back().loss = std::nan("");
  run.epochs.resize(1);
  run.ledger.censuses.resize(2);
}

// All arms x seeds, of which the first `finished` seeds were run.
Study make_study(int seeds, int finished) {
  Study study{.settings = {.data = "fixture", .model = "mlp:8x6", .seeds = seeds},
              .command = "undying compare --report '</script><img src=x onerror=alert(1)>'"};
  study.machine = "a machine & its <cores>";
  study.version = "0.1.0";
  study.data_name = "fixture";
  study.data_note = "made by hand: </script><b>not bold</b>";
  study.train_examples = 1000;
  study.test_examples = 100;
  study.baseline = {
      .metric = Metric::kAccuracy, .score = 0.1, .bound = 0.12, .answer = "always naming class 0"};
  study.read = {.name = "fixture <b>x</b>",
                .train = 1000,
                .test = 100,
                .shape = {3},
                .task = "10 classes (label=<img src=x>)",
                .held_out = "100 of 1100 examples",
                .scaling = "as they are",
                .baseline = "10.00%"};
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
    for (int seed = 1; seed <= seeds; ++seed) {
      ArmRun slot{.seed = static_cast<std::uint64_t>(seed), .present = seed <= finished};
      if (slot.present)
        slot.run = make_run(made.level + 0.01 * ((seed * 5) % 3),
                            arm.activation == Activation("relu"), seed);
      arm.runs.push_back(slot);
    }
    study.arms.push_back(arm);
  }
  return study;
}

Study whole() {
  Study study = make_study(3, 3);
  diverge(study.arms[4].runs[1].run);
  study.arms[0].runs[1].run.test_accuracy = 0.1;  // collapsed
  return study;
}

Study regression() {
  Study study = make_study(3, 3);
  study.baseline = {.metric = Metric::kLoss,
                    .score = 1.9,
                    .bound = 1.88,
                    .answer = "always the mean of the training targets"};
  for (Arm& arm : study.arms)
    for (ArmRun& slot : arm.runs) {
      slot.run.test_accuracy = std::nan("");
      for (EpochRecord& epoch : slot.run.epochs) epoch.test_accuracy = std::nan("");
    }
  return study;
}

// Every arm at a rate of its own.
Study tuned() {
  Study study = make_study(2, 2);
  study.validation_examples = 250;
  for (Arm& arm : study.arms) {
    const bool high = arm.role == Role::kTreatment;
    arm.learning_rate = high ? 0.3f : 0.03f;
    arm.rates = {{.learning_rate = 0.03f, .runs = 3, .collapsed = 1, .score = 0.4, .chosen = !high},
                 {.learning_rate = 0.3f, .runs = 3, .score = 0.6, .chosen = high},
                 {.learning_rate = 3.0f, .runs = 3, .diverged = 3, .score = std::nan("")}};
  }
  return study;
}

// Judged by AUC, of runs that stopped early.
Study stopped() {
  Study study = make_study(2, 2);
  study.settings.train.early_stop = 2;
  study.watched_examples = 200;
  study.baseline = {.metric = Metric::kAuc,
                    .score = 0.5,
                    .bound = 0.55,
                    .answer = "any answer that is the same for all examples"};
  for (Arm& arm : study.arms)
    for (ArmRun& slot : arm.runs) {
      slot.run.best_epoch = arm.role == Role::kControl && slot.seed == 1 ? 2 : 3;
      slot.run.test_score = 0.6 + 0.3 * slot.run.test_accuracy;
      for (EpochRecord& epoch : slot.run.epochs)
        epoch.validation_score = epoch.test_score = 0.6 + 0.3 * epoch.test_accuracy;
    }
  return study;
}

Study without_censuses() {
  Study study = make_study(2, 2);
  for (Arm& arm : study.arms)
    for (ArmRun& slot : arm.runs) slot.run.ledger = {};
  return study;
}

// Two classes; the summary of what was read names everything it can.
void write_evaluation(const std::filesystem::path& folder) {
  const DataSummary read{.name = "people.csv",
                         .train = 8,
                         .test = 4,
                         .shape = {3},
                         .columns = {"age", "city (Oslo, <Rome>)"},
                         .dropped = {{"id", "it counts the rows"}},
                         .target = "bought",
                         .task = "2 classes (label=bought: names)",
                         .classes = {{"no", 4, 2}, {"yes", 4, 2}},
                         .held_out = "4 of 12 examples",
                         .scaling = "as they are",
                         .baseline = "50.00%",
                         .remarks = {"fields are separated by ;"},
                         .warnings = {"4 examples are tested on"}};
  const Dataset data{.name = "people.csv test",
                     .size = 4,
                     .shape = {1},
                     .values = {0, 0, 0, 0},
                     .classes = 2,
                     .labels = {0, 0, 1, 1}};
  const Predictions said{.size = 4,
                         .classes = {"no", "yes"},
                         .outputs = 2,
                         .values = {0.9f, 0.1f, 0.3f, 0.7f, 0.2f, 0.8f, 0.4f, 0.6f}};
  std::ofstream(folder / "evaluation.html")
      << evaluation_html("undying evaluate", read, data.name, evaluate(said, data));
  std::ofstream(folder / "evaluation.json")
      << evaluation_json("undying evaluate", read, data.name, evaluate(said, data));
}

// A death with all that is known of it, and a revival that nothing explains.
void write_replay(const std::filesystem::path& folder) {
  const RecordedRun run{.command = "undying train --data spirals",
                        .layers = {"layer.0", "layer.<1>"},
                        .course = {.name = "run.json"}};
  const doctor::Change change{.from = 8,
                              .to = 40,
                              .before = 1.5,
                              .after = -0.5,
                              .shares = {-1.5, -1.0, 0.5, std::nullopt},
                              .cause = doctor::Cause::kBias};
  const auto z = [](double largest, std::int64_t fired) {
    return doctor::Range{largest, -2.0, -20.0, fired, 20, 7};
  };
  doctor::Explanation death{.event = {40, 1, 3},
                            .rows = 20,
                            .change = change,
                            .life = {{8, z(1.5, 4)}, {24, z(0.5, 2)}, {40, z(-0.5, 0)}}};
  death.update = {.record = {40, 3.0, 0.1, 8.0, 0.01},
                  .decisive = true,
                  .epoch = 2,
                  .rows = {1, 7},
                  .z = z(0.5, 1),
                  .change = change,
                  .bias = 0.25,
                  .weights = 0.5,
                  .usual_loss = 1.5,
                  .usual_gradient = 2.0};
  const doctor::Explanation revival{.event = {60, 1, 4, doctor::UnitEvent::Kind::kRevival},
                                    .missing = "what fires is not among the rows"};
  const doctor::Replay found{.steps = 60, .checked = 12, .explanations = {death, revival}};
  const doctor::ReplaySettings settings;
  const ReplayRecord record{"undying replay run.json", run, settings, found, 5};
  std::ofstream(folder / "replay.html") << replay_html(record);
  std::ofstream(folder / "replay.json") << replay_json(record);
}

// Two plots, one with logarithmic axes that cannot show all of it, and a hostile label.
void write_reproduction(const std::filesystem::path& folder) {
  const double nan = std::nan("");
  const study::PublishedResult result{"slopes", "A. et al. 2015", "what </script> costs", nullptr};
  study::Reproduction found{.setting = "on <b>spirals</b>"};
  found.tables = {{.title = "Errors", .columns = {"arm", "error"}, .rows = {{"relu", "1.0"}}}};
  study::Plot rates{.title = "Against the rate",
                    .x = {.title = "learning rate", .log = true},
                    .y = {.title = "error", .log = true}};
  study::Curve relu{.label = "relu"};
  relu.add(0.001, {0.5, 0.25, 1.0, 4});
  relu.add(0.01, {0.05, 0.0, 0.5, 4});
  relu.add(0.1, {5.0, nan, nan, 1});
  study::Curve other{.label = "<i>tanh</i>"};
  other.add(0.01, {2.0, 1.0, 4.0, 4});
  rates.curves = {relu, other};
  study::Plot tasks{
      .title = "Over tasks", .x = {.title = "task"}, .y = {.title = "right", .percent = true}};
  for (study::Curve curve : {study::Curve{.label = "relu"}, study::Curve{.label = "crelu"}}) {
    for (int task = 1; task <= 20; ++task) curve.add(task, {0.8 - 0.01 * task, 0.5, 0.9, 4});
    tasks.curves.push_back(curve);
  }
  found.plots = {rates, tasks};
  found.claims = {{"it holds", "1.00 [0.90, 1.10]", study::Agreement::kAgrees},
                  {"that, too", "nothing", study::Agreement::kUndecided}};
  const char* command = "undying reproduce slopes";
  std::ofstream(folder / "reproduction.html") << reproduction_html(command, result, found);
  std::ofstream(folder / "reproduction.json") << reproduction_json(command, result, found);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  const std::map<std::string, std::function<Study()>> studies = {
      {"whole", whole},
      {"interrupted", [] { return make_study(3, 2); }},
      {"nothing", [] { return make_study(2, 0); }},
      {"one-seed", [] { return make_study(1, 1); }},
      {"regression", regression},
      {"tuned", tuned},
      {"stopped", stopped},
      {"no-census", without_censuses}};
  for (const auto& [name, make] : studies) {
    Study study = make();
    analyse(study);
    std::ofstream(folder / (name + ".html")) << study_html(study);
    std::ofstream(folder / (name + ".json")) << study_json(study);
  }
  write_evaluation(folder);
  write_replay(folder);
  write_reproduction(folder);
  return 0;
}
