// The trial: every arm starts from the same weights, sees the same batches and is scored on the
// same held-out examples.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "base/stop.h"
#include "doctor/gradient_paths.h"
#include "doctor/network.h"
#include "doctor/revive/acting.h"
#include "doctor/revive/choose.h"
#include "doctor/revive/remedy.h"
#include "engine/passes/census.h"
#include "ops/operator.h"
#include "study/plan.h"
#include "train/fit.h"
#include "train/keep_alive/keep_alive.h"
#include "trial/boundary.h"
#include "undying/error.h"

namespace undying {
namespace {

constexpr int kConfirmingSeeds = 5;
constexpr int kLanes = 4;  // of a look at a network before its first step, on any number of threads

// To |value| where that is larger, or not a number.
void raise(double& largest, double value) {
  if (!(std::fabs(value) <= largest)) largest = std::fabs(value);
}

class Trial {
 public:
  Trial(const Graph& graph, const std::vector<Tensor>& weights, const Split& data,
        const ReviveSettings& settings)
      : settings_(settings),
        data_(data),
        loss_(doctor::loss_for(*data.train, settings.diagnose.loss)),
        network_(settings.train.outputs.empty() ? doctor::without_head(graph, loss_)
                                                : doctor::Network{graph, {}, {}}) {
    settings_.diagnose.loss = settings_.train.loss = loss_;
    if (settings_.seeds != 0 && settings_.seeds < trial::kFirstLook)
      throw Error(ErrorCode::kInvalidArgument, "seeds",
                  fmt::format("is {}; expected auto or at least {}, with which verdicts begin",
                              settings_.seeds, trial::kFirstLook));
    doctor::check_gradient(network_.graph);
    rows_ = validation_split(data, settings_.train.seed);
    rows_.note = data.note;
    rows_.given = true;  // nothing is drawn anew
    revival_.held_out_examples = data.test->size;
    if (settings_.remedies.empty()) settings_.remedies = standard_remedies();
    revival_.before = diagnose(graph, weights, *data.train, settings_.diagnose);
    if (!revival_.before.finite())
      throw Error(ErrorCode::kBadData, "network",
                  fmt::format("its outputs are not finite on {}: no remedy changes that; expected "
                              "weights from before it diverged",
                              data.train->name));
    for (const DataPass& pass : revival_.before.passes)
      log("diagnosis: " + pass.what, pass.examples, pass.backward);
    treatments_ = std::make_unique<doctor::Treatments>(patient(weights), settings_.train.seed);
    plan();
  }

  Revival run(const std::function<void(const std::vector<Arm>&)>& planned,
              const std::function<void(const StudyProgress&)>& progress, std::stop_token stop) {
    measure_effects();
    const auto train = [this](const Arm& arm, std::uint64_t seed, const Observer& observer,
                              std::stop_token stopping) {
      return train_run(arm, seed, *rows_.test, observer, std::move(stopping));
    };
    study::train_arms(revival_.study, rows_,
                      {.train = train, .planned = planned, .progress = progress}, nullptr, stop);
    std::string spoiled;
    if (const auto chosen = doctor::choose(revival_)) finish(*chosen, spoiled, std::move(stop));
    doctor::write_verdict(revival_, spoiled);
    revival_.passes = passes_.take();
    return std::move(revival_);
  }

 private:
  doctor::Case patient(const std::vector<Tensor>& weights) {
    doctor::Case found = doctor::open_case(network_.graph, weights, *data_.train, revival_.before);
    found.anneal_steps = std::max<std::int64_t>(1, steps() / 2);
    found.sampled.threads = doctor::default_threads(settings_.threads);
    found.sampled.memory = settings_.diagnose.memory;
    found.sampled.passes = &passes_;
    return found;
  }

  void log(const std::string& what, std::int64_t examples, bool backward = false,
           std::int64_t count = 1) {
    if (count > 0) passes_.add({what, examples, backward, count});
  }

  Run train_run(const Arm& arm, std::uint64_t seed, const Dataset& scored, const Observer& observer,
                std::stop_token stop) {
    Trainer trainer = begin(remedy_of(arm), seed);
    Run run = fit(trainer, scored, observer, std::move(stop));
    if (run.status != RunStatus::kFinished) return run;
    run.examples = trainer.example_scores(scored);
    log("runs: scores of examples", scored.size);
    return run;
  }

  Run fit(Trainer& trainer, const Dataset& scored, const Observer& observer = {},
          std::stop_token stop = {}) {
    const bool known = train::Access::of(trainer).first_census != nullptr;
    Run run = trainer.fit(*rows_.train, scored, observer, std::move(stop));
    log("runs: training steps", run.samples, true);
    log("runs: census before the first step", rows_.train->size, false, known ? 0 : 1);
    log("runs: census after an epoch", rows_.train->size, false, std::ssize(run.epochs));
    log("runs: score after an epoch", scored.size, false, std::ssize(run.epochs));
    return run;
  }

  // The control and the chosen remedy once more, from seeds that no choice has seen, scored on the
  // held-out examples.
  void confirm(std::size_t chosen, std::stop_token stop) {
    StudySettings fresh = revival_.study.settings;
    fresh.seeds = kConfirmingSeeds;
    fresh.train.seed += kMostSeeds;
    const Split held_out = {.train = rows_.train, .test = data_.test, .note = ""};
    Study study = study::begin_study(fresh, held_out);
    for (const std::size_t arm : {std::size_t{0}, chosen}) {
      study.arms.push_back({.label = revival_.study.arms[arm].label,
                            .activation = revival_.study.arms[arm].activation});
      study.arms.back().role = arm == 0
                                   ? Role::kControl
                                   : Role::kPlacebo;  // whose difference has an interval of its own
    }
    const auto train = [this](const Arm& arm, std::uint64_t seed, const Observer& observer,
                              std::stop_token stopping) {
      return train_run(arm, seed, *data_.test, observer, std::move(stopping));
    };
    study::train_arms(study, held_out, {.train = train}, nullptr, std::move(stop));
    if (study.missing > 0) throw_interrupted();
    revival_.held_out_difference = study.arms.back().comparison.difference;
  }

  // Whether the seeds of an arm change no more than the order of sums: all rows in one batch, and
  // nothing drawn.
  bool one_run(const Remedy& remedy) const {
    const TrainSettings& train = settings_.train;
    const bool drawn = remedy.reinitialise || remedy.placebo || remedy.keep_alive.any() ||
                       train.augmentation.any();
    return !drawn && rows_.train->size <= train.batch &&
           std::ranges::none_of(network_.graph.nodes(), [&](const Node& node) {
             return ops::training_differs(node, train.precision);
           });
  }

  // The arms that say something: without dead units there is nothing to re-initialise, without ReLU
  // nothing to swap; and what acts as another remedy does is that.
  void plan() {
    StudySettings study{.data = settings_.data,
                        .model = settings_.model,
                        .seeds = settings_.seeds,
                        .max_seeds = settings_.max_seeds,
                        .budget = settings_.budget,
                        .margin = settings_.margin,
                        .train = settings_.train,
                        .threads = settings_.threads};
    study.train.health.counters = false;
    study::check_seeds(study);
    revival_.study = study::begin_study(study, rows_);
    revival_.study.placebo_is_treatment = true;
    revival_.study.part = "validation";
    std::map<std::string, std::string> acts;  // what of a remedy acts, and its label
    const doctor::Place here = place();
    for (const Remedy& remedy : settings_.remedies) {
      doctor::Acting acting = doctor::acting(remedy, here);
      const auto [earlier, fresh] = acts.emplace(acting.parts, remedy.label);
      if (fresh) {
        add_arm(remedy);
        continue;
      }
      if (!acting.parts.empty()) acting.idle.push_back("it is " + earlier->second + " here");
      revival_.left_out.push_back(
          fmt::format("{}: {}", remedy.label, fmt::join(acting.idle, "; ")));
    }
    check_arms();
  }

  void add_arm(const Remedy& remedy) {
    Arm arm{.label = remedy.label,
            .activation = remedy.swap.value_or(own_activation()),
            .keep_alive = remedy.keep_alive};
    arm.one_run = one_run(remedy);
    arm.role = revival_.arms.empty() ? Role::kControl
               : remedy.placebo      ? Role::kPlacebo
                                     : Role::kTreatment;
    revival_.study.arms.push_back(std::move(arm));
    revival_.arms.push_back({.remedy = remedy});
  }

  void check_arms() const {
    if (revival_.arms.size() < 2 || revival_.study.arms[1].role != Role::kPlacebo)
      throw Error(ErrorCode::kInvalidArgument, "remedies",
                  "expected the control first, then the placebo, then what is to be tried");
    if (revival_.arms.size() == 2)
      throw Error(ErrorCode::kInvalidArgument, "remedies",
                  revival_.left_out.empty()
                      ? std::string("are control and placebo alone; expected something to try")
                      : fmt::format("would change nothing: {}; expected another remedy",
                                    fmt::join(revival_.left_out, "; ")));
  }

  doctor::Place place() const {
    doctor::Place here{.graph = network_.graph,
                       .has_dead = !treatments_->patient().dead.empty(),
                       .steps = steps()};
    for (const LayerDiagnosis& layer : revival_.before.layers)
      here.largest_layer = std::max(here.largest_layer, std::ssize(layer.lives));
    return here;
  }

  // Of one run.
  std::int64_t steps() const {
    const TrainSettings& train = settings_.train;
    const std::int64_t whole = train.epochs * ((rows_.train->size + train.batch - 1) / train.batch);
    return train.max_steps > 0 ? std::min(train.max_steps, whole) : whole;
  }

  Activation own_activation() const {
    return revival_.before.layers.empty() ? Activation("identity")
                                          : revival_.before.layers.front().activation;
  }

  const Remedy& remedy_of(const Arm& arm) const {
    const auto found = std::ranges::find(revival_.study.arms, arm.label, &Arm::label);
    return revival_.arms[found - revival_.study.arms.begin()].remedy;
  }

  Trainer begin(const Remedy& remedy, std::uint64_t seed) {
    const auto treated = treatments_->of(remedy, seed);
    TrainSettings train = revival_.study.settings.train;
    train.seed = seed;
    train.threads = train.shards = 1;
    train.optimizer = with_learning_rate(
        train.optimizer,
        static_cast<float>(learning_rate(train.optimizer) * remedy.learning_rate_factor));
    const auto& inside = remedy.keep_alive.rules;
    train.keep_alive.rules.insert(train.keep_alive.rules.end(), inside.begin(), inside.end());
    train.health.counters = train.keep_alive.any();
    Trainer trainer(treated->graph, train);
    trainer.load(treated->weights(treatments_->patient().weights));
    if (const auto known = starts_.find(start_of(remedy, seed)); known != starts_.end())
      train::Access::of(trainer).first_census = known->second.census;
    return trainer;
  }

  // What is seen of a network before its first step, on the rows that it is trained on and the
  // validation rows.
  struct Start {
    std::shared_ptr<const engine::Census> census;  // on the former
    std::vector<float> outputs;                    // on both
  };

  // Arms of one label begin alike, with every seed or with each of its own; all that change nothing
  // begin like the control.
  std::string start_of(const Remedy& remedy, std::uint64_t seed) const {
    if (doctor::depends_on_seed(remedy)) return fmt::format("{}, seed {}", remedy.label, seed);
    return remedy.swap ? remedy.label : revival_.arms.front().remedy.label;
  }

  Start look_at(const doctor::Treated& treated) {
    engine::Model model =
        doctor::make_model(treated.graph, treated.weights(treatments_->patient().weights));
    const std::int64_t width = ops::element_count(model.graph().output_shape());
    engine::Runner runner(model, {.lanes = kLanes,
                                  .threads = doctor::default_threads(settings_.threads),
                                  .most_rows = engine::chunk_rows(model, 64),
                                  .memory = settings_.diagnose.memory});
    Start start;
    for (const Dataset* data : {rows_.train.get(), rows_.test.get()}) {
      std::vector<float> outputs(static_cast<std::size_t>(data->size * width));
      engine::OutputObserver copied(outputs.data());
      engine::CensusObserver counted(static_cast<float>(settings_.train.health.saturation_eps));
      engine::PassObserver* const observers[] = {&copied, &counted};
      const std::vector<std::uint32_t> order = train::identity_order(data->size);
      runner.run({.source = train::DatasetSource(*data, order),
                  .rows = data->size,
                  .observers = observers});
      if (start.census == nullptr)
        start.census = std::make_shared<const engine::Census>(counted.total());
      train::to_units(*data, outputs);
      start.outputs.insert(start.outputs.end(), outputs.begin(), outputs.end());
    }
    log("remedies: outputs, and the census that runs begin with", data_.train->size);
    return start;
  }

  // Also finds out, before the first run, whatever cannot work.
  void measure_effects() {
    Trainer control = begin(revival_.arms.front().remedy, settings_.train.seed);
    control.check(*data_.test);
    revival_.held_out_before = control.evaluate(*data_.test);
    log("network as it came: held-out score", data_.test->size);
    const std::uint64_t seed = settings_.train.seed;
    for (RevivalArm& arm : revival_.arms) {
      const auto treated = treatments_->of(arm.remedy, seed);
      arm.effect = treated->effect;
      check_inside(arm.remedy, treated->graph);
      const std::string key = start_of(arm.remedy, seed);
      if (!starts_.contains(key)) starts_[key] = look_at(*treated);
      const std::vector<float>& before =
          starts_.at(start_of(revival_.arms.front().remedy, seed)).outputs;
      const std::vector<float>& outputs = starts_.at(key).outputs;
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        raise(arm.effect.output_difference, static_cast<double>(outputs[i]) - before[i]);
        raise(arm.effect.output_scale, before[i]);
      }
    }
  }

  // Before the first run, not in the middle of the trial.
  void check_inside(const Remedy& remedy, const Graph& graph) const try {
    TrainSettings train = settings_.train;
    train.keep_alive = remedy.keep_alive;
    train.health.counters = true;
    if (remedy.keep_alive.any()) train::check_keep_alive(graph, train);
  } catch (const Error& error) {
    throw Error(
        error.code(), "remedies",
        fmt::format("\"{}\" cannot be tried: {} {}; expected others", remedy.label,
                    error.subject().substr(error.subject().rfind(' ') + 1), error.message()));
  }

  // The chosen remedy's network, and how much better it is. `spoiled`: its label, where that is not
  // finite.
  void finish(std::size_t chosen, std::string& spoiled, std::stop_token stop) {
    revival_.chosen = chosen;
    const auto heal_and_confirm = [&] {
      if (heal(chosen, stop)) return confirm(chosen, std::move(stop));
      spoiled = revival_.study.arms[chosen].label;
      revival_.chosen.reset();
    };
    if (!unless_stopped(heal_and_confirm)) forget_healed();
  }

  // Interrupted in that: the runs are what is left.
  void forget_healed() {
    revival_.interrupted = true;
    revival_.chosen.reset();
    revival_.graph.reset();
    revival_.weights.clear();
    revival_.after.reset();
  }

  // The run of the median score again: the same seed gives the same bits. Returns whether the
  // network is finite on the held-out examples.
  bool heal(std::size_t chosen, const std::stop_token& stop) {
    const Arm& arm = revival_.study.arms[chosen];
    const Remedy& remedy = revival_.arms[chosen].remedy;
    revival_.chosen_seed = doctor::median_seed(revival_.study, arm);
    Trainer trainer = begin(remedy, revival_.chosen_seed);
    if (fit(trainer, *rows_.test, {}, stop).status == RunStatus::kInterrupted) throw_interrupted();
    revival_.held_out_after = trainer.evaluate(*data_.test);
    log("healed network: held-out score", data_.test->size);
    if (!std::isfinite(revival_.held_out_after.loss)) return false;
    revival_.graph = doctor::with_head(network_, doctor::without_annealing(trainer.graph()));
    revival_.weights = trainer.tensors();
    revival_.after = diagnose(*revival_.graph, revival_.weights, *data_.train, settings_.diagnose);
    for (const DataPass& pass : revival_.after->passes)
      log("diagnosis of the healed: " + pass.what, pass.examples, pass.backward);
    return true;
  }

  ReviveSettings settings_;
  const Split& data_;
  Loss loss_;
  doctor::Network network_;
  Split rows_;  // what is trained on, and the validation rows
  Revival revival_;
  doctor::PassLog passes_;
  std::unique_ptr<doctor::Treatments> treatments_;
  std::map<std::string, Start> starts_;  // by start_of(); complete before the first run
};

}  // namespace

Revival revive(const Graph& graph, const std::vector<Tensor>& weights, const Split& data,
               const ReviveSettings& settings,
               const std::function<void(const std::vector<Arm>&)>& planned,
               const std::function<void(const StudyProgress&)>& progress, std::stop_token stop) {
  const Stoppable stoppable(stop);
  return Trial(graph, weights, data, settings).run(planned, progress, std::move(stop));
}

}  // namespace undying
